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
  /** The operations that remove what the house itself has noted of a company's batches, page by page. */
  traces(company: string): AsyncIterable<readonly Op[]>
  /** The operation that notes, in the house itself, whose a stored batch is. */
  noteOf(company: string, batchId: string, due: number | undefined): Op
  /** Removes what is past its time. */
  sweep(now: number): Promise<void>
}

export const BATCH_TABLE = "batch"
const TABLE = BATCH_TABLE
const HOUSE = ""
/** A day more than a message may wait. */
const KEPT_MS = 31 * 24 * 60 * 60 * 1000
const SWEPT_AT_ONCE = 500
const BATCH_ID = /^bat_[0-9a-f]{24}$/

export function createBatchRows(ledger: Ledger): BatchRows {
  return {
    async announce(company, batchId, at) {
      await ledger.commit(HOUSE, [noteOf(company, batchId, at + KEPT_MS)])
    },

    place: (batchId, row) => ({
      op: "put",
      table: TABLE,
      key: batchId,
      value: encodeRecord(row),
      due: row.at + KEPT_MS,
    }),

    noteOf,

    async *traces(company) {
      for (let after: string | undefined; ; ) {
        const page = await ledger.page(HOUSE, TABLE, {
          limit: SWEPT_AT_ONCE,
          ...(after === undefined ? {} : { after }),
        })
        const own = page.rows.filter(({ key, value }) => companyIn(value, key) === company)
        if (own.length > 0) yield own.map(({ key }): Op => ({ op: "delete", table: TABLE, key }))
        if (page.next === null) return
        after = page.next
      }
    },

    async owner(batchId) {
      if (!BATCH_ID.test(batchId)) return undefined
      const [row] = await ledger.get(HOUSE, TABLE, [batchId])
      return row && companyIn(row.value, batchId)
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

function noteOf(company: string, batchId: string, due: number | undefined): Op {
  const value = encodeRecord({ company })
  return { op: "put", table: TABLE, key: batchId, value, ...(due === undefined ? {} : { due }) }
}

function companyIn(value: Uint8Array, batchId: string): string {
  return decodeRecord<{ readonly company: string }>(value, `batch ${batchId}`).company
}

export function rejectionOf(index: number, error: AppError): Rejection {
  const { code, message, details, retryAfter } = error
  const said = { code, message, isRetryable: error.spec.retryable ?? false }
  const more = { ...(details === undefined ? {} : { details }), ...(retryAfter === undefined ? {} : { retryAfter }) }
  return { index, error: { ...said, ...more } }
}

export type BatchAnswer = {
  readonly batchId: string
  readonly accepted: number
  readonly rejected: readonly Rejection[]
}

/** What the caller of a batch is told. A message that is neither stored nor refused was cut off by a crash. */
export function batchAnswer(batchId: string, { ids, rejected }: BatchRow): BatchAnswer {
  const refused = new Set(rejected.map(({ index }) => index))
  const lost = ids.flatMap((id, index) => (id === null && !refused.has(index) ? [rejectionOf(index, notStored())] : []))
  const all = [...rejected, ...lost].sort((a, b) => a.index - b.index)
  return { batchId, accepted: ids.length - all.length, rejected: all }
}

export const notStored = (): AppError =>
  appError("STORAGE_UNAVAILABLE", { message: "The message could not be stored; send it again" })
