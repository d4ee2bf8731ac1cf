import type { LogRow, Op, Placement, Row } from "../../ledger.ts"
import { decodeInner, encodeInner, indexText, keyText, logName, rowName, ruleOf } from "./names.ts"
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
  const texts = ops.flatMap(namedTexts)
  if (texts.length === 0) return withNames(sealer, vault, ops, [], position)
  return andThen(sealer.name(vault, texts), (names) => withNames(sealer, vault, ops, names, position))
}

/** The texts of an operation that names stand for: its key, then its index texts. */
function namedTexts(op: Op): string[] {
  const rule = ruleOf(op.table)
  const texts = rule.key && "key" in op && op.op !== "increment" ? [keyText(op.table, op.key)] : []
  if (!("index" in op) || op.index === undefined) return texts
  for (const named of rule.index) {
    const text = op.index[named]
    if (text !== undefined) texts.push(indexText(op.table, named, text))
  }
  return texts
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
  const bind = (to: string, value: Uint8Array): void => {
    if (!(value instanceof Uint8Array)) throw new TypeError("Values are bytes")
    bound.push(to)
    values.push(value)
  }
  const written = ops.map((op): Op => {
    const { table } = op
    if (op.op === "increment") return op
    if (op.op === "delete") return ruleOf(table).key ? { ...op, key: name() } : op
    if (op.op === "append") {
      const reckoned = position(table)
      const at = op.position ?? reckoned
      bind(logName(table, at), op.value)
      return { ...op, position: at }
    }
    if (op.op === "rewrite") {
      bind(logName(table, op.position), op.value)
      return op
    }
    const key = ruleOf(table).key ? name() : op.key
    const index = indexOf(op, name)
    bind(rowName(table, key), encodeInner(table, { key: op.key, index: op.index ?? {}, value: op.value }))
    return index === undefined ? { ...op, key } : { ...op, key, index }
  })
  if (values.length === 0) return written
  return andThen(sealer.seal(vault, bound, values), (sealed) => {
    let at = 0
    return written.map((op) => ("value" in op ? { ...op, value: sealed[at++] as Uint8Array } : op))
  })
}

function indexOf({ table, index }: Placement, name: () => string): Readonly<Record<string, string>> | undefined {
  const named = ruleOf(table).index
  if (index === undefined || named.every((one) => index[one] === undefined)) return index
  const texts = { ...index }
  for (const one of named) if (index[one] !== undefined) texts[one] = name()
  return texts
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
export async function openRows<R extends Row & Pick<Placement, "index">>(
  sealer: Sealer,
  vault: Vault,
  table: string,
  rows: readonly R[],
): Promise<R[]> {
  const closed = rows.filter(({ key, value }) => admit(sealer, vault, value, `${table} ${key}`))
  if (closed.length === 0) return [...rows]
  const names = closed.map(({ key }) => rowName(table, key))
  const opened = await openNamed(
    sealer,
    vault,
    names,
    closed.map(({ value }) => value),
  )
  let at = 0
  return rows.map((row) => {
    if (row !== closed[at]) return row
    const inner = decodeInner(table, opened[at++] as Uint8Array, `${table} ${row.key}`)
    const index = row.index === undefined ? {} : { index: { ...row.index, ...inner.index } }
    return { ...row, ...index, key: inner.key ?? row.key, value: inner.value }
  })
}

/** As `openRows`, for rows of a log. */
export async function openLogRows<R extends LogRow>(
  sealer: Sealer,
  vault: Vault,
  table: string,
  rows: readonly R[],
): Promise<R[]> {
  const closed = rows.filter(({ position, value }) => admit(sealer, vault, value, logName(table, position)))
  if (closed.length === 0) return [...rows]
  const names = closed.map(({ position }) => logName(table, position))
  const opened = await openNamed(
    sealer,
    vault,
    names,
    closed.map(({ value }) => value),
  )
  let at = 0
  return rows.map((row) => (row === closed[at] ? { ...row, value: opened[at++] as Uint8Array } : row))
}
