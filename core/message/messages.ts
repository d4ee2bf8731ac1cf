import { appError } from "../errors.ts"
import type { Chats } from "./chats.ts"
import type { Ledger, Op, Placement } from "../ledger.ts"
import { type MessageFilter, readCursor, scan, timeKey } from "./message-list.ts"
import type { FaultInfo, Message, MessageStatus, MessageTimes } from "../types.ts"
import { unsealed } from "../records/sealer.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"

/** A message as it is kept: what callers see, and where it stands in our own order. */
export interface MessageRow extends Message {
  /** Its place in the order of all messages, by which they are listed. */
  readonly order: number
  /** Key of its outbox row for as long as it waits there. */
  readonly outbox: string | null
  /** Until when it may wait; epoch ms. */
  readonly expiresAt: number | null
  /** The request that it came with. */
  readonly requestId: string | null
}

export interface VersionedMessage {
  readonly row: MessageRow
  readonly version: number
}

export const MESSAGE_TABLE = "message"
/** What was sent, byte for byte, so that a resend and a retry after a restart say the same. */
export const WIRE_TABLE = "wire"

/** A status never goes back. Failed and unknown may still turn out to be delivered: a receipt is proof. */
const RANK: Record<MessageStatus, number> = {
  queued: 0,
  unknown: 1,
  failed: 2,
  sent: 3,
  received: 3,
  delivered: 4,
  read: 5,
}

export interface Move {
  readonly status: Exclude<MessageStatus, "queued" | "received">
  readonly at: number
  readonly error?: FaultInfo
}

/** The row after a move; `moved` is false when only a time was filled in, and the row itself when nothing is new. */
export function moveForward(row: MessageRow, move: Move): { readonly row: MessageRow; readonly moved: boolean } {
  const moved = RANK[move.status] > RANK[row.status] && !(move.status === "sent" && row.status === "failed")
  const known = move.status === "unknown" || row.times[move.status] !== undefined
  if (!moved && (known || move.status === "failed" || row.status === "failed")) return { row, moved }
  const times: MessageTimes = known ? row.times : { ...row.times, [move.status]: timeOf(row.times, move) }
  if (!moved) return { row: { ...row, times }, moved }
  const error = move.error ?? null
  return { row: { ...row, times, status: move.status, error, outbox: null }, moved }
}

const STEPS = ["queued", "received", "sent", "delivered", "read"] as const

/** WhatsApp's clock is another one than ours and counts whole seconds; no step is shown before the one it followed. */
function timeOf(times: MessageTimes, { status, at }: Move): number {
  const place = STEPS.findIndex((step) => step === status)
  if (place < 0) return at
  const known = (steps: readonly (keyof MessageTimes)[]): number[] => steps.flatMap((step) => times[step] ?? [])
  return Math.min(Math.max(at, ...known(STEPS.slice(0, place))), ...known(STEPS.slice(place + 1)))
}

export interface Messages {
  /** How a row is placed in the ledger. */
  place(row: MessageRow): Placement
  get(company: string, messageIds: readonly string[]): Promise<(VersionedMessage | undefined)[]>
  /** By our id or the provider's. */
  find(company: string, messageId: string): Promise<Message | undefined>
  list(company: string, filter: MessageFilter): Promise<{ data: Message[]; nextCursor: string | null }>
  wire(company: string, messageIds: readonly string[]): Promise<(Uint8Array | undefined)[]>
  placeWire(messageId: string, wire: Uint8Array): Op
  /** With the identity that the chat has by now. */
  current(row: MessageRow): Promise<Message>
}

export function createMessages(ledger: Ledger, chats: Chats): Messages {
  const decode = (company: string, key: string, value: Uint8Array): MessageRow => ({
    ...decodeRecord<Omit<MessageRow, "messageId" | "companyId">>(value, `message ${key}`),
    messageId: key,
    companyId: company,
  })

  const current = async (row: MessageRow): Promise<Message> => {
    const chat = await chats.byId(row.companyId, row.chatId)
    const message = plain(row)
    if (chat === undefined) return message
    if (chat.group !== null) return { ...message, chatId: chat.id }
    return { ...message, chatId: chat.id, phone: chat.phone ?? message.phone, lid: chat.lid ?? message.lid }
  }

  const messages: Messages = {
    place(row) {
      const { messageId, companyId: _company, ...value } = row
      const time = timeKey(row.order, messageId)
      const index: Record<string, string> = { time, chat: `${row.chatId}/${time}` }
      if (row.providerMessageId !== null && row.providerMessageId !== messageId) index.wire = row.providerMessageId
      return { table: MESSAGE_TABLE, key: messageId, value: encodeRecord(value), index }
    },

    async get(company, messageIds) {
      const rows = await ledger.get(company, MESSAGE_TABLE, messageIds)
      return rows.map((row) => row && { row: decode(company, row.key, row.value), version: row.version })
    },

    async find(company, messageId) {
      const [own] = await messages.get(company, [messageId])
      if (own !== undefined) return current(own.row)
      const page = await ledger.page(company, MESSAGE_TABLE, { index: "wire", prefix: messageId, limit: 8 })
      for (const { key, value } of page.rows) {
        const row = decode(company, key, value)
        if (row.providerMessageId === messageId) return current(row)
      }
      return undefined
    },

    async list(company, filter) {
      if (filter.cursor !== undefined && readCursor(filter.cursor) === undefined) {
        throw appError("VALIDATION_ERROR", {
          details: [{ path: "cursor", code: "VALIDATION_ERROR", message: "Expected `nextCursor` of the page before" }],
        })
      }
      let lanes: readonly (string | undefined)[] = [undefined]
      if (filter.person !== undefined) {
        const chat = await chats.find(company, filter.person)
        if (chat === undefined) return { data: [], nextCursor: null }
        lanes = [chat.id, ...chat.members]
      }
      const found = await scan(ledger, company, lanes, filter, (key, value) => decode(company, key, value))
      return { data: await Promise.all(found.rows.map(current)), nextCursor: found.nextCursor }
    },

    async wire(company, messageIds) {
      const rows = await ledger.get(company, WIRE_TABLE, messageIds)
      return rows.map((row) => row && unsealed(row.value, `wire ${row.key}`))
    },

    placeWire: (messageId, wire) => ({ op: "put", table: WIRE_TABLE, key: messageId, value: wire }),
    current,
  }
  return messages
}

/** A message in an answer: times ISO 8601, each there or null. */
export function messageJson(message: Message): Record<string, unknown> {
  const { messageId, providerMessageId, companyId, chatId, direction, origin, phone, lid, group, type, status } =
    message
  const { times, error } = message
  return {
    messageId,
    providerMessageId,
    companyId,
    chatId,
    direction,
    origin,
    phone,
    lid,
    group,
    type,
    message: message.message,
    status,
    times: {
      queued: iso(times.queued),
      sent: iso(times.sent),
      delivered: iso(times.delivered),
      read: iso(times.read),
      failed: iso(times.failed),
      received: iso(times.received),
    },
    error,
  }
}

/** What others see of a row. */
export function plain(row: MessageRow): Message {
  const { order: _order, outbox: _outbox, expiresAt: _expiresAt, requestId: _requestId, ...message } = row
  return message
}

/** A message as an event tells of it: with the request that caused it, where there was one. */
export function messageEvent(row: MessageRow): Record<string, unknown> {
  const data = messageJson(row)
  return row.requestId === null ? data : { ...data, requestId: row.requestId }
}

export function iso(time: number | null | undefined): string | null {
  return time === null || time === undefined ? null : new Date(time).toISOString()
}
