import { fromUtf8, utf8 } from "../../../core/records/utf8.ts"

/** What stands in the engine for a row: its version, what it is due at, its index texts, and the value. */
export interface StoredRow {
  readonly version: number
  readonly due: number | undefined
  /** By number of the index name. */
  readonly index: readonly IndexText[]
  /** The key, when it was too long to be read back from the physical one. */
  readonly longKey: string | undefined
  readonly value: Uint8Array
}

export interface IndexText {
  readonly index: number
  readonly text: string
}

const HAS_DUE = 1
const HAS_KEY = 2

export function encodeRow(row: StoredRow): Buffer {
  const texts = row.index.map(({ text }) => utf8(text))
  const key = row.longKey === undefined ? undefined : utf8(row.longKey)
  let size = 8 + row.value.length
  if (row.due !== undefined) size += 8
  for (const text of texts) size += 4 + text.length
  if (key !== undefined) size += 2 + key.length

  const bytes = Buffer.allocUnsafe(size)
  bytes[0] = (row.due === undefined ? 0 : HAS_DUE) | (key === undefined ? 0 : HAS_KEY)
  bytes.writeUIntBE(row.version, 1, 6)
  bytes[7] = texts.length
  let at = 8
  if (row.due !== undefined) at = bytes.writeDoubleBE(row.due, at)
  for (const [position, text] of texts.entries()) {
    at = bytes.writeUInt16BE(row.index[position]?.index ?? 0, at)
    at = writeShort(bytes, text, at)
  }
  if (key !== undefined) at = writeShort(bytes, key, at)
  bytes.set(row.value, at)
  return bytes
}

export function decodeRow(bytes: Buffer): StoredRow {
  const flags = bytes[0] ?? 0
  const version = bytes.readUIntBE(1, 6)
  const count = bytes[7] ?? 0
  let at = 8
  let due: number | undefined
  if ((flags & HAS_DUE) !== 0) {
    due = bytes.readDoubleBE(at)
    at += 8
  }
  const index: IndexText[] = []
  for (let left = count; left > 0; left--) {
    const name = bytes.readUInt16BE(at)
    const text = shortText(bytes, at + 2)
    index.push({ index: name, text: text.text })
    at = text.end
  }
  let longKey: string | undefined
  if ((flags & HAS_KEY) !== 0) {
    const key = shortText(bytes, at)
    longKey = key.text
    at = key.end
  }
  return { version, due, index, longKey, value: plain(bytes, at) }
}

/** A number kept by `increment`, with its key when that is not in the physical one. */
export function encodeNumber(value: number, longKey: string | undefined): Buffer {
  const key = longKey === undefined ? new Uint8Array() : utf8(longKey)
  const bytes = Buffer.allocUnsafe(8 + key.length)
  bytes.writeDoubleBE(value)
  bytes.set(key, 8)
  return bytes
}

export function decodeNumber(bytes: Buffer): { value: number; longKey: string | undefined } {
  return { value: bytes.readDoubleBE(0), longKey: bytes.length > 8 ? fromUtf8(bytes.subarray(8)) : undefined }
}

/** A view that is no Buffer: callers are promised a Uint8Array. */
export function plain(bytes: Buffer, from = 0): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, bytes.length - from)
}

function writeShort(target: Buffer, bytes: Uint8Array, at: number): number {
  const start = target.writeUInt16BE(bytes.length, at)
  target.set(bytes, start)
  return start + bytes.length
}

function shortText(bytes: Buffer, at: number): { text: string; end: number } {
  const end = at + 2 + bytes.readUInt16BE(at)
  return { text: fromUtf8(bytes.subarray(at + 2, end)), end }
}
