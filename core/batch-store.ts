import { appError, isAppError } from "./errors.ts"
import type { Op } from "./ledger.ts"
import { type MessageRow, plain } from "./message/messages.ts"
import { refOf } from "./message/send-checks.ts"
import { orderText } from "./message/sequence.ts"
import { createTrail } from "./message/trail.ts"
import { type OutboundDeps, rowOf } from "./outbound.ts"
import type { Call, Draft } from "./types.ts"

/** A message of a batch that nothing refuses. */
export interface Passed {
  readonly index: number
  readonly draft: Draft
  readonly ttlMs: number
}

/** The ids of stored messages, by their place in the batch. */
export type Stored = ReadonlyMap<number, string>

/**
 * Stores messages of one company in one commit, together with what `note` gives for them, and hands them to the outbox.
 * Undefined when they cannot be stored together, and then none of them is; rejects when storage fails.
 */
export type BatchStore = (
  call: Call,
  batchId: string,
  some: readonly Passed[],
  note: (stored: Stored) => readonly Op[],
) => Promise<Stored | undefined>

type Deps = Pick<
  OutboundDeps,
  "chats" | "messages" | "outbox" | "lines" | "provider" | "hooks" | "ids" | "clock" | "log"
>

export function createBatchStore(deps: Deps): BatchStore {
  const { chats, messages, outbox, lines, provider, hooks, ids, clock } = deps
  const trail = createTrail(deps.log)

  return async (call, batchId, some, note) => {
    const { company, requestId } = call
    const now = clock.now()
    const waiting: (Passed & { messageId: string; order: number })[] = []
    for (const passed of some) waiting.push({ ...passed, messageId: ids.message(), order: await outbox.order(company) })
    const stored = new Map(waiting.map(({ index, messageId }) => [index, messageId]))
    const wires = waiting.map(({ draft }) => provider.encode(draft.content))
    let made: MessageRow[] = []
    const done = await chats
      .commitAll(
        company,
        waiting.map(({ draft }) => refOf(draft.to)),
        (all) => {
          made = waiting.map(({ messageId, order, draft, ttlMs }, at) =>
            rowOf(call, messageId, order, all[at] as (typeof all)[number], draft, now, now + ttlMs),
          )
          const ops = waiting.flatMap(({ messageId, order, draft, ttlMs }, at): Op[] => [
            { op: "putIfAbsent", ...messages.place(made[at] as MessageRow) },
            messages.placeWire(messageId, wires[at] as Uint8Array),
            outbox.place({
              key: orderText(order),
              messageId,
              chatId: (all[at] as (typeof all)[number]).id,
              to: refOf(draft.to),
              expiresAt: now + ttlMs,
              stoppable: true,
            }),
          ])
          return [...ops, ...note(stored)]
        },
      )
      .catch((thrown: unknown) => {
        // Told that they failed, their sender will send again: should the commit have got through, they must not go out.
        for (const { messageId, order } of waiting) outbox.disown(company, orderText(order), messageId)
        throw isAppError(thrown) ? thrown : appError("STORAGE_UNAVAILABLE", { cause: thrown })
      })
    if (done === undefined) return undefined
    for (const [at, { messageId, order, draft }] of waiting.entries()) {
      const row = made[at] as MessageRow
      const chat = done[at] as (typeof done)[number]
      trail.accepted(row, "batch", batchId)
      if (hooks.has("message:accepted")) hooks.observe("message:accepted", { message: plain(row), requestId })
      outbox.accepted(company, {
        key: orderText(order),
        messageId,
        chatId: chat.id,
        to: refOf(draft.to),
        wire: wires[at] as Uint8Array,
        expiresAt: row.expiresAt ?? Number.POSITIVE_INFINITY,
        message: { row, version: 1 },
        opens: !chat.open,
        stoppable: true,
      })
    }
    lines.touch(company)
    return stored
  }
}
