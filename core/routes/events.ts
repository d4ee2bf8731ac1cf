import { z } from "@hono/zod-openapi"
import type { Clock } from "../clock.ts"
import { appError } from "../errors.ts"
import { eventJson, openEventStream } from "../message/event-stream.ts"
import { companyParams, isoTime, limit, successPage } from "../http/schemas.ts"
import { liveCode } from "../line/codes.ts"
import type { Lines } from "../lines.ts"
import { type ApiRoute, defineRoute } from "../route.ts"

const tag = "Events"
const POSITION = "expected a position: a whole number from 0"

const event = z
  .object({
    id: z.string().openapi({ description: "Stays the same over retries" }),
    position: z.int().openapi({ description: "1, 2, 3 … within the company, without gaps" }),
    type: z.string().openapi({ example: "message.received" }),
    companyId: z.string(),
    timestamp: isoTime,
    data: z.record(z.string(), z.unknown()),
  })
  .openapi("Event")

const after = z.coerce.number({ error: POSITION }).int({ error: POSITION }).min(0, { error: POSITION })

/** What happened on a company's line: replayed, and live. */
export function eventRoutes({ events, sessions }: Lines, clock: Clock): readonly ApiRoute[] {
  const replay = defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/events/{companyId}",
      scope: "read",
      company: "path",
      summary: "Events after a position, oldest first",
      tag,
      params: companyParams,
      query: z.object({
        after: after.default(0).openapi({ description: "The last position you have" }),
        cursor: after.optional().openapi({ description: "`nextCursor` of the page before; stands for `after`" }),
        limit,
      }),
      responses: {
        200: {
          description: "One page. Ask again after the last position for what happens later",
          schema: successPage(event),
        },
      },
    },
    async ({ call, query }) => {
      const found = await events.read(call.company, query.cursor ?? query.after, query.limit + 1)
      const page = found.slice(0, query.limit)
      const nextCursor = found.length > query.limit ? String(page.at(-1)?.position) : null
      return { success: true, data: page.map(eventJson), nextCursor }
    },
  )

  const stream = defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/sessions/{companyId}/events",
      scope: "read",
      company: "path",
      summary: "Events as they happen, as server-sent events",
      description:
        "`Last-Event-ID` (or `?after=`) resumes after that position, without a gap or a repeat; without it the stream begins now. " +
        "A comment comes every 15 s. A key with the scope `session` also gets `session.qr.code` and " +
        "`session.pairing-code.code`, which carry the code, have no id and are never stored. " +
        "The stream ends with the key.",
      tag,
      params: companyParams,
      query: z.object({ after: after.optional().openapi({ description: "The last position you have" }) }),
      responses: {
        200: { description: "The stream", schema: z.string(), contentType: "text/event-stream" },
      },
      errors: ["TOO_MANY_LISTENERS"],
    },
    async ({ call, principal, query, request }) => {
      const code = sessions.peek(call.company)?.code
      const body = await openEventStream(events, clock, {
        company: call.company,
        after: lastEventId(request.headers.get("last-event-id")) ?? query.after,
        codes: principal.scopes.has("session"),
        current: code === undefined ? [] : [liveCode(code)],
        signal: request.signal,
        ...(principal.onEnd !== undefined && { onEnd: principal.onEnd }),
      })
      return new Response(body, {
        headers: {
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-store",
          // Proxies that gather answers would hold the events back.
          "x-accel-buffering": "no",
        },
      })
    },
  )

  return [replay, stream]
}

function lastEventId(header: string | null): number | undefined {
  if (header === null || header.trim() === "") return undefined
  if (/^\d{1,15}$/.test(header.trim())) return Number(header)
  const details = [{ path: "Last-Event-ID", code: "VALIDATION_ERROR", message: POSITION }]
  throw appError("VALIDATION_ERROR", { details })
}
