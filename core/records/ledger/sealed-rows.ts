import type { LogRow, Op, Placement, Row } from "../../ledger.ts"
import { decodeInner, encodeInner, indexText, keyText, logName, NO_NAMES, rowName, ruleOf } from "./names.ts"
import { andThen, type MaybePromise, openNamed, type Sealer } from "../sealer.ts"
import { admit, type Vault } from "../vault.ts"

/** What goes into the ledger and what comes out of it, sealed and opened: one call for all of a commit or a page. */

/** Operations as they are written; log rows take their places from `position`. */
export function sealOps(
  sealer: Sealer,
  vault: Vault,
  ops: readonly Op[],
  position: (table: string) => number,
): MaybePromise<readonly Op[]> {
  const texts: string[] = []
  for (const op of ops) addTexts(op, texts)
  if (texts.length === 0) return withNames(sealer, vault, ops, texts, position)
  return andThen(sealer.name(vault, texts), (names) => withNames(sealer, vault, ops, names, position))
}

/** The texts of an operation that names stand for: its key, then its index texts. */
function addTexts(op: Op, texts: string[]): void {
  const rule = ruleOf(op.table)
  if (rule === NO_NAMES || op.op === "append" || op.op === "rewrite" || op.op === "increment") return
  if (rule.key) texts.push(keyText(op.table, op.key))
  if (op.op === "delete" || op.index === undefined) return
  for (const named of rule.index) {
    const text = op.index[named]
    if (text !== undefined) texts.push(indexText(op.table, named, text))
  }
}

/** Where an operation goes, before its value is sealed. */
interface Place {
  readonly key: string
  readonly index: Readonly<Record<string, string>> | undefined
  readonly position: number
}

function withNames(
  sealer: Sealer,
  vault: Vault,
  ops: readonly Op[],
  names: readonly string[],
  position: (table: string) => number,
): MaybePromise<readonly Op[]> {
  let named = 0
  const name = (): string => names[named++] ?? ""
  const bound: string[] = []
  const values: Uint8Array[] = []
  const places: Place[] = []
  for (const op of ops) {
    const place = placeOf(op, name, position)
    places.push(place)
    if (!("value" in op)) continue
    if (!(op.value instanceof Uint8Array)) throw new TypeError("Values are bytes")
    if (op.op === "append" || op.op === "rewrite") {
      bound.push(logName(op.table, place.position))
      values.push(op.value)
    } else {
      bound.push(rowName(op.table, place.key))
      values.push(encodeInner(op))
    }
  }
  if (values.length === 0) return ops.map((op, at) => written(op, places[at] as Place, NOTHING))
  return andThen(sealer.seal(vault, bound, values), (sealed) => {
    let next = 0
    return ops.map((op, at) =>
      written(op, places[at] as Place, "value" in op ? (sealed[next++] as Uint8Array) : NOTHING),
    )
  })
}

const NOTHING = new Uint8Array()

function placeOf(op: Op, name: () => string, position: (table: string) => number): Place {
  if (op.op === "rewrite") return { key: "", index: undefined, position: op.position }
  if (op.op === "append") {
    const reckoned = position(op.table)
    return { key: "", index: undefined, position: op.position ?? reckoned }
  }
  const rule = ruleOf(op.table)
  const key = rule.key && op.op !== "increment" ? name() : op.key
  if (op.op === "increment" || op.op === "delete") return { key, index: undefined, position: 0 }
  if (rule === NO_NAMES || op.index === undefined) return { key, index: op.index, position: 0 }
  let index = op.index
  for (const one of rule.index) {
    if (op.index[one] === undefined) continue
    if (index === op.index) index = { ...op.index }
    Object.assign(index, { [one]: name() })
  }
  return { key, index, position: 0 }
}

function written(op: Op, { key, index, position }: Place, value: Uint8Array): Op {
  switch (op.op) {
    case "increment":
      return op
    case "delete":
      return key === op.key ? op : { ...op, key }
    case "append":
    case "rewrite":
      return { op: op.op, table: op.table, position, value }
    case "put":
    case "putIfAbsent":
    case "putIfVersion":
    case "recode":
      return index === undefined ? { ...op, key, value } : { ...op, key, index, value }
    default:
      throw new TypeError(`Unknown operation ${String((op as { op: unknown }).op)}`)
  }
}

/** Keys as they are stored. */
export function storedKeys(
  sealer: Sealer,
  vault: Vault,
  table: string,
  keys: readonly string[],
): MaybePromise<readonly string[]> {
  if (!ruleOf(table).key) return keys
  return sealer.name(
    vault,
    keys.map((key) => keyText(table, key)),
  )
}

/** The text of an index entry as it is stored. */
export function storedIndex(
  sealer: Sealer,
  vault: Vault,
  table: string,
  index: string,
  text: string,
): MaybePromise<string> {
  if (!ruleOf(table).index.includes(index)) return text
  return andThen(sealer.name(vault, [indexText(table, index, text)]), ([name = ""]) => name)
}

/** Rows as callers know them, in order. Throws for one that does not open or may not be there. */
export function openRows<R extends Row & Pick<Placement, "index">>(
  sealer: Sealer,
  vault: Vault,
  table: string,
  rows: readonly R[],
): MaybePromise<readonly R[]> {
  const closed = rows.filter(({ key, value }) => admit(sealer, vault, value, `${table} ${key}`))
  if (closed.length === 0) return rows
  const names = closed.map(({ key }) => rowName(table, key))
  const values = closed.map(({ value }) => value)
  return andThen(openNamed(sealer, vault, names, values), (opened) => {
    let at = 0
    return rows.map((row) => {
      if (row !== closed[at]) return row
      const inner = decodeInner(table, opened[at++] as Uint8Array, `${table} ${row.key}`)
      const index = row.index === undefined ? {} : { index: { ...row.index, ...inner.index } }
      return { ...row, ...index, key: inner.key ?? row.key, value: inner.value }
    })
  })
}

/** As `openRows`, for rows of a log. */
export function openLogRows<R extends LogRow>(
  sealer: Sealer,
  vault: Vault,
  table: string,
  rows: readonly R[],
): MaybePromise<readonly R[]> {
  const closed = rows.filter(({ position, value }) => admit(sealer, vault, value, logName(table, position)))
  if (closed.length === 0) return rows
  const names = closed.map(({ position }) => logName(table, position))
  const values = closed.map(({ value }) => value)
  return andThen(openNamed(sealer, vault, names, values), (opened) => {
    let at = 0
    return rows.map((row) => (row === closed[at] ? { ...row, value: opened[at++] as Uint8Array } : row))
  })
}
