import type { Placement, Row } from "../../../core/ledger.ts"
import { createSortedMap, type SortedMap } from "./rows.ts"

export interface MemoryRow extends Row {
  readonly index: ReadonlyMap<string, string>
  readonly due: number | undefined
}

/** One table of one company: rows by key and by each index, a log, numbers. */
export interface MemoryTable {
  readonly rows: SortedMap<MemoryRow>
  readonly indexes: Map<string, SortedMap<string>>
  readonly log: Uint8Array[]
  readonly numbers: Map<string, number>
}

export function createTable(): MemoryTable {
  return { rows: createSortedMap(), indexes: new Map(), log: [], numbers: new Map() }
}

/** The sort text, then an end below every character, then the key: equal texts are ordered by key. */
export function indexEntry(text: string, key: string): string {
  return `${escapeNul(text)}\0\0${key}`
}

/** Keeps the end of an entry the only place where two NULs follow each other. */
export function escapeNul(text: string): string {
  return text.replaceAll("\0", "\0\u{10ffff}")
}

/** Puts `row` in the place of what has its key, or removes that, with the index entries. */
export function replaceRow(table: MemoryTable, key: string, row: MemoryRow | undefined): void {
  for (const [name, text] of table.rows.get(key)?.index ?? []) table.indexes.get(name)?.delete(indexEntry(text, key))
  if (row === undefined) {
    table.rows.delete(key)
    return
  }
  table.rows.set(key, row)
  for (const [name, text] of row.index) {
    const entries = table.indexes.get(name) ?? createSortedMap<string>()
    table.indexes.set(name, entries)
    entries.set(indexEntry(text, key), key)
  }
}

export function rowOf(op: Placement, version: number): MemoryRow {
  return {
    key: op.key,
    value: Uint8Array.from(op.value),
    version,
    index: new Map(Object.entries(op.index ?? {})),
    due: op.due,
  }
}
