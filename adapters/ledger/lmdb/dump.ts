import type { DumpedRecord, Ledger } from "../../../core/ledger.ts"
import { fromUtf8 } from "../../../core/records/utf8.ts"
import { cursorBytes, cursorText, notACursor } from "./cursor.ts"
import type { Engine, Entry } from "./engine.ts"
import {
  after as endOf,
  companyPrefix,
  companyRanges,
  join,
  logPosition,
  logRange,
  numberRange,
  rowRange,
} from "./keys.ts"
import type { Registry } from "./registry.ts"
import { decodeNumber, decodeRow, plain } from "./rows.ts"

/** What a company's records are made again from; index entries, tails and due entries follow from these. */
const dumped = companyRanges.filter((range) => range === rowRange || range === logRange || range === numberRange)
const NEXT = Uint8Array.of(0)
/** Bytes of a physical key before its own part: range, company, table. */
const HEAD = 7

/** A company's records in the order of their physical keys; the cursor is the last key, without the company. */
export function createDump(engine: Engine, registry: Registry): Ledger["dump"] {
  return async (company, after, limit) => {
    const from = rangeAndRest(after)
    const number = registry.companies.get(company)
    if (number === undefined) return { records: [], next: null }
    const names = new Map([...registry.names].map(([text, name]) => [name, text]))
    const records: DumpedRecord[] = []
    let last: Buffer | undefined
    for (const range of dumped) {
      if (from !== undefined && dumped.indexOf(range) < from.place) continue
      const prefix = companyPrefix(range, number)
      const low = from?.range === range ? join(prefix, from.rest, NEXT) : prefix
      // One more than fits tells whether this is the end.
      for (const entry of engine.range(low, endOf(prefix), limit - records.length + 1)) {
        if (records.length === limit) return { records, next: last === undefined ? null : withoutCompany(last) }
        records.push(recordOf(entry, names))
        last = entry.key
      }
    }
    return { records, next: null }
  }
}

function recordOf({ key, value }: Entry, names: ReadonlyMap<number, string>): DumpedRecord {
  const table = nameOf(names, key.readUInt16BE(5))
  if (key[0] === logRange) return { kind: "log", table, position: logPosition(key), value: plain(value) }
  const part = key.subarray(HEAD)
  if (key[0] === numberRange) {
    const number = decodeNumber(value)
    return { kind: "number", table, key: number.longKey ?? fromUtf8(part), value: number.value }
  }
  const row = decodeRow(value)
  const index = Object.fromEntries(row.index.map((entry) => [nameOf(names, entry.index), entry.text]))
  return {
    kind: "row",
    table,
    key: row.longKey ?? fromUtf8(part),
    version: row.version,
    value: row.value,
    ...(row.index.length === 0 ? {} : { index }),
    ...(row.due === undefined ? {} : { due: row.due }),
  }
}

function nameOf(names: ReadonlyMap<number, string>, name: number): string {
  const text = names.get(name)
  if (text === undefined) throw new Error(`The ledger has records of a table or index ${name} that has no name`)
  return text
}

function withoutCompany(key: Buffer): string {
  return cursorText(join(key.subarray(0, 1), key.subarray(5)))
}

function rangeAndRest(
  text: string | undefined,
): { readonly range: number; readonly place: number; readonly rest: Uint8Array } | undefined {
  const bytes = cursorBytes(text)
  if (bytes === undefined) return undefined
  const range = bytes[0]
  const place = dumped.findIndex((known) => known === range)
  if (range === undefined || place < 0 || bytes.length < 3) throw notACursor()
  return { range, place, rest: bytes.subarray(1) }
}
