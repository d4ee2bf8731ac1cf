import { appError } from "../../../core/errors.ts"

/**
 * Stored records: one format byte, then the payload, so that a later version can tell what it reads. A byte that is not
 * known is damage, never absence: absence would start a new identity.
 */
export const RAW = 1
export const JSON_TEXT = 2

const BYTES_TAG = "$bytes"
const text = new TextEncoder()

/** Bytes as they are, in memory of their own: a slice of a pooled slab would keep the whole slab alive. */
export function encodeRaw(payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(payload.length + 1)
  record[0] = RAW
  record.set(payload, 1)
  return record
}

export function decodeRaw(record: Uint8Array, what: string): Uint8Array {
  if (record[0] !== RAW) throw damaged(what)
  return record.subarray(1)
}

/** Plain data whose byte arrays survive. */
export function encodeJson(value: unknown): Uint8Array {
  const payload = text.encode(JSON.stringify(mark(value)))
  const record = new Uint8Array(payload.length + 1)
  record[0] = JSON_TEXT
  record.set(payload, 1)
  return record
}

/** Byte arrays come back as Buffers: the library calls Buffer's methods on them. */
export function decodeJson(record: Uint8Array, what: string): unknown {
  if (record[0] !== JSON_TEXT) throw damaged(what)
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(record.subarray(1)), revive)
  } catch (cause) {
    throw damaged(what, cause)
  }
}

export function damaged(what: string, cause?: unknown): Error {
  return appError("CREDENTIALS_DAMAGED", { message: `The stored record ${what} is damaged`, cause })
}

/** Walks own properties only: `toJSON` of a protobuf object would turn its bytes into bare strings. */
function mark(value: unknown): unknown {
  if (value instanceof Uint8Array) return { [BYTES_TAG]: Buffer.from(value).toString("base64") }
  if (Array.isArray(value)) return value.map(mark)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mark(inner)]))
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !(BYTES_TAG in value)) return value
  const encoded = value[BYTES_TAG]
  return typeof encoded === "string" ? Buffer.from(encoded, "base64") : value
}
