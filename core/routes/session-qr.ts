import { z } from "@hono/zod-openapi"
import { companyParams, isoTime, success } from "../http/schemas.ts"
import { iso } from "../message/messages.ts"
import type { Lines } from "../lines.ts"
import { type ApiRoute, defineRoute } from "../route.ts"
import { preferred } from "./accept.ts"
import { drawQr } from "./qr-picture.ts"

const FORMS = ["application/json", "image/png", "image/svg+xml", "text/plain", "text/html"] as const
const LONGEST_WAIT = 60
const SECONDS = `expected seconds from 0 to ${LONGEST_WAIT}`

/** The QR code, as data or as a picture. Whoever sees it owns the line. */
export function qrRoute({ commands }: Lines): ApiRoute {
  return defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/sessions/{companyId}/qr",
      scope: "session",
      company: "path",
      summary: "The QR code to scan now",
      description:
        "As JSON, or as a picture with `Accept: image/png`, `image/svg+xml` or `text/plain`; browsers get a picture. Never cached, never stored.",
      tag: "Sessions",
      params: companyParams,
      query: z.object({
        wait: z.coerce
          .number({ error: SECONDS })
          .min(0, { error: SECONDS })
          .max(LONGEST_WAIT, { error: SECONDS })
          .default(0)
          .openapi({ description: "Seconds to wait for a code, at most 60" }),
      }),
      responses: {
        200: {
          description: "The code",
          schema: success(z.object({ qr: z.string(), attempts: z.int(), maxAttempts: z.int(), expiresAt: isoTime })),
        },
      },
      errors: ["SESSION_NOT_FOUND", "QR_NOT_AVAILABLE", "ALREADY_CONNECTED"],
    },
    async ({ call, query, request }) => {
      const { text, attempt, maxAttempts, expiresAt } = await commands.qr(call.company, query.wait * 1000)
      // Nobody who can scan a picture is helped by a refusal: an Accept that fits nothing gets the data.
      const wanted = preferred(request.headers.get("accept"), FORMS) ?? "application/json"
      // A page is what browsers ask for first; a person sits there, to whom the picture is of use and the data is not.
      const type = wanted === "text/html" ? "image/svg+xml" : wanted
      const headers = { "cache-control": "no-store", vary: "accept" }
      if (type === "application/json") {
        const data = { qr: text, attempts: attempt, maxAttempts, expiresAt: iso(expiresAt) }
        return Response.json({ success: true, data }, { headers })
      }
      const charset = type === "image/png" ? "" : "; charset=utf-8"
      return new Response(await drawQr(text, type), { headers: { ...headers, "content-type": type + charset } })
    },
  )
}
