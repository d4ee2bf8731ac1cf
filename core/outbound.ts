import type { Chat, Chats } from "./message/chats.ts"
import type { Clock } from "./clock.ts"
import { type AppError, appError, isAppError, toError } from "./errors.ts"
import type { Events } from "./events.ts"
import type { Hooks } from "./hooks.ts"
import type { Idempotency, Reserved, Ticket } from "./message/idempotency.ts"
import type { Ids } from "./message/ids.ts"
import type { Op } from "./ledger.ts"
import type { Logger } from "./log.ts"
import { type MessageRow, type Messages, iso, plain } from "./message/messages.ts"
import type { Outbox } from "./message/outbox.ts"
import { createPatience } from "./message/patience.ts"
import type { SendForm } from "./message/draft.ts"
import type { Provider } from "./provider.ts"
import { recipientText } from "./message/recipient.ts"
import { failureError } from "./message/send-failures.ts"
import { orderText } from "./message/sequence.ts"
import { createSendChecks, type LineGate, refOf } from "./message/send-checks.ts"
import { createTrail } from "./message/trail.ts"
import type { Gate } from "./session.ts"
import type { Call, Draft } from "./types.ts"

export interface SendRequest {
  readonly call: Call
  readonly body: Readonly<Record<string, unknown>>
  /** How the body is written; `any` when left out. */
  readonly form?: SendForm
  readonly idempotencyKey: string | undefined
  /** Answer as soon as it is stored. */
  readonly respondAsync: boolean
  readonly rider?: Rider
}

/** What goes into the ledger together with the message, or not at all. */
export interface Rider {
  ops(messageId: string): readonly Op[]
  /** Thrown when a condition among the operations does not hold; the message is then not stored. */
  readonly lost: Error
  /** Takes them back, should a commit that seemed to fail have got through. */
  readonly undo: readonly Op[]
  /** Both are durable. */
  stored(): void
}

export interface SendAnswer {
  /** 200: WhatsApp has acknowledged it. 202: it is stored and waits. */
  readonly status: 200 | 202
  readonly data: Readonly<Record<string, unknown>>
}

/** The first answer of an Idempotency-Key, given again: also when it was a failure. */
export interface Replay {
  readonly replayed: SendAnswer | AppError
}

export interface Outbound {
  /** Throws the AppError that refuses the message or tells how it failed. */
  send(request: SendRequest): Promise<SendAnswer | Replay>
  /** A message has left the outbox. */
  settled(row: MessageRow): void
  /** A message is held back until then: nobody waits for its acknowledgement for nothing. */
  held(messageId: string, until: number): void
  /** Answers now whoever waits for an acknowledgement. */
  release(): void
}

export interface OutboundDeps {
  readonly chats: Chats
  readonly events: Events
  readonly messages: Messages
  readonly outbox: Outbox
  readonly idempotency: Idempotency
  readonly lines: LineGate
  readonly provider: Provider
  readonly hooks: Hooks
  readonly ids: Ids
  readonly clock: Clock
  readonly log: Logger
}

export function createOutbound(deps: OutboundDeps): Outbound {
  const { chats, messages, outbox, idempotency, lines, provider, hooks, ids, clock, log } = deps
  const checks = createSendChecks(deps)
  const trail = createTrail(log)
  const patience = createPatience(clock)

  const accept = async (
    call: Call,
    draft: Draft,
    messageId: string,
    gate: Gate,
    ttlMs: number,
    reservation: Op | undefined,
    rider: Rider | undefined,
  ): Promise<MessageRow> => {
    const { company } = call
    const order = await outbox.order(company)
    const key = orderText(order)
    const wire = provider.encode(draft.content)
    const to = refOf(draft.to)
    const now = clock.now()
    const expiresAt = now + ttlMs
    let row: MessageRow | undefined
    const riding = rider?.ops(messageId) ?? []
    const stored = chats.commit(company, to, (at) => {
      row = rowOf(call, messageId, order, at, draft, now, expiresAt)
      const ops: Op[] = [
        ...riding,
        { op: "putIfAbsent", ...messages.place(row) },
        messages.placeWire(messageId, wire),
        outbox.place({ key, messageId, chatId: at.id, to, expiresAt }),
      ]
      if (reservation !== undefined) ops.push(reservation)
      return { ops, drafts: [], opens: false }
    })
    const { chat, result } = await stored.catch((thrown: unknown) => {
      // Told that it failed, its sender will send again: should the commit have got through, it must not go out as well.
      outbox.disown(company, key, messageId, rider?.undo)
      throw isAppError(thrown) ? thrown : appError("STORAGE_UNAVAILABLE", { cause: thrown })
    })
    if (!result.ok && rider !== undefined && result.op < riding.length) throw rider.lost
    if (!result.ok || row === undefined) throw appError("STORAGE_UNAVAILABLE")
    rider?.stored()
    trail.accepted(row, gate)
    lines.touch(company)
    if (hooks.has("message:accepted")) {
      hooks.observe("message:accepted", { message: plain(row), requestId: call.requestId })
    }
    const message = { row, version: 1 }
    outbox.accepted(company, { key, messageId, chatId: chat.id, to, wire, expiresAt, message, opens: !chat.open })
    return row
  }

  const send = async (request: SendRequest, ticket: Ticket | undefined): Promise<SendAnswer> => {
    const { call, respondAsync, rider } = request
    const { draft, ttlMs } = await checks.prepare(call, request.body, request.form)
    const chat = await chats.resolve(call.company, refOf(draft.to))
    const { gate, drop } = await checks.admit(call, draft, chat)
    const messageId = ids.message()
    const queued = respondAsync || gate !== "connected"
    const said = { to: recipientText(draft.to), sanitized: draft.sanitized === true }
    const reserved = { messageId, queued, ...said }
    const store = async (): Promise<MessageRow> => {
      try {
        return await accept(call, draft, messageId, gate, ttlMs, ticket?.reserve(reserved), rider)
      } catch (thrown) {
        drop()
        throw thrown
      }
    }
    if (queued) return answer(await store(), said)
    const wait = patience.wait(messageId)
    try {
      const row = await store()
      const settled = (await wait.row) ?? row
      if (settled.status === "failed") throw failureError(settled.error)
      if (settled.status === "queued") await noteQueued(call, ticket, reserved)
      return answer(settled, said)
    } finally {
      wait.cancel()
    }
  }

  const noteQueued = async (
    { company, requestId }: Call,
    ticket: Ticket | undefined,
    reserved: Reserved,
  ): Promise<void> => {
    try {
      await ticket?.answeredQueued(reserved)
    } catch (thrown) {
      // The message is stored; a replay will then tell how far it is rather than what was said first.
      const { messageId } = reserved
      log.warn(
        { company, messageId, requestId, error: toError(thrown).message },
        "An answer could not be noted for its key",
      )
    }
  }

  const replay = async ({ company, requestId }: Call, reserved: Reserved): Promise<Replay> => {
    log.debug({ company, messageId: reserved.messageId, requestId }, "A send was answered as the first with its key")
    const [found] = await messages.get(company, [reserved.messageId])
    if (found === undefined) throw appError("STORAGE_UNAVAILABLE")
    if (reserved.queued) return { replayed: answer({ ...found.row, status: "queued" }, reserved) }
    if (found.row.status === "failed") return { replayed: failureError(found.row.error) }
    return { replayed: answer(found.row, reserved) }
  }

  return {
    async send(request) {
      const { call, idempotencyKey, body } = request
      if (idempotencyKey === undefined) return send(request, undefined)
      const { companyId: _named, ...said } = body
      const begun = await idempotency.begin(call.company, idempotencyKey, said)
      if ("replay" in begun) return replay(call, begun.replay)
      try {
        return await send(request, begun.first)
      } finally {
        begun.first.end()
      }
    },
    settled: patience.settled,
    held: patience.held,
    release: patience.release,
  }
}

function answer(row: MessageRow, { to, sanitized }: { to: string; sanitized: boolean }): SendAnswer {
  const waits = row.status === "queued" || row.status === "unknown"
  const { messageId, companyId, times } = row
  const timestamp = iso(waits ? times.queued : (times.sent ?? times.delivered ?? times.read))
  const data = { messageId, companyId, to, status: waits ? row.status : "sent", timestamp }
  return { status: waits ? 202 : 200, data: sanitized ? { ...data, sanitized } : data }
}

export function rowOf(
  { company, requestId }: Call,
  messageId: string,
  order: number,
  chat: Chat,
  draft: Draft,
  now: number,
  expiresAt: number,
): MessageRow {
  const { content } = draft
  return {
    messageId,
    providerMessageId: messageId,
    companyId: company,
    chatId: chat.id,
    direction: "outbound",
    origin: "api",
    phone: chat.phone,
    lid: chat.lid,
    group: chat.group,
    type: content.type,
    message: content.type === "text" ? content.text : null,
    status: "queued",
    times: { queued: now },
    error: null,
    order,
    outbox: orderText(order),
    expiresAt,
    requestId,
  }
}
