import type { Page, PageQuery } from "../../../core/ledger.ts"
import { compareUtf8 } from "../../../core/records/utf8.ts"
import { cursorKey, cursorText } from "./cursor.ts"
import type { SortedMap } from "./rows.ts"
import { escapeNul, type MemoryRow, type MemoryTable } from "./tables.ts"

/** One page of a table, by key or by an index. */
export function readPage(table: MemoryTable | undefined, query: PageQuery): Page {
  const after = cursorKey(query.after)
  const before = cursorKey(query.before)
  const entries: SortedMap<unknown> | undefined =
    query.index === undefined ? table?.rows : table?.indexes.get(query.index)
  if (table === undefined || entries === undefined) return { rows: [], next: null }
  const { low, high } = bounds(entries, query, after, before)

  const rows: MemoryRow[] = []
  const step = query.reverse === true ? -1 : 1
  let position = step === 1 ? low : high - 1
  let last = ""
  for (; position >= low && position < high; position += step) {
    const entry = entries.at(position)
    if (entry === undefined) break
    if (rows.length === query.limit) return { rows, next: cursorText(last) }
    const row = table.rows.get(query.index === undefined ? entry.key : String(entry.value))
    if (row !== undefined) rows.push(row)
    last = entry.key
  }
  return { rows, next: null }
}

function bounds(
  entries: SortedMap<unknown>,
  query: PageQuery,
  after: string | undefined,
  before: string | undefined,
): { low: number; high: number } {
  const text = query.index === undefined ? (plain: string) => plain : escapeNul
  const prefix = text(query.prefix ?? "")
  let low = entries.seek(prefix)
  let high = query.prefix === undefined ? entries.size : endOf(entries, prefix, low)
  if (query.from !== undefined) low = Math.max(low, entries.seek(text(query.from)))
  if (query.to !== undefined) high = Math.min(high, entries.seek(text(query.to)))
  if (after !== undefined) low = Math.max(low, entries.seek(`${after}\0`))
  if (before !== undefined) high = Math.min(high, entries.seek(before))
  return { low, high }
}

/** First position from `low` on whose key does not begin with `prefix`. */
function endOf(entries: SortedMap<unknown>, prefix: string, low: number): number {
  let from = low
  let to = entries.size
  while (from < to) {
    const middle = (from + to) >> 1
    const key = entries.at(middle)?.key ?? ""
    if (key.startsWith(prefix) || compareUtf8(key, prefix) < 0) from = middle + 1
    else to = middle
  }
  return from
}
