import type { Held, HoldVerdict } from "./attempt.ts"
import type { Chats } from "./chats.ts"
import type { Clock } from "../clock.ts"
import { toError } from "../errors.ts"
import type { Events } from "../events.ts"
import { createFirstTries } from "./first-tries.ts"
import type { Hooks } from "../hooks.ts"
import type { Ledger, Op } from "../ledger.ts"
import type { Logger } from "../log.ts"
import { MESSAGE_TABLE, type MessageRow, type Messages, type Move, plain, WIRE_TABLE } from "./messages.ts"
import type { Meter } from "../monitor/meter.ts"
import type { Connection, SendOutcome } from "../provider.ts"
import type { Item } from "./pump.ts"
import { createSender, type Sender } from "./sender.ts"
import type { Sequence } from "./sequence.ts"
import { createTries, type Tries } from "./tries.ts"
import { createOutboxRows, type Waiting } from "./outbox-rows.ts"
import { OUTBOX_TABLE, type Settlement } from "./settle.ts"
import { failureMove } from "./send-failures.ts"
import type { CoreSettings } from "../settings.ts"
import type { Hold } from "../stages.ts"
import { createTakings } from "./takings.ts"
import { createTrail } from "./trail.ts"
import type { Message, Restriction } from "../types.ts"
import { within } from "../within.ts"

/** What waits to be sent, over all companies: on disk first, a window of it in memory while the line is connected. */
export interface Outbox {
  /** A place behind everything that waits; its text is the key. */
  order(company: string): Promise<number>
  place(item: Waiting): Op
  /** A message is durable in the outbox. */
  accepted(company: string, item: Item): void
  /** A message whose sender was told that it is not stored: removed with `undo`, should it be there after all. */
  disown(company: string, key: string, messageId: string, undo?: readonly Op[]): void
  opened(company: string, connection: Connection): void
  closed(company: string): void
  /** Resolves when no send of a closed line is under way. */
  drained(company: string): Promise<void>
  /** A message has been settled by something other than its own acknowledgement. */
  settled(row: MessageRow): void
  merge(company: string, from: string, into: string): void
  /** Why a message is held back just now, or the next one of its chat; null when nothing but its line and its turn keeps it. */
  held(message: Pick<Message, "companyId" | "chatId"> & { readonly messageId: string | null }): Held | null
  /** Stops messages that have never been tried; resolves with how many they were. */
  readonly cancel: Tries["stop"]
  /** Fails what has waited longer than its time to live. */
  expire(): Promise<void>
  /** Stops sending; what is under way has `ms` to come back and stays in the outbox otherwise. */
  stop(ms: number): Promise<void>
}

export interface OutboxDeps {
  readonly ledger: Ledger
  readonly events: Events
  readonly messages: Messages
  readonly chats: Chats
  readonly settlement: Settlement
  readonly hooks: Hooks
  readonly clock: Clock
  readonly sequence: Sequence
  readonly log: Logger
  readonly meter?: Meter | undefined
  readonly settings: Pick<CoreSettings, "onUnknown">
  /** A message waits until then at least; epoch ms. */
  readonly onHeld: (messageId: string, until: number) => void
  readonly onRestricted: (company: string, restriction: Restriction) => void
}

const EXPIRED_AT_ONCE = 200
const HANGING_MS = 10_000

export function createOutbox(deps: OutboxDeps): Outbox {
  const { ledger, messages, settlement, hooks, clock, log, settings } = deps
  const trail = createTrail(log)
  const rows = createOutboxRows(deps)
  const tries = createTries(deps, rows)
  const firsts = deps.meter && createFirstTries(deps.meter, clock)
  const senders = new Map<string, Sender>()
  const leaving = new Map<string, Promise<void>>()
  /** Connections that wait for the sends of the one before to come back. */
  const pending = new Map<string, Promise<void>>()
  let stopped = false

  const settle = (item: Item, move: Move): Promise<unknown> => settlement.record(item, move)

  const outcome = (company: string, item: Item, result: SendOutcome): boolean => {
    const now = clock.now()
    trail.answered(item.message.row, result)
    if (result.outcome === "not-sent") return false
    if (result.outcome === "unknown") {
      if (settings.onUnknown !== "hold") return false
      void settle(item, { status: "unknown", at: now })
    } else if (result.outcome === "acknowledged") {
      void settle(item, { status: "sent", at: result.at })
    } else {
      if (result.outcome === "refused" && result.restriction !== undefined)
        deps.onRestricted(company, result.restriction)
      void settle(item, failureMove(result, now))
    }
    return true
  }

  const hold = (company: string, item: Item): HoldVerdict | Promise<HoldVerdict> => {
    const { undo, drop } = createTakings((thrown) =>
      log.error(
        {
          company,
          messageId: item.messageId,
          requestId: item.message.row.requestId ?? undefined,
          error: toError(thrown),
        },
        "What was taken for a waiting message could not be given back",
      ),
    )
    const message = { ...plain(item.message.row), chatId: item.chatId }
    const context = { company, message, batched: item.stoppable === true, opensChat: item.opens, undo }
    try {
      const held = hooks.transform("outbox:hold", { notBefore: null, reason: null }, context)
      return held instanceof Promise ? held.then(verdict(drop), failed(drop)) : { ...held, drop }
    } catch (thrown) {
      return failed(drop)(thrown)
    }
  }

  const begin = (company: string, connection: Connection): void => {
    const sender = createSender({
      ...deps,
      company,
      connection,
      rows,
      firsts,
      holdsBack(item) {
        const back = item.tried && settings.onUnknown === "hold"
        if (back) void settle(item, { status: "unknown", at: clock.now() })
        return back
      },
      hold: hooks.has("outbox:hold") ? (item) => hold(company, item) : undefined,
      onHeld(item, until, reason) {
        trail.held(item.message.row, reason, until - clock.now())
        deps.onHeld(item.messageId, until)
      },
      beforeTry: (item) =>
        settings.onUnknown === "hold" || item.stoppable === true ? tries.begin(company, item) : true,
      onTry: (item) => trail.tried(item.message.row),
      outcome: (item, result) => outcome(company, item, result),
      expired: (item) => void settle(item, failureMove({ outcome: "expired" }, clock.now())),
    })
    senders.set(company, sender)
  }

  const end = (company: string): void => {
    const sender = senders.get(company)
    if (sender === undefined) return
    senders.delete(company)
    const gone = sender.stop().finally(() => {
      if (leaving.get(company) === gone) leaving.delete(company)
    })
    leaving.set(company, gone)
  }

  return {
    order: rows.order,
    place: (item) => rows.place(item, false),

    accepted(company, item) {
      senders.get(company)?.offer(item)
    },

    disown(company, key, messageId, undo = []) {
      rows.disown(messageId)
      const gone: Op[] = [
        { op: "delete", table: OUTBOX_TABLE, key },
        { op: "delete", table: MESSAGE_TABLE, key: messageId },
        { op: "delete", table: WIRE_TABLE, key: messageId },
      ]
      ledger.commit(company, [...undo, ...gone]).catch((thrown: unknown) => {
        // Likely the same trouble as before; what is disowned is never loaded in this process.
        log.warn({ company, messageId, error: toError(thrown).message }, "A refused message could not be removed")
      })
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

    drained: async (company) => leaving.get(company),

    settled(row) {
      senders.get(row.companyId)?.pump.settled(row.messageId)
    },

    merge: (company, from, into) => senders.get(company)?.merge(from, into),

    held({ companyId, messageId, chatId }) {
      const held = senders.get(companyId)?.pump.heldBy(chatId, messageId)
      return held ?? null
    },

    cancel: tries.stop,

    async expire() {
      for (const row of await ledger.due(OUTBOX_TABLE, clock.now(), EXPIRED_AT_ONCE)) {
        const { messageId, to } = rows.read(row)
        if (senders.get(row.company)?.pump.withdraw(messageId) === "sending") continue
        const [message] = await messages.get(row.company, [messageId])
        if (message === undefined) {
          await ledger.commit(row.company, [{ op: "delete", table: OUTBOX_TABLE, key: row.key }])
        } else {
          const move = failureMove({ outcome: "expired" }, clock.now())
          await settlement.record({ message, to, opens: false }, move)
        }
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

const verdict =
  (drop: () => void) =>
  (hold: Hold): HoldVerdict => ({ ...hold, drop })

const failed =
  (drop: () => void) =>
  (thrown: unknown): never => {
    drop()
    throw thrown
  }
