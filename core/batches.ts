import { createBatchStore, type Passed } from "./batch-store.ts"
import { type AppError, appError, isAppError, toError } from "./errors.ts"
import type { Ledger, Op } from "./ledger.ts"
import {
  batchAnswer,
  type BatchRow,
  createBatchRows,
  notStored,
  type Rejection,
  rejectionOf,
} from "./message/batch-rows.ts"
import { iso } from "./message/messages.ts"
import { createSendChecks, refOf } from "./message/send-checks.ts"
import type { OutboundDeps } from "./outbound.ts"
import { refuseFaults } from "./refusal.ts"
import type { Call, MessageStatus, Principal } from "./types.ts"

/** Many messages in one call: each is checked like any other, and those accepted are stored in few commits. */
export interface Batches {
  send(request: BatchRequest): Promise<{ readonly data: Readonly<Record<string, unknown>>; readonly replayed: boolean }>
  /** How far a batch is. Throws NOT_FOUND for one that is not this caller's. */
  progress(principal: Principal, batchId: string): Promise<Readonly<Record<string, unknown>>>
  /** Stops what has never been tried. Throws NOT_FOUND for a batch that is not this caller's. */
  stop(principal: Principal, batchId: string): Promise<Readonly<Record<string, unknown>>>
  /** Forgets batches that are past their time; their messages stay. */
  sweep(): Promise<void>
}

export interface BatchRequest {
  readonly call: Call
  readonly messages: readonly unknown[]
  readonly idempotencyKey: string | undefined
}

export interface BatchesDeps extends OutboundDeps {
  readonly ledger: Ledger
  /** The one company there is, in single-tenant mode. */
  readonly onlyCompany: string | undefined
}

/** Messages of one commit. */
const CHUNK = 200

export function createBatches(deps: BatchesDeps): Batches {
  const { ledger, chats, messages, outbox, idempotency, ids, clock, log } = deps
  const checks = createSendChecks(deps)
  const rows = createBatchRows(ledger)
  const store = createBatchStore(deps)

  /** The message as it will go out, or what refuses it. What refuses all of them alike is thrown. */
  const check = async (call: Call, batchId: string, index: number, body: unknown): Promise<Passed | Rejection> => {
    try {
      const fields = fieldsOf(call, body)
      const { draft, ttlMs } = await checks.prepare(call, fields)
      await checks.admit(call, draft, await chats.resolve(call.company, refOf(draft.to)), "batched")
      return { index, draft, ttlMs }
    } catch (thrown) {
      if (!isAppError(thrown) || thrown.code === "NO_ACTIVE_SESSION" || thrown.spec.status === 503) throw thrown
      const { company, requestId } = call
      log.debug({ company, requestId, batchId, index, code: thrown.code }, "A message of a batch was refused")
      return rejectionOf(index, thrown)
    }
  }

  const send = async ({ call, messages: bodies }: BatchRequest, reserve: (batchId: string) => Op[]) => {
    const { company } = call
    const batchId = ids.batch()
    const at = clock.now()
    const passed: Passed[] = []
    const rejected: Rejection[] = []
    for (const [index, body] of bodies.entries()) {
      const checked = await check(call, batchId, index, body)
      if ("error" in checked) rejected.push(checked)
      else passed.push(checked)
    }
    const slots: (string | null)[] = bodies.map(() => null)
    let row: BatchRow = { at, ids: slots, rejected }
    const withStored = (stored: ReadonlyMap<number, string>): BatchRow => ({
      ...row,
      ids: row.ids.map((id, index) => stored.get(index) ?? id),
    })
    let reserved = false
    const note = (stored: ReadonlyMap<number, string>): Op[] => [
      rows.place(batchId, withStored(stored)),
      ...(reserved ? [] : reserve(batchId)),
    ]
    await rows.announce(company, batchId, at)
    const keep = async (some: readonly Passed[]): Promise<void> => {
      const stored = await store(call, batchId, some, note)
      if (stored === undefined) {
        if (some.length === 1) throw notStored()
        for (const one of some) await keep([one])
        return
      }
      row = withStored(stored)
      reserved = true
    }
    try {
      if (passed.length === 0) await ledger.commit(company, note(new Map()))
      for (let from = 0; from < passed.length; from += CHUNK) await keep(passed.slice(from, from + CHUNK))
    } catch (thrown) {
      if (!reserved) throw thrown
      // Some are stored, and that is what the answer says; the others are told as not stored.
      const { requestId } = call
      log.warn({ company, requestId, batchId, error: toError(thrown).message }, "A part of a batch could not be stored")
      await correct(call, batchId, row)
    }
    const answer = batchAnswer(batchId, row)
    const { accepted, rejected: refused } = answer
    log.debug({ company, requestId: call.requestId, batchId, accepted, rejected: refused.length }, "Batch accepted")
    return answer
  }

  /** What was stored last may say more than the caller is told. */
  const correct = async ({ company, requestId }: Call, batchId: string, row: BatchRow): Promise<void> => {
    try {
      await ledger.commit(company, [rows.place(batchId, row)])
    } catch (thrown) {
      log.warn({ company, requestId, batchId, error: toError(thrown).message }, "A batch could not be noted")
    }
  }

  const find = async (principal: Principal, batchId: string): Promise<{ company: string; row: BatchRow }> => {
    const company = await rows.owner(batchId)
    const only = principal.company ?? deps.onlyCompany
    const row = company === undefined || (only ?? company) !== company ? undefined : await rows.load(company, batchId)
    if (company === undefined || row === undefined) throw appError("NOT_FOUND")
    return { company, row }
  }

  const tell = async (company: string, batchId: string, row: BatchRow): Promise<Record<string, unknown>> => {
    const counts: Record<Exclude<MessageStatus, "received">, number> = {
      queued: 0,
      sent: 0,
      delivered: 0,
      read: 0,
      failed: 0,
      unknown: 0,
    }
    for (const found of await messages.get(company, storedIds(row))) {
      if (found !== undefined && found.row.status !== "received") counts[found.row.status]++
    }
    const { accepted, rejected } = batchAnswer(batchId, row)
    const done = counts.queued === 0
    return { batchId, companyId: company, createdAt: iso(row.at), accepted, rejected, counts, done }
  }

  return {
    async send(request) {
      const { call, idempotencyKey, messages: said } = request
      if (idempotencyKey === undefined) return { data: await send(request, () => []), replayed: false }
      const begun = await idempotency.begin(call.company, idempotencyKey, { messages: said })
      if ("replay" in begun) {
        const { messageId: batchId } = begun.replay
        const row = await rows.load(call.company, batchId)
        if (row === undefined) throw appError("STORAGE_UNAVAILABLE")
        return { data: batchAnswer(batchId, row), replayed: true }
      }
      const { first } = begun
      const reserve = (messageId: string): Op[] => [
        first.reserve({ messageId, queued: true, to: "", sanitized: false }),
      ]
      try {
        return { data: await send(request, reserve), replayed: false }
      } finally {
        first.end()
      }
    },

    async progress(principal, batchId) {
      const { company, row } = await find(principal, batchId)
      return tell(company, batchId, row)
    },

    async stop(principal, batchId) {
      const { company, row } = await find(principal, batchId)
      const stopped = await outbox.cancel(company, storedIds(row))
      return { ...(await tell(company, batchId, row)), stopped }
    },

    sweep: () => rows.sweep(clock.now()),
  }
}

const storedIds = ({ ids }: BatchRow): string[] => ids.filter((id) => id !== null)

function fieldsOf({ company }: Call, body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw fault("", "Expected a message as an object")
  const fields: Readonly<Record<string, unknown>> = { ...body }
  const named = fields.companyId
  if (named !== undefined && named !== null && named !== company) {
    throw fault("companyId", "Every message of a batch is for the batch's own company")
  }
  return fields
}

const fault = (path: string, message: string): AppError =>
  refuseFaults([{ path, code: "VALIDATION_ERROR", message }]).error
