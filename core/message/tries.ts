import type { Clock } from "../clock.ts"
import { coreErrors } from "../errors.ts"
import type { Events } from "../events.ts"
import type { Ledger, Op } from "../ledger.ts"
import type { Messages } from "./messages.ts"
import type { OutboxRows } from "./outbox-rows.ts"
import type { Item } from "./pump.ts"
import { OUTBOX_TABLE, type Settlement } from "./settle.ts"

/**
 * Which messages have been tried, and stopping those that have not. Both sides write to the message's outbox row on the
 * condition that the other has not: whoever comes second sees it, also when a crash or a restart lies in between.
 */
export interface Tries {
  /** Puts on record that the message is about to be tried. False when it has been stopped. Rejects when the ledger fails. */
  begin(company: string, item: Item): Promise<boolean>
  /** Fails those that can be stopped and have never been tried, and resolves with how many they were. */
  stop(company: string, messageIds: readonly string[]): Promise<number>
}

export interface TriesDeps {
  readonly ledger: Ledger
  readonly messages: Messages
  readonly events: Events
  readonly settlement: Settlement
  readonly clock: Clock
}

/** Version of an outbox row that nobody has written to since the message was accepted. */
const UNTRIED = 1
const SIDE_BY_SIDE = 50

export function createTries({ ledger, messages, events, settlement, clock }: TriesDeps, rows: OutboxRows): Tries {
  const recorded = new WeakSet<Item>()

  const stopOne = async (company: string, messageId: string): Promise<boolean> => {
    const [found] = await messages.get(company, [messageId])
    if (found === undefined || found.row.status !== "queued" || found.row.outbox === null) return false
    const [waiting] = await ledger.get(company, OUTBOX_TABLE, [found.row.outbox])
    if (waiting === undefined || waiting.version !== UNTRIED || rows.read(waiting).stoppable !== true) return false
    const error = { code: "CANCELLED", message: coreErrors.CANCELLED.message }
    const planned = settlement.plan(found.row, found.version, { status: "failed", at: clock.now(), error })
    const ops = planned.ops.map(
      (op): Op => (op.op === "delete" && op.table === OUTBOX_TABLE ? { ...op, version: UNTRIED } : op),
    )
    const { ok } = await events.commit(company, ops, planned.drafts)
    if (ok) settlement.tell(planned)
    return ok
  }

  return {
    async begin(company, item) {
      if (recorded.has(item)) return true
      const { op: _put, ...tried } = rows.place(item, true)
      const { ok } = await ledger.commit(company, [{ op: "putIfVersion", version: UNTRIED, ...tried }])
      // Refused: it is on record from an earlier try, or the row is gone because somebody stopped the message.
      if (!ok && (await ledger.get(company, OUTBOX_TABLE, [item.key]))[0] === undefined) return false
      recorded.add(item)
      return true
    },

    async stop(company, messageIds) {
      let stopped = 0
      for (let at = 0; at < messageIds.length; at += SIDE_BY_SIDE) {
        const some = messageIds.slice(at, at + SIDE_BY_SIDE)
        const done = await Promise.all(some.map((id) => stopOne(company, id)))
        stopped += done.filter(Boolean).length
      }
      return stopped
    },
  }
}
