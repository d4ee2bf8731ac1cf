import { appError, type AppError } from "../errors.ts"
import type { Ledger, Op } from "../ledger.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { FaultInfo } from "../types.ts"

/** One message of a batch that was not accepted, and why. */
export interface Rejection {
  readonly index: number
  readonly error: FaultInfo & { readonly isRetryable: boolean; readonly retryAfter?: number }
}

/** A batch as it is kept. */
export interface BatchRow {
  readonly at: number
  /** By place in the request: the message's id, or null as long as it is not stored. */
  readonly ids: readonly (string | null)[]
  readonly rejected: readonly Rejection[]
}

export interface BatchRows {
  /** Notes whose batch it is, under an id that callers may give without naming the company. Durable when it resolves. */
  announce(company: string, batchId: string, at: number): Promise<void>
  place(batchId: string, row: BatchRow): Op
  /** The company of a batch; undefined for an id that never was one. */
  owner(batchId: string): Promise<string | undefined>
  load(company: string, batchId: string): Promise<BatchRow | undefined>
  /** Removes what is past its time. */
  sweep(now: number): Promise<void>
}

const TABLE = "batch"
const HOUSE = ""
/** A day more than a message may wait. */
const KEPT_MS = 31 * 24 * 60 * 60 * 1000
const SWEPT_AT_ONCE = 500
const BATCH_ID = /^bat_[0-9a-f]{24}$/

export function createBatchRows(ledger: Ledger): BatchRows {
  return {
    async announce(company, batchId, at) {
      const value = encodeRecord({ company })
      await ledger.commit(HOUSE, [{ op: "put", table: TABLE, key: batchId, value, due: at + KEPT_MS }])
    },

    place: (batchId, row) => ({
      op: "put",
      table: TABLE,
      key: batchId,
      value: encodeRecord(row),
      due: row.at + KEPT_MS,
    }),

    async owner(batchId) {
      if (!BATCH_ID.test(batchId)) return undefined
      const [row] = await ledger.get(HOUSE, TABLE, [batchId])
      return row && decodeRecord<{ readonly company: string }>(row.value, `batch ${batchId}`).company
    },

    async load(company, batchId) {
      const [row] = await ledger.get(company, TABLE, [batchId])
      return row && decodeRecord<BatchRow>(row.value, `batch ${batchId}`)
    },

    async sweep(now) {
      for (;;) {
        const rows = await ledger.due(TABLE, now, SWEPT_AT_ONCE)
        for (const { company, key, version } of rows) {
          await ledger.commit(company, [{ op: "delete", table: TABLE, key, version }])
        }
        if (rows.length < SWEPT_AT_ONCE) return
      }
    },
  }
}

export function rejectionOf(index: number, error: AppError): Rejection {
  const { code, message, details, retryAfter } = error
  const said = { code, message, isRetryable: error.spec.retryable ?? false }
  const more = { ...(details === undefined ? {} : { details }), ...(retryAfter === undefined ? {} : { retryAfter }) }
  return { index, error: { ...said, ...more } }
}

/** What the caller of a batch is told. A message that is neither stored nor refused was cut off by a crash. */
export function batchAnswer(batchId: string, { ids, rejected }: BatchRow): Record<string, unknown> {
  const refused = new Set(rejected.map(({ index }) => index))
  const lost = ids.flatMap((id, index) => (id === null && !refused.has(index) ? [rejectionOf(index, notStored())] : []))
  const all = [...rejected, ...lost].sort((a, b) => a.index - b.index)
  return { batchId, accepted: ids.length - all.length, rejected: all }
}

export const notStored = (): AppError =>
  appError("STORAGE_UNAVAILABLE", { message: "The message could not be stored; send it again" })
