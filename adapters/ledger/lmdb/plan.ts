import type { CommitResult, Op, Placement } from "../../../core/ledger.ts"
import type { Draft } from "./draft.ts"
import { dueKey, indexKey, isHashed, keyPart, logKey, numberKey, rowKey, tailKey } from "./keys.ts"
import type { DraftRegistry } from "./registry.ts"
import { decodeNumber, decodeRow, encodeNumber, encodeRow, type IndexText, type StoredRow } from "./rows.ts"

const MOST_INDEXES = 255
const LONGEST_TEXT = 4_096
/** Positions have six bytes. */
const LAST_POSITION = 2 ** 48 - 1

/** Turns a commit into writes of the draft. When a condition does not hold, or anything throws, the draft is as before. */
export function planCommit(draft: Draft, registry: DraftRegistry, company: string, ops: readonly Op[]): CommitResult {
  draft.begin()
  const positions: number[] = []
  try {
    const number = registry.company(company, draft.put)
    for (const [index, op] of ops.entries()) {
      const table = registry.name(op.table, draft.put)
      if (!planOp({ draft, registry, company: number, table }, op, positions)) {
        draft.undo()
        return { ok: false, op: index }
      }
    }
  } catch (error) {
    draft.undo()
    throw error
  }
  return { ok: true, positions }
}

interface Place {
  readonly draft: Draft
  readonly registry: DraftRegistry
  readonly company: number
  readonly table: number
}

/** False when the operation's condition does not hold. */
function planOp(place: Place, op: Op, positions: number[]): boolean {
  switch (op.op) {
    case "put":
    case "putIfAbsent":
    case "putIfVersion":
    case "recode":
      return planPut(place, op)
    case "delete":
      return planDelete(place, op.key, op.version)
    case "increment":
      planIncrement(place, op.key, op.by)
      return true
    case "append":
      return planAppend(place, op.value, op.position, positions)
    case "rewrite":
      return planRewrite(place, op.position, op.value)
    default:
      throw new TypeError(`Unknown operation ${String((op as { op: unknown }).op)}`)
  }
}

function planPut(place: Place, op: Placement & { op: string; version?: number }): boolean {
  const { draft, company, table } = place
  const part = checkedPart(op.key)
  const key = rowKey(company, table, part)
  const before = draft.get(key)
  const old = before === undefined ? undefined : decodeRow(before)
  if (op.op === "putIfAbsent" && old !== undefined) return false
  if (op.op === "putIfVersion" && (old?.version ?? 0) !== op.version) return false
  if (op.op === "recode" && old?.version !== op.version) return false
  if (op.due !== undefined && Number.isNaN(op.due)) throw new TypeError("A row cannot be due at NaN")
  const row: StoredRow = {
    version: (old?.version ?? 0) + (op.op === "recode" ? 0 : 1),
    due: op.due,
    index: indexTexts(place, op.index),
    longKey: isHashed(part) ? op.key : undefined,
    value: checkedBytes(op.value),
  }
  moveEntries(place, part, old, row)
  draft.put(key, encodeRow(row))
  return true
}

function planDelete(place: Place, text: string, version: number | undefined): boolean {
  const { draft, company, table } = place
  const part = checkedPart(text)
  const key = rowKey(company, table, part)
  const before = draft.get(key)
  const old = before === undefined ? undefined : decodeRow(before)
  if (version !== undefined && (old?.version ?? 0) !== version) return false
  if (old === undefined) return true
  moveEntries(place, part, old, undefined)
  draft.remove(key)
  return true
}

function planIncrement({ draft, company, table }: Place, text: string, by: number): void {
  if (!Number.isSafeInteger(by)) throw new TypeError("An increment is a whole number")
  const part = checkedPart(text)
  const key = numberKey(company, table, part)
  const before = draft.get(key)
  const value = (before === undefined ? 0 : decodeNumber(before).value) + by
  draft.put(key, encodeNumber(value, isHashed(part) ? text : undefined))
}

function planAppend(
  { draft, company, table }: Place,
  value: Uint8Array,
  wanted: number | undefined,
  positions: number[],
): boolean {
  const tail = tailKey(company, table)
  const before = draft.get(tail)
  const position = (before === undefined ? 0 : before.readUIntBE(0, 6)) + 1
  if (wanted !== undefined && wanted !== position) return false
  const bytes = Buffer.allocUnsafe(6)
  bytes.writeUIntBE(position, 0, 6)
  draft.put(logKey(company, table, position), Buffer.from(checkedBytes(value)))
  draft.put(tail, bytes)
  positions.push(position)
  return true
}

function planRewrite({ draft, company, table }: Place, position: number, value: Uint8Array): boolean {
  if (!Number.isInteger(position) || position < 1 || position > LAST_POSITION) return false
  const key = logKey(company, table, position)
  if (draft.get(key) === undefined) return false
  draft.put(key, Buffer.from(checkedBytes(value)))
  return true
}

/** Index and due entries of a row follow it; those that stay as they are are not written again. */
function moveEntries(place: Place, part: Uint8Array, old: StoredRow | undefined, now: StoredRow | undefined): void {
  const { draft, company, table } = place
  for (const entry of old?.index ?? []) {
    if (!hasText(now, entry)) draft.remove(indexKey(company, table, entry.index, entry.text, part))
  }
  for (const entry of now?.index ?? []) {
    if (!hasText(old, entry)) draft.put(indexKey(company, table, entry.index, entry.text, part), Buffer.from(part))
  }
  if (old?.due === now?.due) return
  if (old?.due !== undefined) draft.remove(dueKey(table, old.due, company, part))
  if (now?.due !== undefined) draft.put(dueKey(table, now.due, company, part), Buffer.from(part))
}

function hasText(row: StoredRow | undefined, entry: IndexText): boolean {
  return row !== undefined && row.index.some(({ index, text }) => index === entry.index && text === entry.text)
}

function indexTexts({ draft, registry }: Place, index: Readonly<Record<string, string>> | undefined): IndexText[] {
  if (index === undefined) return []
  const texts: IndexText[] = []
  for (const [name, text] of Object.entries(index)) {
    texts.push({ index: registry.name(name, draft.put), text: checkedText(text) })
  }
  if (texts.length > MOST_INDEXES) throw new RangeError("A row has at most 255 indexes")
  return texts
}

function checkedPart(text: string): Uint8Array {
  return keyPart(checkedText(text))
}

function checkedText(text: string): string {
  if (typeof text !== "string") throw new TypeError("Keys and index values are text")
  if (text.length * 3 > LONGEST_TEXT && Buffer.byteLength(text) > LONGEST_TEXT) {
    throw new RangeError(`Keys and index values have at most ${LONGEST_TEXT} bytes`)
  }
  return text
}

function checkedBytes(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError("Values are bytes")
  return value
}
