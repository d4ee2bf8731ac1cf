import type { CommitResult, Op } from "../../../core/ledger.ts"
import { createTable, type MemoryTable, replaceRow, rowOf } from "./tables.ts"

const LONGEST_TEXT = 4_096
const encoder = new TextEncoder()

/** Applies the operations in order; the first that does not hold, or throws, takes back those before it. */
export function commitOps(tables: Map<string, MemoryTable>, ops: readonly Op[]): CommitResult {
  const undo: (() => void)[] = []
  const positions: number[] = []
  const takeBack = (): void => {
    for (const step of undo.reverse()) step()
  }
  try {
    for (const [index, op] of ops.entries()) {
      const known = tables.get(op.table)
      const table = known ?? createTable()
      if (known === undefined) {
        tables.set(op.table, table)
        undo.push(() => tables.delete(op.table))
      }
      if (!applyOp(table, op, undo, positions)) {
        takeBack()
        return { ok: false, op: index }
      }
    }
  } catch (error) {
    takeBack()
    throw error
  }
  return { ok: true, positions }
}

function applyOp(table: MemoryTable, op: Op, undo: (() => void)[], positions: number[]): boolean {
  if (op.op === "append") {
    if (op.position !== undefined && op.position !== table.log.length + 1) return false
    table.log.push(copy(op.value))
    undo.push(() => table.log.pop())
    positions.push(table.log.length)
    return true
  }
  if (op.op === "rewrite") {
    const at = op.position - 1
    const before = table.log[at]
    if (before === undefined) return false
    table.log[at] = copy(op.value)
    undo.push(() => {
      table.log[at] = before
    })
    return true
  }
  if (op.op === "increment") {
    if (!Number.isSafeInteger(op.by)) throw new TypeError("An increment is a whole number")
    checkText(op.key)
    const before = table.numbers.get(op.key)
    table.numbers.set(op.key, (before ?? 0) + op.by)
    undo.push(() => (before === undefined ? table.numbers.delete(op.key) : table.numbers.set(op.key, before)))
    return true
  }
  if (
    op.op !== "put" &&
    op.op !== "putIfAbsent" &&
    op.op !== "putIfVersion" &&
    op.op !== "recode" &&
    op.op !== "delete"
  ) {
    throw new TypeError(`Unknown operation ${String((op as { op: unknown }).op)}`)
  }
  checkText(op.key)
  const before = table.rows.get(op.key)
  const version = before?.version ?? 0
  if (op.op === "putIfAbsent" && before !== undefined) return false
  if (op.op === "recode" && (version === 0 || op.version !== version)) return false
  if ((op.op === "putIfVersion" || (op.op === "delete" && op.version !== undefined)) && op.version !== version)
    return false
  undo.push(() => replaceRow(table, op.key, before))
  if (op.op === "delete") {
    replaceRow(table, op.key, undefined)
    return true
  }
  for (const text of Object.values(op.index ?? {})) checkText(text)
  if (op.due !== undefined && Number.isNaN(op.due)) throw new TypeError("A row cannot be due at NaN")
  replaceRow(table, op.key, rowOf({ ...op, value: copy(op.value) }, op.op === "recode" ? version : version + 1))
  return true
}

function copy(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError("Values are bytes")
  return Uint8Array.from(value)
}

function checkText(text: string): void {
  if (typeof text !== "string") throw new TypeError("Keys and index values are text")
  if (text.length * 3 > LONGEST_TEXT && encoder.encode(text).length > LONGEST_TEXT) {
    throw new RangeError(`Keys and index values have at most ${LONGEST_TEXT} bytes`)
  }
}
