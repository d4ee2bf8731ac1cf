import { createHash } from "node:crypto"
import { utf8 } from "../../../core/records/utf8.ts"

/**
 * Physical keys. A company and a name are numbers, so that a key is short whatever the id is, and all that belongs to a
 * company lies in five ranges. Rows and index entries sort by the bytes of their text.
 */

const ROW = 0x52
const INDEX = 0x49
const LOG = 0x4c
const TAIL = 0x50
const NUMBER = 0x4e
const DUE = 0x44
const COMPANY = 0x43
const NAME = 0x54
const ERASED = 0x45

/** The engine ends at 1,978 bytes; an index entry holds a sort text and a key of this size each. */
const LONGEST = 960
const HASH_BYTES = 32

/** All ranges with records of a company, in the order in which they are erased. */
export const companyRanges = [ROW, INDEX, LOG, TAIL, NUMBER] as const
export const rowRange = ROW
export const logRange = LOG
export const numberRange = NUMBER

export function companyPrefix(range: number, company: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  key[0] = range
  key.writeUInt32BE(company, 1)
  return key
}

export function tablePrefix(range: number, company: number, table: number): Buffer {
  const key = Buffer.allocUnsafe(7)
  key[0] = range
  key.writeUInt32BE(company, 1)
  key.writeUInt16BE(table, 5)
  return key
}

/** The part of a key that a text gives: the text itself, or its beginning and a hash. Injective. */
export function keyPart(text: string): Uint8Array {
  const bytes = utf8(text)
  if (bytes.length < LONGEST) return bytes
  const part = Buffer.allocUnsafe(LONGEST)
  part.set(bytes.subarray(0, LONGEST - HASH_BYTES))
  part.set(createHash("sha256").update(bytes).digest(), LONGEST - HASH_BYTES)
  return part
}

/** True when the text cannot be read back from its key part. */
export function isHashed(part: Uint8Array): boolean {
  return part.length === LONGEST
}

/** What the key parts of all texts with this beginning begin with, as far as a hash leaves it whole. */
export function keyStart(text: string): Uint8Array {
  return utf8(text).subarray(0, LONGEST - HASH_BYTES)
}

export function rowKey(company: number, table: number, part: Uint8Array): Buffer {
  return join(tablePrefix(ROW, company, table), part)
}

export function rowPrefix(company: number, table: number): Buffer {
  return tablePrefix(ROW, company, table)
}

export function numberKey(company: number, table: number, part: Uint8Array): Buffer {
  return join(tablePrefix(NUMBER, company, table), part)
}

export function numberPrefix(company: number, table: number): Buffer {
  return tablePrefix(NUMBER, company, table)
}

export function tailKey(company: number, table: number): Buffer {
  return tablePrefix(TAIL, company, table)
}

export function logKey(company: number, table: number, position: number): Buffer {
  const key = Buffer.allocUnsafe(13)
  key.set(tablePrefix(LOG, company, table))
  key.writeUIntBE(position, 7, 6)
  return key
}

export function logPosition(key: Buffer): number {
  return key.readUIntBE(7, 6)
}

export function indexPrefix(company: number, table: number, index: number): Buffer {
  const key = Buffer.allocUnsafe(9)
  key.set(tablePrefix(INDEX, company, table))
  key.writeUInt16BE(index, 7)
  return key
}

/** Sort text as it stands in an index entry, without its end: NUL is doubled up, so that the end sorts before any byte. */
export function sortPart(text: string): Uint8Array {
  const bytes = utf8(text)
  if (!bytes.includes(0)) return bytes.length > LONGEST ? bytes.subarray(0, LONGEST) : bytes
  const escaped: number[] = []
  for (const byte of bytes) {
    escaped.push(byte)
    if (byte === 0) escaped.push(0xff)
  }
  return Uint8Array.from(escaped.slice(0, LONGEST))
}

export function indexKey(company: number, table: number, index: number, sort: string, part: Uint8Array): Buffer {
  return join(indexPrefix(company, table, index), sortPart(sort), Uint8Array.of(0, 0), part)
}

export function duePrefix(table: number): Buffer {
  return Buffer.of(DUE, table >> 8, table & 0xff)
}

/** First key after all entries of `table` that are due at `at`. */
export function dueEnd(table: number, at: number): Buffer {
  return after(join(duePrefix(table), sortableNumber(at)))
}

export function dueKey(table: number, at: number, company: number, part: Uint8Array): Buffer {
  const owner = Buffer.allocUnsafe(4)
  owner.writeUInt32BE(company)
  return join(duePrefix(table), sortableNumber(at), owner, part)
}

export function dueOwner(key: Buffer): { company: number; part: Buffer } {
  return { company: key.readUInt32BE(11), part: key.subarray(15) }
}

export function companyKey(company: number): Buffer {
  return companyPrefix(COMPANY, company)
}

export function erasedKey(company: number): Buffer {
  return companyPrefix(ERASED, company)
}

export function nameKey(name: number): Buffer {
  return Buffer.of(NAME, name >> 8, name & 0xff)
}

export const companyRegistry = Buffer.of(COMPANY)
export const erasedRegistry = Buffer.of(ERASED)
export const nameRegistry = Buffer.of(NAME)

/** First key after everything that begins with `prefix`. */
export function after(prefix: Uint8Array): Buffer {
  const end = Buffer.from(prefix)
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] ?? 0
    if (byte < 0xff) {
      end[at] = byte + 1
      return end.subarray(0, at + 1)
    }
  }
  return Buffer.alloc(LONGEST, 0xff)
}

export function join(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts)
}

/** Eight bytes that sort as the number does. */
function sortableNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(value)
  const negative = ((bytes[0] ?? 0) & 0x80) !== 0
  if (negative) for (let at = 0; at < 8; at++) bytes[at] = ~(bytes[at] ?? 0) & 0xff
  else bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}
