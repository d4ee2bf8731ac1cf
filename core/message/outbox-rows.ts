import type { Chats } from "./chats.ts"
import type { Ledger, Placement, Row } from "../ledger.ts"
import type { Logger } from "../log.ts"
import { createLru } from "../records/lru.ts"
import type { Messages } from "./messages.ts"
import type { ChatRef } from "../provider.ts"
import type { Item } from "./pump.ts"
import type { Sequence } from "./sequence.ts"
import { OUTBOX_TABLE } from "./settle.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"

/** What waits to be sent, as it is kept. */
interface OutboxRow {
  readonly messageId: string
  readonly to: ChatRef
  /** As it was when the message was accepted; rows of earlier versions lack it. */
  readonly chat?: string
  /** It may have gone out before; kept only where such messages are held back, or can be stopped. */
  readonly tried?: boolean
  readonly stoppable?: true
}

export type Waiting = Pick<Item, "key" | "messageId" | "chatId" | "to" | "expiresAt" | "stoppable">

export interface OutboxRows {
  /** A place behind everything that waits. */
  order(company: string): Promise<number>
  place(item: Waiting, tried: boolean): { readonly op: "put" } & Placement
  read(row: Row): OutboxRow
  /** The message is never loaded again. */
  disown(messageId: string): void
  load(company: string, rows: readonly Row[]): Promise<(Item & { readonly tried: boolean })[]>
}

export interface OutboxRowsDeps {
  readonly ledger: Ledger
  readonly messages: Messages
  readonly chats: Chats
  readonly sequence: Sequence
  readonly log: Logger
}

/** At least half of them, see `createLru`. */
const DISOWNED = 20_000

export function createOutboxRows({ ledger, messages, chats, sequence, log }: OutboxRowsDeps): OutboxRows {
  /** Companies that have sent since the start. */
  const sending = new Set<string>()
  const disowned = createLru<true>(DISOWNED)

  const read = (row: Row): OutboxRow => decodeRecord<OutboxRow>(row.value, `outbox ${row.key}`)

  return {
    read,
    disown: (messageId) => disowned.set(messageId, true),

    async order(company) {
      if (!sending.has(company)) {
        // The clock may have been set back while the process was down; new messages still go behind the old ones.
        const { rows } = await ledger.page(company, OUTBOX_TABLE, { limit: 1, reverse: true })
        sequence.raise(Number(rows[0]?.key ?? 0))
        sending.add(company)
      }
      return sequence.next()
    },

    place({ key, messageId, chatId: chat, to, expiresAt, stoppable }, tried) {
      const row: OutboxRow = { messageId, to, chat, ...(tried && { tried }), ...(stoppable && { stoppable }) }
      return { op: "put", table: OUTBOX_TABLE, key, value: encodeRecord(row), due: expiresAt }
    },

    async load(company, rows) {
      const all = rows.map((row) => ({ key: row.key, ...read(row) }))
      const waiting = all.filter(({ messageId }) => disowned.get(messageId) === undefined)
      const ids = waiting.map(({ messageId }) => messageId)
      const [found, wires] = await Promise.all([messages.get(company, ids), messages.wire(company, ids)])
      const items: (Item & { tried: boolean })[] = []
      for (const [index, { key, messageId, to, tried = false, stoppable }] of waiting.entries()) {
        const message = found[index]
        const wire = wires[index]
        if (message === undefined || wire === undefined) {
          log.error({ company, messageId }, "A queued message has no row; it is left where it is")
          continue
        }
        const chat = await chats.byId(company, message.row.chatId)
        const chatId = chat?.id ?? message.row.chatId
        const expiresAt = message.row.expiresAt ?? Number.POSITIVE_INFINITY
        const opens = chat?.open === false
        const item = { key, messageId, chatId, to, wire, expiresAt, message, opens, tried }
        items.push(stoppable ? { ...item, stoppable } : item)
      }
      return items
    },
  }
}
