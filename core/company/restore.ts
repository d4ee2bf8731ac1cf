import { appError } from "../errors.ts"
import { HOME_TABLE } from "../homes/record.ts"
import type { DumpedRecord, Ledger, Op } from "../ledger.ts"
import { type LineRecord, SESSION_TABLE } from "../line/record.ts"
import { shownAgain } from "../line/company-row.ts"
import { BATCH_TABLE, createBatchRows } from "../message/batch-rows.ts"
import { isBookkeeping, TOTALS_TABLE } from "../monitor/totals.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { ExportFile } from "./export-file.ts"

const HOUSE = ""
/** Records of one commit. */
const PORTION = 200

/** Writes what an export has into a company that is empty. `linked`: its credentials come along. */
export async function restoreRecords(
  ledger: Ledger,
  company: string,
  file: Pick<ExportFile, "records">,
  linked: boolean,
): Promise<void> {
  const { noteOf } = createBatchRows(ledger)
  let waiting: DumpedRecord[] = []
  const flush = async (): Promise<void> => {
    const some = waiting
    waiting = []
    const notes = some.flatMap((record) =>
      record.kind === "row" && record.table === BATCH_TABLE ? [noteOf(company, record.key, record.due)] : [],
    )
    if (notes.length > 0) await ledger.commit(HOUSE, notes)
    const done = await ledger.commit(company, some.map(opOf))
    const logs = some.flatMap((record) => (record.kind === "log" ? [record.position] : []))
    if (!done.ok || done.positions.some((position, at) => position !== logs[at])) {
      throw appError("VALIDATION_ERROR", { message: "The logs of the export have gaps" })
    }
  }
  for (const record of file.records()) {
    // Where the auth state lies is this server's own matter.
    if (record.table === HOME_TABLE) continue
    // So is to which series its counts belong.
    if (record.table === TOTALS_TABLE && record.kind === "number" && isBookkeeping(record.key)) continue
    waiting.push(adapted(record, linked))
    if (waiting.length === PORTION) await flush()
  }
  if (waiting.length > 0) await flush()
}

function adapted(record: DumpedRecord, linked: boolean): DumpedRecord {
  if (record.kind !== "row") return record
  if (record.table !== SESSION_TABLE || linked) return shownAgain(record)
  const line = decodeRecord<LineRecord>(record.value, "session")
  const rest: LineRecord = { ...line, linked: false, wanted: false, erase: false, user: null, pairingSince: null }
  const { due: _, ...row } = record
  return { ...row, value: encodeRecord({ ...rest, state: "idle" }) }
}

function opOf(record: DumpedRecord): Op {
  if (record.kind === "log") return { op: "append", table: record.table, value: record.value }
  if (record.kind === "number") return { op: "increment", table: record.table, key: record.key, by: record.value }
  const { kind: _, version: __, ...placement } = record
  return { op: "put", ...placement }
}
