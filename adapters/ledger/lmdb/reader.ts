import type { DueRow, Ledger, LogRow, Page, PageQuery, Row } from "../../../core/ledger.ts"
import { fromUtf8 } from "../../../core/records/utf8.ts"
import { cursorBytes, cursorText } from "./cursor.ts"
import { createDump } from "./dump.ts"
import type { Engine, Entry } from "./engine.ts"
import {
  after,
  dueEnd,
  dueOwner,
  duePrefix,
  indexPrefix,
  join,
  keyPart,
  keyStart,
  logKey,
  logPosition,
  numberPrefix,
  rowKey,
  rowPrefix,
  sortPart,
  tailKey,
} from "./keys.ts"
import type { Registry } from "./registry.ts"
import { decodeNumber, decodeRow, plain, type StoredRow } from "./rows.ts"

const NEXT = Uint8Array.of(0)
const ALL = 0x7fffffff
/** Texts shorter than this are whole in a physical key, whatever they are made of. */
const UNCUT = 160

/** The reading half of the ledger. Every answer is read within one turn, from one state of the engine. */
export function createReader(
  engine: Engine,
  registry: Registry,
): Pick<Ledger, "get" | "page" | "log" | "tail" | "numbers" | "due" | "dump" | "companies"> {
  function place(company: string, table: string): { company: number; table: number } | undefined {
    const owner = registry.companies.get(company)
    const name = registry.names.get(table)
    return owner === undefined || name === undefined ? undefined : { company: owner, table: name }
  }

  return {
    async get(company, table, keys) {
      const at = place(company, table)
      return keys.map((key) => {
        const bytes = at && engine.get(rowKey(at.company, at.table, keyPart(key)))
        return bytes && rowOf(key, decodeRow(bytes))
      })
    },

    async page(company, table, query) {
      const cursors = { after: cursorBytes(query.after), before: cursorBytes(query.before) }
      const at = place(company, table)
      const index = query.index === undefined ? undefined : registry.names.get(query.index)
      if (at === undefined || (query.index !== undefined && index === undefined)) return { rows: [], next: null }
      const prefix = index === undefined ? rowPrefix(at.company, at.table) : indexPrefix(at.company, at.table, index)
      const { low, high } = bounds(prefix, query, cursors, index === undefined ? keyStart : sortPart)
      const rowAt = (entry: Entry): StoredKeyRow | undefined => {
        if (index === undefined) return keyed(entry.key.subarray(prefix.length), entry.value)
        const bytes = engine.get(rowKey(at.company, at.table, entry.value))
        return bytes && keyed(entry.value, bytes)
      }
      return readPage(engine, { low, high, prefix }, query, rowAt, index)
    },

    async log(company, table, position, limit) {
      const at = place(company, table)
      if (at === undefined) return []
      const high = after(logKey(at.company, at.table, 0).subarray(0, 7))
      const entries = engine.range(logKey(at.company, at.table, Math.max(0, position) + 1), high, limit)
      return entries.map(({ key, value }): LogRow => ({ position: logPosition(key), value: plain(value) }))
    },

    async tail(company, table) {
      const at = place(company, table)
      return (at && engine.get(tailKey(at.company, at.table)))?.readUIntBE(0, 6) ?? 0
    },

    async numbers(company, table) {
      const numbers: Record<string, number> = Object.create(null)
      const at = place(company, table)
      if (at === undefined) return numbers
      const prefix = numberPrefix(at.company, at.table)
      for (const { key, value } of engine.range(prefix, after(prefix), ALL)) {
        const number = decodeNumber(value)
        numbers[number.longKey ?? fromUtf8(key.subarray(prefix.length))] = number.value
      }
      return numbers
    },

    async due(table, now, limit) {
      const name = registry.names.get(table)
      const rows: DueRow[] = []
      if (name === undefined) return rows
      const high = dueEnd(name, now)
      let low = duePrefix(name)
      while (rows.length < limit) {
        const wanted = limit - rows.length
        const entries = engine.range(low, high, wanted)
        for (const entry of entries) {
          const row = dueRow(engine, registry, name, entry)
          if (row !== undefined) rows.push(row)
        }
        const last = entries.at(-1)
        if (last === undefined || entries.length < wanted) break
        low = join(last.key, NEXT)
      }
      return rows
    },

    dump: createDump(engine, registry),

    async companies() {
      return [...registry.companies.keys()].filter((company) => company !== "")
    },
  }
}

/** An entry whose company is being erased has no owner any more. */
function dueRow(engine: Engine, registry: Registry, table: number, entry: Entry): DueRow | undefined {
  const owner = dueOwner(entry.key)
  const company = registry.companyNames.get(owner.company)
  const bytes = company === undefined ? undefined : engine.get(rowKey(owner.company, table, owner.part))
  if (company === undefined || bytes === undefined) return undefined
  const { key, row } = keyed(owner.part, bytes)
  return row.due === undefined ? undefined : { ...rowOf(key, row), company, due: row.due }
}

interface StoredKeyRow {
  readonly key: string
  readonly row: StoredRow
}

interface Range {
  readonly low: Buffer
  readonly high: Buffer
  readonly prefix: Buffer
}

function readPage(
  engine: Engine,
  range: Range,
  query: PageQuery,
  rowAt: (entry: Entry) => StoredKeyRow | undefined,
  index: number | undefined,
): Page {
  const rows: Row[] = []
  const reverse = query.reverse === true
  let { low, high } = range
  let last: Buffer | undefined
  for (;;) {
    const wanted = query.limit - rows.length + 1
    const entries = engine.range(low, high, wanted, reverse)
    for (const entry of entries) {
      const found = rowAt(entry)
      if (found === undefined || !within(query, found, index)) continue
      if (rows.length === query.limit) {
        return { rows, next: last === undefined ? null : cursorText(last.subarray(range.prefix.length)) }
      }
      rows.push(rowOf(found.key, found.row))
      last = entry.key
    }
    const edge = entries.at(-1)
    if (edge === undefined || entries.length < wanted) return { rows, next: null }
    if (reverse) high = edge.key
    else low = join(edge.key, NEXT)
  }
}

/** Texts too long for a physical key are cut there; their entries are compared in full here. */
function within(query: PageQuery, found: StoredKeyRow, index: number | undefined): boolean {
  const { prefix } = query
  if (prefix === undefined || prefix.length < UNCUT) return true
  const text = index === undefined ? found.key : found.row.index.find((entry) => entry.index === index)?.text
  return text?.startsWith(prefix) ?? false
}

function bounds(
  prefix: Buffer,
  query: PageQuery,
  cursors: { after: Uint8Array | undefined; before: Uint8Array | undefined },
  part: (text: string) => Uint8Array,
): { low: Buffer; high: Buffer } {
  const begin = query.prefix === undefined ? prefix : join(prefix, part(query.prefix))
  let low = begin
  let high = after(begin)
  if (query.from !== undefined) low = later(low, join(prefix, part(query.from)))
  if (query.to !== undefined) high = earlier(high, join(prefix, part(query.to)))
  if (cursors.after !== undefined) low = later(low, join(prefix, cursors.after, NEXT))
  if (cursors.before !== undefined) high = earlier(high, join(prefix, cursors.before))
  return { low, high }
}

function later(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) < 0 ? b : a
}

function earlier(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) < 0 ? a : b
}

function keyed(part: Uint8Array, bytes: Buffer): StoredKeyRow {
  const row = decodeRow(bytes)
  return { key: row.longKey ?? fromUtf8(part), row }
}

function rowOf(key: string, row: StoredRow): Row {
  return { key, value: row.value, version: row.version }
}
