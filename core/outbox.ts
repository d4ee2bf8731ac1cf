import type { Chats } from "./chats.ts"
import type { Clock } from "./clock.ts"
import { toError } from "./errors.ts"
import type { Hooks } from "./hooks.ts"
import type { Ledger, Op, Row } from "./ledger.ts"
import type { Logger } from "./log.ts"
import type { MessageRow, Messages, Move } from "./messages.ts"
import type { ChatRef, Connection, SendOutcome } from "./provider.ts"
import { createPump, type Item, type Pump } from "./pump.ts"
import { OUTBOX_TABLE, type Settlement } from "./settle.ts"
import { failureMove } from "./send-failures.ts"
import type { CoreSettings } from "./settings.ts"
import type { Restriction } from "./types.ts"
import { decodeRecord, encodeRecord } from "./values.ts"
import { within } from "./within.ts"

/** What waits to be sent, over all companies: on disk first, a window of it in memory while the line is connected. */
export interface Outbox {
  /** A place in the company's order; later ones sort behind. */
  key(company: string): Promise<string>
  place(item: Pick<Item, "key" | "messageId" | "to" | "expiresAt">): Op
  /** A message is durable in the outbox. */
  accepted(company: string, item: Item): void
  opened(company: string, connection: Connection): void
  closed(company: string): void
  /** A message has been settled by something other than its own acknowledgement. */
  settled(row: MessageRow): void
  merge(company: string, from: string, into: string): void
  /** Fails what has waited longer than its time to live. */
  expire(): Promise<void>
  /** Stops sending; what is under way has `ms` to come back and stays in the outbox otherwise. */
  stop(ms: number): Promise<void>
}

interface OutboxRow {
  readonly messageId: string
  readonly to: ChatRef
  /** It may have gone out before; kept only where such messages are held back. */
  readonly tried?: boolean
}

export interface OutboxDeps {
  readonly ledger: Ledger
  readonly messages: Messages
  readonly chats: Chats
  readonly settlement: Settlement
  readonly hooks: Hooks
  readonly clock: Clock
  readonly log: Logger
  readonly settings: Pick<CoreSettings, "onUnknown">
  readonly onRestricted: (company: string, restriction: Restriction) => void
}

/** Messages of one company in memory; the rest waits on disk. */
const WINDOW = 1_000
const PAGE = 200
const EXPIRED_AT_ONCE = 200
const HANGING_MS = 10_000
const RETRY_MS = 1_000

interface Sender {
  readonly connection: Connection
  readonly pump: Pump
  /** The last key read from disk; there may be more behind it. */
  seen: string
  more: boolean
  filling: boolean
  /** Accepted while a page was being read: the page may or may not hold them. */
  readonly meanwhile: Item[]
}

export function createOutbox(deps: OutboxDeps): Outbox {
  const { ledger, messages, chats, settlement, hooks, clock, log, settings } = deps
  const senders = new Map<string, Sender>()
  const leaving = new Map<string, Promise<void>>()
  /** Connections that wait for the sends of the one before to come back. */
  const pending = new Map<string, Promise<void>>()
  const last = new Map<string, number>()
  let stopped = false

  const key = async (company: string): Promise<string> => {
    if (!last.has(company)) {
      // The clock may have been set back while the process was down; new messages still go behind the old ones.
      const { rows } = await ledger.page(company, OUTBOX_TABLE, { limit: 1, reverse: true })
      last.set(company, Math.max(last.get(company) ?? 0, Number(rows[0]?.key ?? 0)))
    }
    const next = Math.max((last.get(company) ?? 0) + 1, clock.now() * 1_000)
    last.set(company, next)
    return String(next).padStart(16, "0")
  }

  const place = ({ key: at, messageId, to, expiresAt }: Parameters<Outbox["place"]>[0], tried = false): Op => {
    const row: OutboxRow = tried ? { messageId, to, tried } : { messageId, to }
    return { op: "put", table: OUTBOX_TABLE, key: at, value: encodeRecord(row), due: expiresAt }
  }

  const load = async (company: string, rows: readonly Row[]): Promise<Item[]> => {
    const waiting = rows.map((row) => ({ row, ...decodeRecord<OutboxRow>(row.value, `outbox ${row.key}`) }))
    const ids = waiting.map(({ messageId }) => messageId)
    const [found, wires] = await Promise.all([messages.get(company, ids), messages.wire(company, ids)])
    const items: Item[] = []
    for (const [index, { row, messageId, to, tried }] of waiting.entries()) {
      const message = found[index]
      const wire = wires[index]
      if (message === undefined || wire === undefined) {
        log.error({ company, messageId }, "A queued message has no row; it is left where it is")
        continue
      }
      const chat = await chats.byId(company, message.row.chatId)
      const expiresAt = message.row.expiresAt ?? Number.POSITIVE_INFINITY
      const chatId = chat?.id ?? message.row.chatId
      const item = { key: row.key, messageId, chatId, to, wire, expiresAt, message, opens: chat?.open === false }
      if (tried === true && settings.onUnknown === "hold") void settle(item, { status: "unknown", at: clock.now() })
      else items.push(item)
    }
    return items
  }

  const settle = async (item: Item, move: Move): Promise<void> => {
    await settlement.record(item, move)
  }

  const outcome = (company: string, item: Item, result: SendOutcome): boolean => {
    switch (result.outcome) {
      case "acknowledged":
        void settle(item, { status: "sent", at: result.at })
        return true
      case "refused":
        if (result.restriction !== undefined) deps.onRestricted(company, result.restriction)
        void settle(item, failureMove(result, clock.now()))
        return true
      case "not-on-whatsapp":
        void settle(item, failureMove(result, clock.now()))
        return true
      case "unknown":
        if (settings.onUnknown !== "hold") return false
        void settle(item, { status: "unknown", at: clock.now() })
        return true
      case "not-sent":
        return false
    }
  }

  const fill = async (company: string, sender: Sender): Promise<void> => {
    if (sender.filling || !sender.more || sender.pump.size > WINDOW / 2) return
    sender.filling = true
    try {
      while (sender.more && sender.pump.size < WINDOW && senders.get(company) === sender) {
        const page = await ledger.page(company, OUTBOX_TABLE, { from: `${sender.seen}\u0000`, limit: PAGE })
        const items = await load(company, page.rows)
        if (senders.get(company) !== sender) return
        sender.seen = page.rows.at(-1)?.key ?? sender.seen
        sender.more = page.next !== null
        for (const item of items) sender.pump.add(item)
      }
      sender.filling = false
      for (const item of sender.meanwhile.splice(0)) offer(sender, item)
    } catch (thrown) {
      log.warn({ company, error: toError(thrown).message }, "The outbox cannot be read; trying again")
      clock.after(RETRY_MS, () => {
        sender.filling = false
        if (senders.get(company) === sender) void fill(company, sender)
      })
    }
  }

  const offer = (sender: Sender, item: Item): void => {
    if (sender.filling) sender.meanwhile.push(item)
    else if (!sender.more || item.key <= sender.seen) sender.pump.add(item)
    // Anything else lies behind what has been read, and is read in its turn.
  }

  const begin = (company: string, connection: Connection): void => {
    const sender: Sender = {
      connection,
      pump: createPump({
        company,
        connection,
        clock,
        log,
        hold: hooks.has("outbox:hold")
          ? (item) =>
              hooks.transform("outbox:hold", { notBefore: null, reason: null }, { company, message: item.message.row })
          : undefined,
        beforeTry:
          settings.onUnknown === "hold"
            ? async (item) => void (await ledger.commit(company, [place(item, true)]))
            : undefined,
        outcome: (item, result) => outcome(company, item, result),
        expired: (item) => void settle(item, failureMove({ outcome: "expired" }, clock.now())),
        drained: () => void fill(company, sender),
      }),
      seen: "",
      more: true,
      filling: false,
      meanwhile: [],
    }
    senders.set(company, sender)
    void fill(company, sender)
  }

  const end = (company: string): void => {
    const sender = senders.get(company)
    if (sender === undefined) return
    senders.delete(company)
    const gone = sender.pump.stop().finally(() => {
      if (leaving.get(company) === gone) leaving.delete(company)
    })
    leaving.set(company, gone)
  }

  return {
    key,
    place: (item) => place(item),

    accepted(company, item) {
      const sender = senders.get(company)
      if (sender !== undefined) offer(sender, item)
    },

    opened(company, connection) {
      end(company)
      const before = leaving.get(company)
      if (stopped) return
      if (before === undefined) return begin(company, connection)
      const opening: Promise<void> = within(clock, HANGING_MS, before).then(() => {
        if (pending.get(company) === opening) {
          pending.delete(company)
          if (!stopped) begin(company, connection)
        }
      })
      pending.set(company, opening)
    },

    closed(company) {
      pending.delete(company)
      end(company)
    },

    settled(row) {
      senders.get(row.companyId)?.pump.settled(row.messageId)
    },

    merge: (company, from, into) => senders.get(company)?.pump.merge(from, into),

    async expire() {
      for (const row of await ledger.due(OUTBOX_TABLE, clock.now(), EXPIRED_AT_ONCE)) {
        const { messageId } = decodeRecord<OutboxRow>(row.value, `outbox ${row.key}`)
        if (senders.get(row.company)?.pump.withdraw(messageId) === "sending") continue
        const [message] = await messages.get(row.company, [messageId])
        if (message === undefined) {
          await ledger.commit(row.company, [{ op: "delete", table: OUTBOX_TABLE, key: row.key }])
          continue
        }
        const { to } = decodeRecord<OutboxRow>(row.value, `outbox ${row.key}`)
        await settlement.record({ message, to, opens: false }, failureMove({ outcome: "expired" }, clock.now()))
      }
    },

    async stop(ms) {
      stopped = true
      pending.clear()
      for (const company of [...senders.keys()]) end(company)
      await within(clock, ms, Promise.all(leaving.values()))
    },
  }
}
