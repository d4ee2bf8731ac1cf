import { z } from "@hono/zod-openapi"
import { appError, isAppError } from "../errors.ts"
import { failureAnswer, type JsonAnswer, jsonAnswer } from "../http/answer.ts"
import {
  companyId,
  companyIdField,
  companyParams,
  direction,
  isoTime,
  isoTimeInput,
  message,
  messageParams,
  messageStatus,
  pageQuery,
  success,
  successPage,
} from "../http/schemas.ts"
import type { SendForm } from "../message/draft.ts"
import { readKey } from "../message/idempotency.ts"
import type { Lines } from "../lines.ts"
import type { Held } from "../message/attempt.ts"
import { iso, messageJson } from "../message/messages.ts"
import type { SendAnswer } from "../outbound.ts"
import { parseRecipient } from "../message/recipient.ts"
import { refuseFaults } from "../refusal.ts"
import { type ApiRoute, defineRoute } from "../route.ts"
import { refOf } from "../message/send-checks.ts"
import type { Call, Message } from "../types.ts"

const tag = "Messages"

/** Everything is taken here and judged later, so that all faults of a message are named at once. */
const sendBody = z.looseObject({
  companyId: companyIdField,
  phone: z.unknown().optional().openapi({
    type: "string",
    description: "The recipient's phone in international spelling, with or without `+`, `00` and punctuation",
    example: "79001234567",
  }),
  to: z.unknown().optional().openapi({
    type: "string",
    description: "Instead of `phone`: a phone, or an id ending in `@s.whatsapp.net` (`@c.us`), `@lid` or `@g.us`",
  }),
  type: z
    .unknown()
    .optional()
    .openapi({ type: "string", enum: ["text"], default: "text" }),
  message: z.unknown().optional().openapi({ type: "string", minLength: 1, maxLength: 65_536, description: "The text" }),
  ttl: z.unknown().optional().openapi({
    type: "integer",
    minimum: 1,
    maximum: 2_592_000,
    default: 86_400,
    description: "Seconds the message may wait before it fails with EXPIRED",
  }),
})

/** What a send answers. */
export const sent = z.object({
  messageId: z.string(),
  companyId,
  to: z.string(),
  status: z.enum(["sent", "queued", "unknown"]),
  timestamp: isoTime,
  sanitized: z.boolean().optional(),
})

/** What can stand against a send. */
export const SEND_ERRORS = [
  ...["INVALID_PHONE", "INVALID_MESSAGE", "VALIDATION_ERROR", "NO_ACTIVE_SESSION", "IDEMPOTENCY_IN_PROGRESS"],
  ...["IDEMPOTENCY_KEY_REUSED", "NOT_ON_WHATSAPP", "ACCOUNT_RESTRICTED", "MESSAGE_SEND_ERROR", "NOT_SUPPORTED"],
  ...["SESSION_LIMIT_REACHED", "STORAGE_UNAVAILABLE", "EXPIRED"],
]

/** What a send passes, in this order. */
export const SEND_STAGES = ["message:validate", "message:block", "message:limit"] as const

/** Sending, and reading what was sent and received. */
export function messageRoutes(lines: Lines): readonly ApiRoute[] {
  const { outbound, messages } = lines
  const shown = (message: Message): Record<string, unknown> =>
    Object.assign(messageJson(message), { held: heldJson(lines.held(message)) })

  const send = async (
    call: Call,
    body: Readonly<Record<string, unknown>>,
    request: Request,
    form: SendForm = "any",
  ): Promise<Response | JsonAnswer> => {
    const { headers } = request
    const answer = await outbound.send({
      call,
      body,
      form,
      idempotencyKey: readKey(headers.get("idempotency-key")),
      respondAsync: prefersAsync(headers.get("prefer")),
    })
    if (!("replayed" in answer)) return told(answer)
    const again = { "idempotency-replayed": "true" }
    const { replayed } = answer
    return isAppError(replayed) ? failureAnswer(replayed, call.requestId, again) : told(replayed, again)
  }

  const spec = {
    method: "post",
    scope: "send",
    summary: "Send a message",
    description:
      "200 once WhatsApp has acknowledged it; 202 when it is stored and will be sent. Send `Idempotency-Key` to make a retry safe, and `Prefer: respond-async` not to wait.",
    tag,
    body: sendBody,
    responses: {
      200: { description: "WhatsApp has acknowledged it", schema: success(sent) },
      202: { description: "Stored; it is sent as soon as possible", schema: success(sent) },
    },
    errors: SEND_ERRORS,
    stages: SEND_STAGES,
  } as const

  const short = defineRoute({ ...spec, path: "/api/whatsapp/send", company: "body" }, ({ call, body, request }) =>
    send(call, body, request),
  )

  const long = defineRoute(
    { ...spec, path: "/api/whatsapp/companies/{companyId}/messages", company: "path", params: companyParams },
    ({ call, body, request }) => send(call, body, request),
  )

  // Takes what it will take when attachments are built, and says so of every fault until then.
  const media = defineRoute(
    {
      ...spec,
      path: "/api/whatsapp/send-media",
      company: "body",
      body: z.looseObject({ companyId: companyIdField }),
      responses: {},
      documented: false,
    },
    ({ call, body, request }) => send(call, body, request, "media-url"),
  )

  const list = defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/messages/{companyId}",
      scope: "read",
      company: "path",
      summary: "Messages, newest first",
      description: "A page may be short although more follow: go on until `nextCursor` is null.",
      tag,
      params: companyParams,
      query: pageQuery.extend({
        phone: z.string().optional().openapi({ description: "A phone, LID or group: messages of that chat alone" }),
        direction: direction.optional(),
        status: messageStatus.optional(),
        since: isoTimeInput.optional(),
        until: isoTimeInput.optional(),
      }),
      responses: { 200: { description: "One page", schema: successPage(message) } },
      errors: ["INVALID_PHONE"],
    },
    async ({ call, query }) => {
      const { phone, ...filter } = query
      const person = phone === undefined ? undefined : parseRecipient(phone)
      if (phone !== undefined && person === undefined) {
        const hint = "Give a phone in international spelling, or an id ending in @s.whatsapp.net, @lid or @g.us"
        throw refuseFaults([{ path: "phone", code: "INVALID_PHONE", message: hint }]).error
      }
      const page = await messages.list(call.company, { ...filter, person: person && refOf(person) })
      return { success: true, data: page.data.map(shown), nextCursor: page.nextCursor }
    },
  )

  const get = defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/messages/{companyId}/{messageId}",
      scope: "read",
      company: "path",
      summary: "One message",
      tag,
      params: messageParams,
      responses: { 200: { description: "The message", schema: success(message) } },
      errors: ["NOT_FOUND"],
    },
    async ({ call, params }) => {
      const found = await messages.find(call.company, params.messageId)
      if (found === undefined) throw appError("NOT_FOUND")
      return { success: true, data: shown(found) }
    },
  )

  return [short, long, media, list, get]
}

function heldJson(held: Held | null): { reason: string | null; until: string | null } | null {
  return held && { reason: held.reason, until: iso(held.until) }
}

function told({ status, data }: SendAnswer, headers?: Readonly<Record<string, string>>): JsonAnswer {
  return jsonAnswer({ success: true, data }, status, headers)
}

/** RFC 7240; other preferences are none of ours. */
export function prefersAsync(prefer: string | null): boolean {
  return prefer !== null && /(?:^|,)\s*respond-async\s*(?:$|[,;])/i.test(prefer)
}
