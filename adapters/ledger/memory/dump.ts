import { appError } from "../../../core/errors.ts"
import type { DumpedRecord, DumpPage } from "../../../core/ledger.ts"
import { compareUtf8 } from "../../../core/records/utf8.ts"
import { cursorKey, cursorText } from "./cursor.ts"
import type { MemoryTable } from "./tables.ts"

const kinds = ["row", "log", "number"] as const

/** One page of everything in `tables`: rows, then logs, then numbers, tables by name. */
export function readDump(
  tables: ReadonlyMap<string, MemoryTable> | undefined,
  after: string | undefined,
  limit: number,
): DumpPage {
  const from = placeOf(after)
  const names = [...(tables?.keys() ?? [])].sort(compareUtf8)
  const records: DumpedRecord[] = []
  let last: DumpedRecord | undefined
  for (const kind of kinds) {
    if (from !== undefined && kinds.indexOf(kind) < kinds.indexOf(from.kind)) continue
    for (const name of names) {
      const order = from?.kind === kind ? compareUtf8(name, from.table) : 1
      if (order < 0) continue
      const table = tables?.get(name)
      if (table === undefined) continue
      for (const record of recordsOf(kind, name, table, order === 0 ? from?.at : undefined)) {
        if (records.length === limit) return { records, next: last === undefined ? null : cursorOf(last) }
        records.push(record)
        last = record
      }
    }
  }
  return { records, next: null }
}

function* recordsOf(
  kind: (typeof kinds)[number],
  table: string,
  { rows, log, numbers }: MemoryTable,
  after: string | undefined,
): Generator<DumpedRecord> {
  if (kind === "row") {
    for (let at = after === undefined ? 0 : rows.seek(`${after}\0`); at < rows.size; at++) {
      const row = rows.at(at)?.value
      if (row === undefined) continue
      const { key, version, due } = row
      const index = row.index.size === 0 ? {} : { index: Object.fromEntries(row.index) }
      const value = Uint8Array.from(row.value)
      yield { kind, table, key, version, value, ...index, ...(due === undefined ? {} : { due }) }
    }
  } else if (kind === "log") {
    for (let at = after === undefined ? 0 : Number(after); at < log.length; at++) {
      yield { kind, table, position: at + 1, value: Uint8Array.from(log[at] ?? []) }
    }
  } else {
    for (const key of [...numbers.keys()].sort(compareUtf8)) {
      if (after !== undefined && compareUtf8(key, after) <= 0) continue
      yield { kind, table, key, value: numbers.get(key) ?? 0 }
    }
  }
}

/** Kind, name of the table, and where in it, with NULs between; the last part may have more of them. */
function cursorOf(record: DumpedRecord): string {
  return cursorText(`${record.kind}\0${record.table}\0${record.kind === "log" ? record.position : record.key}`)
}

function placeOf(
  after: string | undefined,
): { readonly kind: (typeof kinds)[number]; readonly table: string; readonly at: string } | undefined {
  const text = cursorKey(after)
  if (text === undefined) return undefined
  const [kindText = "", table = "", ...rest] = text.split("\0")
  const kind = kinds.find((known) => known === kindText)
  if (kind === undefined || rest.length === 0) {
    throw appError("VALIDATION_ERROR", { details: [{ path: "cursor", code: "invalid", message: "Not a cursor" }] })
  }
  return { kind, table, at: rest.join("\0") }
}
