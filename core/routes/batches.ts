import { z } from "@hono/zod-openapi"
import { jsonAnswer } from "../http/answer.ts"
import { companyId, companyIdField, isoTime, success } from "../http/schemas.ts"
import type { Lines } from "../lines.ts"
import { readKey } from "../message/idempotency.ts"
import { type ApiRoute, defineRoute } from "../route.ts"

const tag = "Messages"
const path = "/api/whatsapp/send/batch"
const BODY_LIMIT = 16 * 1024 * 1024
const MOST = 1_000
const COUNT_RULE = `expected 1 to ${MOST} messages`

const batchBody = z.looseObject({
  companyId: companyIdField,
  // Each message is judged by itself, so that one that is at fault keeps back none of the others.
  messages: z
    .array(z.unknown(), { error: COUNT_RULE })
    .min(1, { error: COUNT_RULE })
    .max(MOST, { error: COUNT_RULE })
    .openapi({
      description: "Messages as in a single send, without `companyId`",
      example: [{ phone: "79001234567", message: "Hello" }],
    }),
})

const batchId = z.string().openapi({ example: "bat_0123456789abcdef01234567" })
const count = z.int().min(0)

const rejected = z.array(
  z.object({
    index: z.int().openapi({ description: "The message's place in the request, from 0" }),
    error: z.object({
      code: z.string(),
      message: z.string(),
      details: z.unknown().optional(),
      isRetryable: z.boolean(),
      retryAfter: z.number().optional(),
    }),
  }),
)

const accepted = z.object({ batchId, accepted: count, rejected })

const progress = accepted.extend({
  companyId,
  createdAt: isoTime,
  counts: z
    .object({ queued: count, sent: count, delivered: count, read: count, failed: count, unknown: count })
    .openapi({ description: "The accepted messages by their status" }),
  done: z.boolean().openapi({ description: "None of them waits any more" }),
})

const params = z.object({ batchId: z.string().min(1).max(300) })

/** Many messages in one call. */
export function batchRoutes({ batches }: Lines): readonly ApiRoute[] {
  const send = defineRoute(
    {
      method: "post",
      path,
      scope: "send",
      company: "body",
      summary: "Send up to 1,000 messages",
      description:
        "Each message is checked like a single one; those that are refused are named with their place, the others are stored and sent in their order. Send `Idempotency-Key` to make a retry safe.",
      tag,
      body: batchBody,
      bodyLimit: BODY_LIMIT,
      responses: { 202: { description: "Stored; they are sent as soon as possible", schema: success(accepted) } },
      errors: ["NO_ACTIVE_SESSION", "IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_KEY_REUSED", "STORAGE_UNAVAILABLE"],
    },
    async ({ call, body, request }) => {
      const idempotencyKey = readKey(request.headers.get("idempotency-key"))
      const { data, replayed } = await batches.send({ call, messages: body.messages, idempotencyKey })
      const more = replayed ? { "idempotency-replayed": "true" } : {}
      return jsonAnswer({ success: true, data }, 202, more)
    },
  )

  const get = defineRoute(
    {
      method: "get",
      path: `${path}/{batchId}`,
      scope: "send",
      company: "none",
      summary: "How far a batch is",
      tag,
      params,
      responses: { 200: { description: "The batch", schema: success(progress) } },
      errors: ["NOT_FOUND"],
    },
    async ({ principal, params: { batchId: id } }) => ({ success: true, data: await batches.progress(principal, id) }),
  )

  const stop = defineRoute(
    {
      method: "delete",
      path: `${path}/{batchId}`,
      scope: "send",
      company: "none",
      summary: "Stop what has not gone",
      description:
        "Messages that have never been tried fail with `CANCELLED`. One that may have gone out is left to arrive, and is counted as it stands.",
      tag,
      params,
      responses: {
        200: { description: "The batch as it is now", schema: success(progress.extend({ stopped: count })) },
      },
      errors: ["NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async ({ principal, params: { batchId: id } }) => ({ success: true, data: await batches.stop(principal, id) }),
  )

  return [send, get, stop]
}
