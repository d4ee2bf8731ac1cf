import { decode, Encoder } from "@msgpack/msgpack"
import { appError } from "../errors.ts"

/** Value codec: a record is one byte of version, one of format, then what the format says. */

export const RECORD_VERSION = 1
const HEAD = 2
const DEEPEST = 64

/** Second byte of a record. */
export const Format = {
  /** MessagePack. */
  value: 0x01,
  /** Bytes that mean something to whoever wrote them. */
  bytes: 0x02,
  /** Like `bytes`, after the true id of a record whose key is a hash. */
  named: 0x03,
  /** Ciphertext; inside is a record of another format. */
  sealed: 0x10,
} as const

/** One for all records: a new one each time would cost 2 KB of garbage a record. What it gives is copied at once. */
const encoder = new Encoder({ ignoreUndefined: true, maxDepth: DEEPEST })

/** A record of any JSON-like value; Uint8Array at any depth stays one; `undefined` properties are left out, as in JSON. */
export function encodeRecord(value: unknown): Uint8Array {
  const packed = encoder.encodeSharedRef(value)
  const record = new Uint8Array(HEAD + packed.length)
  record[0] = RECORD_VERSION
  record[1] = Format.value
  record.set(packed, HEAD)
  return record
}

/**
 * The value of a record made by `encodeRecord`. `name` says which record it is in the error.
 * Throws RECORD_SEALED for a record that is still sealed, RECORD_DAMAGED for one that cannot be read.
 */
export function decodeRecord<T>(bytes: Uint8Array, name = "A record"): T {
  const format = formatOf(bytes, name)
  if (format !== Format.value) throw damaged(name, `format ${format} holds no value`)
  try {
    // Bytes inside the value are views of what is decoded: a copy makes them independent of the record.
    return decode(Uint8Array.prototype.slice.call(bytes, HEAD)) as T
  } catch (cause) {
    throw damaged(name, "it cannot be read", cause)
  }
}

/** The format byte of a record; throws as `decodeRecord` does. */
export function formatOf(bytes: Uint8Array, name: string): number {
  if (bytes.length < 2) throw damaged(name, "it is too short")
  if (bytes[0] !== RECORD_VERSION) throw damaged(name, `version ${bytes[0]} is not known here`)
  if (bytes[1] === Format.sealed) throw appError("RECORD_SEALED", { cause: new Error(`${name} is sealed`) })
  return bytes[1] ?? 0
}

export function damaged(name: string, why: string, cause?: unknown): Error {
  return appError("RECORD_DAMAGED", { cause: new Error(`${name} is damaged: ${why}`, { cause }) })
}
