import { z } from "@hono/zod-openapi"

/** The shared pieces of requests and answers: check and documentation at once. Sizes are in characters, times ISO 8601 UTC. */

/** In a path. Its rules (length, reserved words, pattern) are checked before any schema is asked. */
export const companyId = z.string().openapi({ description: "The company the call is for", example: "company-123" })

/** In a body or a query: required in multi-tenant mode, which is checked before any schema is asked. */
export const companyIdField = z
  .string()
  .nullish()
  .openapi({ description: "The company the call is for; required in multi-tenant mode", example: "company-123" })

export const companyParams = z.object({ companyId })

export const messageParams = z.object({
  companyId,
  messageId: z.string().min(1).max(300).openapi({ description: "Our id of the message, or the provider's" }),
})

export const limit = z.coerce
  .number({ error: "expected a whole number from 1 to 200" })
  .int({ error: "expected a whole number from 1 to 200" })
  .min(1, { error: "expected a whole number from 1 to 200" })
  .max(200, { error: "expected a whole number from 1 to 200" })
  .default(50)
  .openapi({ description: "How many items one page holds" })

export const cursor = z.string().min(1).max(1024).optional().openapi({ description: "`nextCursor` of the page before" })

export const pageQuery = z.object({ limit, cursor })

export const nextCursor = z.string().nullable().openapi({ description: "Asks for the next page; null on the last" })

/** A moment in an answer. */
export const isoTime = z.iso.datetime().openapi({ example: "2026-01-31T09:30:00.000Z" })

/** A moment in a request: ISO 8601 with an offset or `Z`; comes out as epoch milliseconds. */
export const isoTimeInput = z.iso
  .datetime({ offset: true, error: "expected a time such as 2026-01-31T09:30:00Z" })
  .transform((text) => Date.parse(text))
  .openapi({ type: "string", format: "date-time", example: "2026-01-31T09:30:00Z" })

export const faultInfo = z.object({ code: z.string(), message: z.string(), details: z.unknown().optional() })

export const sessionState = z.enum([
  "idle",
  "connecting",
  "qr",
  "pairing-code",
  "passkey-required",
  "connected",
  "reconnecting",
  "disconnected",
  "qr-expired",
  "logged-out",
  "replaced",
  "outdated",
  "failed",
])

export const sessionStatus = z
  .object({
    companyId: z.string(),
    status: sessionState,
    connected: z.boolean(),
    user: z
      .object({
        id: z.string(),
        phone: z.string().nullable(),
        lid: z.string().nullable(),
        name: z.string().nullable(),
      })
      .nullable(),
    connectedAt: isoTime.nullable(),
    lastActivity: isoTime.nullable(),
    lastProofAt: isoTime.nullable(),
    reconnectAttempts: z.int(),
    restriction: z.object({ kind: z.string(), until: isoTime.nullable() }).nullable(),
    lastError: z.object({ code: z.string(), message: z.string(), at: isoTime }).nullable(),
    provider: z.string(),
    storage: z.string(),
  })
  .openapi("SessionStatus")

export const messageStatus = z.enum(["queued", "sent", "delivered", "read", "failed", "unknown", "received"])

export const direction = z.enum(["inbound", "outbound"])

export const message = z
  .object({
    messageId: z.string(),
    providerMessageId: z.string().nullable(),
    companyId: z.string(),
    chatId: z.string(),
    direction,
    origin: z.enum(["api", "phone", "contact"]),
    phone: z.string().nullable(),
    lid: z.string().nullable(),
    group: z.string().nullable(),
    type: z.enum(["text", "unsupported"]),
    message: z.string().nullable(),
    status: messageStatus,
    times: z.object({
      queued: isoTime.nullable(),
      sent: isoTime.nullable(),
      delivered: isoTime.nullable(),
      read: isoTime.nullable(),
      failed: isoTime.nullable(),
      received: isoTime.nullable(),
    }),
    error: faultInfo.nullable(),
    held: z
      .object({ reason: z.string().nullable(), until: isoTime })
      .nullable()
      .openapi({ description: "Why a queued message is held back, and when it is looked at again" }),
  })
  .openapi("Message")

/** `{ success: true, data }`. */
export function success<T extends z.ZodType>(data: T) {
  return z.object({ success: z.literal(true), data })
}

/** `{ success: true, data: [...], nextCursor }`. */
export function successPage<T extends z.ZodType>(item: T) {
  return z.object({ success: z.literal(true), data: z.array(item), nextCursor })
}

/** The one shape of every failure. */
export const errorBody = z
  .object({
    success: z.literal(false),
    error: z.object({
      code: z.string().openapi({ example: "INVALID_PHONE" }),
      message: z.string(),
      details: z.unknown().optional(),
      isRetryable: z.boolean(),
      retryAfter: z.number().optional().openapi({ description: "Seconds; also the Retry-After header" }),
    }),
    requestId: z.string(),
  })
  .openapi("Error")
