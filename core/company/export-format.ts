import type { DumpedRecord } from "../ledger.ts"
import { decodeRecord, encodeRecord, Format, RECORD_VERSION } from "../records/values.ts"
import { fromBase64, fromJson, toBase64, toJson } from "./json-values.ts"

/**
 * An export: JSON lines (NDJSON). The first is the header, the last one counts the others and has the SHA-256 of all bytes
 * before it, so that one that was cut off is recognised. In between stand the records of the auth state, if they were
 * asked for, and each record that the ledger has of the company.
 */
export const EXPORT_FORMAT = "switchboard-export"
export const EXPORT_VERSION = 1
export const EXPORT_TYPE = "application/x-ndjson"

export interface HeaderLine {
  readonly kind: "header"
  readonly format: typeof EXPORT_FORMAT
  readonly version: number
  readonly companyId: string
  /** ISO 8601. */
  readonly exportedAt: string
  readonly provider: string
  readonly storage: string
  /** Whether the auth state and the secrets of the settings are part of it. */
  readonly credentials: boolean
}

/** What a record holds: a value that reads as one, or bytes in base64. */
type Held = { readonly value: unknown } | { readonly bytes: string }

export type RecordLine =
  | ({
      readonly kind: "row"
      readonly table: string
      readonly key: string
      readonly index?: Readonly<Record<string, string>>
      /** ISO 8601 where it is a time. */
      readonly due?: string | number
    } & Held)
  | ({ readonly kind: "log"; readonly table: string; readonly position: number } & Held)
  | { readonly kind: "number"; readonly table: string; readonly key: string; readonly value: number }

export interface AuthLine {
  readonly kind: "auth"
  readonly type: string
  readonly id: string
  /** Base64. */
  readonly bytes: string
}

export interface EndLine {
  readonly kind: "end"
  /** Lines before this one. */
  readonly lines: number
  readonly counts: Readonly<Record<string, number>>
  /** Hex, over every byte before this line. */
  readonly sha256: string
}

const LAST_TIME = 8.64e15

export function recordLine(record: DumpedRecord): RecordLine {
  if (record.kind === "number") {
    const { kind, table, key, value } = record
    return { kind, table, key, value }
  }
  if (record.kind === "log") {
    const { kind, table, position, value } = record
    return { kind, table, position, ...held(value) }
  }
  const { kind, table, key, index, due, value } = record
  return {
    kind,
    table,
    key,
    ...(index === undefined ? {} : { index }),
    ...(due === undefined ? {} : { due: dueText(due) }),
    ...held(value),
  }
}

/** What a record line stands for; throws a TypeError for one that no export has written. */
export function recordOf(line: Readonly<Record<string, unknown>>): DumpedRecord {
  const { kind, table, key } = line
  if (typeof table !== "string") throw new TypeError("A record names its table")
  if (kind === "log") {
    if (!Number.isSafeInteger(line["position"])) throw new TypeError("A log record has a position")
    return { kind, table, position: Number(line["position"]), value: bytesOf(line) }
  }
  if (typeof key !== "string") throw new TypeError("A record has a key")
  if (kind === "number") {
    if (!Number.isSafeInteger(line["value"])) throw new TypeError("A number is a whole one")
    return { kind, table, key, value: Number(line["value"]) }
  }
  const { index, due } = line
  return {
    kind: "row",
    table,
    key,
    version: 1,
    value: bytesOf(line),
    ...(index === undefined ? {} : { index: textsOf(index) }),
    ...(due === undefined ? {} : { due: dueOf(due) }),
  }
}

/** Readable only where the very same bytes can be made of it again. */
function held(bytes: Uint8Array): Held {
  if (bytes[0] === RECORD_VERSION && bytes[1] === Format.value) {
    try {
      const value: unknown = decodeRecord(bytes)
      if (same(encodeRecord(value), bytes)) return { value: toJson(value) }
    } catch {
      // Bytes that only begin like a record; they are given as they are.
    }
  }
  return { bytes: toBase64(bytes) }
}

function bytesOf(line: Readonly<Record<string, unknown>>): Uint8Array {
  if ("bytes" in line) return fromBase64(line["bytes"])
  if (!("value" in line)) throw new TypeError("A record has a value")
  return encodeRecord(fromJson(line["value"]))
}

function dueText(due: number): string | number {
  return Number.isInteger(due) && Math.abs(due) <= LAST_TIME ? new Date(due).toISOString() : String(due)
}

function dueOf(due: unknown): number {
  const at = typeof due === "string" && due.includes("T") ? Date.parse(due) : Number(due)
  if (Number.isNaN(at)) throw new TypeError("`due` is a time")
  return at
}

function textsOf(index: unknown): Record<string, string> {
  if (typeof index !== "object" || index === null) throw new TypeError("`index` holds texts by name")
  const entries = Object.entries(index).map(([name, text]: [string, unknown]) => {
    if (typeof text !== "string") throw new TypeError("`index` holds texts by name")
    return [name, text] as const
  })
  return Object.fromEntries(entries)
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
