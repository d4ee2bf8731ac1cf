import type { Placement } from "../../ledger.ts"
import { damaged } from "../values.ts"
import { fromUtf8, utf8 } from "../utf8.ts"

/**
 * Which texts of the ledger say more than they may: keys and index entries with phones, LIDs and groups, or with what
 * callers and senders choose. Each is only ever looked up as a whole, so that a name without meaning can stand for it; the
 * true one is sealed with the value. All other keys are ids of our own, random, or numbers of our own order.
 */

export interface Rule {
  readonly key: boolean
  readonly index: readonly string[]
}

/** Of tables that are not listed below. */
export const NO_NAMES: Rule = { key: false, index: [] }
/** What a plugin calls its records may hold anything. */
const PLUGIN: Rule = { key: true, index: [] }

const rules: ReadonlyMap<string, Rule> = new Map([
  // `p:` and a phone, `l:` and a LID, `g:` and a group.
  ["person", { key: true, index: [] }],
  // Callers choose it.
  ["idempotency", { key: true, index: [] }],
  // A hash of an id that a sender chose: whoever guesses the id finds it.
  ["receipt", { key: true, index: [] }],
  // Likewise, of the ids of calls from other systems.
  ["call", { key: true, index: [] }],
  // The id that a sender's client gave it.
  ["message", { key: false, index: ["wire"] }],
])

/** Where each company's salt stands; nothing else is in it, and it is shown to nobody. */
export const VAULT_TABLE = "vault"
export const VAULT_KEY = "vault"

export function ruleOf(table: string): Rule {
  return rules.get(table) ?? (isPluginTable(table) ? PLUGIN : NO_NAMES)
}

/** Where a plugin keeps its records, and those that only an export with credentials holds. */
export function pluginTable(plugin: string, secret: boolean): string {
  return `${secret ? SECRET_PREFIX : PLUGIN_PREFIX}${plugin}`
}

const PLUGIN_PREFIX = "plugin:"
const SECRET_PREFIX = "plugin-secret:"

export function isPluginTable(table: string): boolean {
  return table.startsWith(PLUGIN_PREFIX) || isSecretTable(table)
}

export function isSecretTable(table: string): boolean {
  return table.startsWith(SECRET_PREFIX)
}

/** What a name stands for; the same text in two places has two names. */
export function keyText(table: string, key: string): string {
  return `${table}/${key}`
}

export function indexText(table: string, index: string, text: string): string {
  return `${table}.${index}/${text}`
}

/** What a row's or log row's ciphertext is bound to, beside its company. */
export function rowName(table: string, key: string): string {
  return `${table}/${key}`
}

export function logName(table: string, position: number): string {
  return `${table}#${position}`
}

/** What stands inside the seal of a row. */
export interface Inner {
  /** The true key, where the row's own is a name. */
  readonly key: string | undefined
  /** True texts of index entries that are names. */
  readonly index: Readonly<Record<string, string>>
  readonly value: Uint8Array
}

/** Tables without names hold the value alone. Others: texts with their lengths, key first, then the value. */
export function encodeInner({ table, key, index, value }: Placement): Uint8Array {
  const rule = ruleOf(table)
  if (rule === NO_NAMES) return value
  const texts = rule.key ? [utf8(key)] : []
  for (const name of rule.index) texts.push(utf8(index?.[name] ?? ""))
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + 2 + text.length, value.length))
  let at = 0
  for (const text of texts) {
    bytes[at++] = text.length >> 8
    bytes[at++] = text.length & 0xff
    bytes.set(text, at)
    at += text.length
  }
  bytes.set(value, at)
  return bytes
}

/** Throws RECORD_DAMAGED for what was not made by `encodeInner`. */
export function decodeInner(table: string, bytes: Uint8Array, name: string): Inner {
  const rule = ruleOf(table)
  if (rule === NO_NAMES) return { key: undefined, index: {}, value: bytes }
  let at = 0
  const text = (): string => {
    const start = at + 2
    at = start + ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0)
    if (start > bytes.length || at > bytes.length) throw damaged(name, "it is cut off")
    return fromUtf8(bytes.subarray(start, at))
  }
  const key = rule.key ? text() : undefined
  const index: Record<string, string> = {}
  for (const named of rule.index) {
    const found = text()
    // No index text is empty: it stands for a row without that entry.
    if (found !== "") index[named] = found
  }
  return { key, index, value: bytes.subarray(at) }
}
