import { z } from "@hono/zod-openapi"
import { jsonAnswer } from "../http/answer.ts"
import { parseJson } from "../http/json.ts"
import { companyParams, sessionStatus, success } from "../http/schemas.ts"
import type { Lines } from "../lines.ts"
import { type ApiRoute, defineRoute } from "../route.ts"
import { prefersAsync, SEND_ERRORS, SEND_STAGES, sent } from "./messages.ts"

const TYPES = ["message.send", "session.initialize"]

/** For the documentation; what comes is read when it is known to be genuine. */
const asked = z
  .looseObject({
    type: z.unknown().optional().openapi({ type: "string", enum: TYPES }),
    data: z.unknown().optional().openapi({
      type: "object",
      description: "For `message.send` as the body of a send, for `session.initialize` as that of an initialize",
    }),
  })
  .openapi({ required: ["type"] })

const repeated = z.object({
  repeated: z.literal(true).openapi({ description: "A call with this id has been here; nothing was done again" }),
  type: z.string(),
  messageId: z.string().optional().openapi({ description: "The message that came of it" }),
})

/** Calls from other systems: the signature is the key. */
export function webhookRoute({ ingress }: Lines): ApiRoute {
  return defineRoute(
    {
      method: "post",
      path: "/api/whatsapp/webhooks/{companyId}",
      scope: "none",
      company: "path",
      summary: "A signed call from another system",
      description:
        "Signed over its bytes, with the headers of Standard Webhooks or with `X-Hub-Signature-256`. `message.send` passes everything that a send passes; `session.initialize` answers with the status and never with a code. A call whose id has been here, once accepted, is answered 200 and does nothing. Send `Prefer: respond-async` not to wait for WhatsApp.",
      tag: "Webhooks",
      params: companyParams,
      body: asked,
      bodyOptional: true,
      rawBody: { type: "application/json" },
      responses: {
        200: {
          description: "WhatsApp has acknowledged the message, or a repeat",
          schema: success(z.union([sent, repeated])),
        },
        202: {
          description: "The message is stored, or the session starts",
          schema: success(z.union([sent, sessionStatus])),
        },
      },
      stages: SEND_STAGES,
      errors: ["INVALID_SIGNATURE", "UNAUTHORIZED", "FORBIDDEN", "PLUGIN_FAULT", ...SEND_ERRORS],
    },
    async ({ call, raw, request, identify }) => {
      const { status, data } = await ingress.receive({
        call,
        body: raw ?? new Uint8Array(0),
        headers: request.headers,
        respondAsync: prefersAsync(request.headers.get("prefer")),
        identify,
        parse: parseJson,
      })
      return jsonAnswer({ success: true, data }, status)
    },
  )
}
