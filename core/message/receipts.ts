import type { Chat, Chats } from "./chats.ts"
import type { Events } from "../events.ts"
import type { Ids } from "./ids.ts"
import type { Ledger, Op } from "../ledger.ts"
import type { Messages, Move } from "./messages.ts"
import type { InboundMessage, ReceiptUpdate } from "../provider.ts"
import type { Plan, Settlement } from "./settle.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"

/** Delivered and read, for messages that are stored and for those that are still to come. */
export interface Receipts {
  apply(company: string, update: ReceiptUpdate): Promise<void>
  /** What was learnt of a message before the message itself came. */
  early(company: string, message: InboundMessage): Promise<readonly Move[] | undefined>
  forget(company: string, message: InboundMessage): Op
}

export interface ReceiptsDeps {
  readonly ledger: Ledger
  readonly messages: Messages
  readonly chats: Chats
  readonly settlement: Settlement
  readonly events: Events
  readonly ids: Ids
  readonly clock: { now(): number }
}

/** Receipts of messages that have not come; removed when they never do. */
export const RECEIPT_TABLE = "receipt"
const KEPT_MS = 7 * 24 * 60 * 60 * 1000
/** Messages looked up and written at a time: one receipt can name hundreds. */
const BATCH = 100
const RETRIES = 32

export function createReceipts({ ledger, messages, chats, settlement, events, ids, clock }: ReceiptsDeps): Receipts {
  /** Where a message may be that did not go out from here. */
  const otherKeys = (chat: Chat, wireId: string): string[] => {
    const sides = ["me", "them"] as const
    return [chat.id, ...chat.members].flatMap((id) => sides.map((side) => ids.received(id, side, wireId)))
  }

  const find = async (company: string, chat: Chat, wireIds: readonly string[]) => {
    // A quick contact's receipt meets the acknowledgement on its way to the disk; both write the row.
    for (const wireId of wireIds) await settlement.recorded(company, wireId)
    const own = await messages.get(company, wireIds)
    if (own.every((message) => message !== undefined)) return own
    const keys = wireIds.map((wireId, index) => (own[index] === undefined ? otherKeys(chat, wireId) : []))
    const others = await messages.get(company, keys.flat())
    let at = 0
    return keys.map(
      ({ length }, index) => own[index] ?? others.slice(at, (at += length)).find((one) => one !== undefined),
    )
  }

  const earlyKey = (wireId: string): string => ids.digest(wireId)

  const keep = async (company: string, wireId: string, move: Move): Promise<Op> => {
    const key = earlyKey(wireId)
    const [row] = await ledger.get(company, RECEIPT_TABLE, [key])
    const before =
      row === undefined ? [] : decodeRecord<Move[]>(row.value, "receipt").filter((m) => m.status !== move.status)
    const value = encodeRecord([...before, move])
    return { op: "put", table: RECEIPT_TABLE, key, value, due: clock.now() + KEPT_MS }
  }

  /** False when somebody else has written one of the rows meanwhile. */
  const once = async (company: string, chat: Chat, wireIds: readonly string[], move: Move): Promise<boolean> => {
    const found = await find(company, chat, wireIds)
    const ops: Op[] = []
    const plans: Plan[] = []
    for (const [index, wireId] of wireIds.entries()) {
      const message = found[index]
      if (message === undefined) ops.push(await keep(company, wireId, move))
      // What the contact wrote can only be read, by our own phone.
      else if (message.row.direction === "outbound" || move.status === "read") {
        const plan = settlement.plan(message.row, message.version, move)
        plans.push(plan)
        ops.push(...plan.ops)
      }
    }
    if (ops.length === 0) return true
    const { ok } = await events.commit(
      company,
      ops,
      plans.flatMap(({ drafts }) => drafts),
    )
    if (ok) for (const plan of plans) settlement.tell(plan)
    return ok
  }

  return {
    async apply(company, { chat: ref, wireIds, status, at }) {
      const chat = await chats.resolve(company, ref)
      for (let from = 0; from < wireIds.length; from += BATCH) {
        const batch = [...new Set(wireIds.slice(from, from + BATCH))]
        for (let tries = 0; !(await once(company, chat, batch, { status, at })); tries++) {
          if (tries === RETRIES) throw new Error("Receipts keep meeting other writes")
        }
      }
    },

    async early(company, { wireId }) {
      const [row] = await ledger.get(company, RECEIPT_TABLE, [earlyKey(wireId)])
      return row && decodeRecord<Move[]>(row.value, "receipt").sort((a, b) => a.at - b.at)
    },

    forget: (_company, { wireId }) => ({ op: "delete", table: RECEIPT_TABLE, key: earlyKey(wireId) }),
  }
}
