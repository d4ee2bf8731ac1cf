import { createHash } from "node:crypto"
import { appError } from "../../../core/errors.ts"
import type { Write } from "../../../core/store.ts"

/**
 * The bytes of an object: magic and version, a head as JSON, the records, and a checksum over all of it. The head says
 * where the object belongs, so that one that was put in another's place is noticed.
 */

export interface ObjectHead {
  readonly company: string
  readonly name: string
  /** Highest fence that has written to the company. */
  readonly fence: number
  /** Names of the objects that this one builds on, in their order. Only in heads of a generation. */
  readonly base?: readonly string[]
}

export interface DecodedObject {
  readonly head: ObjectHead
  readonly records: readonly Write[]
}

const MAGIC = "SWO"
const VERSION = 1
const START = 8
const CHECKSUM = 32
const RECORD_HEAD = 6
const DELETED = 0xffffffff

/** Keys are ASCII. */
export function encodeObject(head: ObjectHead, records: readonly Write[]): Uint8Array {
  const json = Buffer.from(JSON.stringify(head))
  let size = START + json.length + CHECKSUM
  for (const record of records) size += recordBytes(record)
  const bytes = Buffer.allocUnsafeSlow(size)
  bytes.write(MAGIC, 0, "latin1")
  bytes[MAGIC.length] = VERSION
  bytes.writeUInt32BE(json.length, 4)
  bytes.set(json, START)
  let at = START + json.length
  for (const { key, value } of records) {
    bytes.writeUInt16BE(key.length, at)
    bytes.writeUInt32BE(value === null ? DELETED : value.length, at + 2)
    at += RECORD_HEAD
    at += bytes.write(key, at, "latin1")
    if (value !== null) {
      bytes.set(value, at)
      at += value.length
    }
  }
  bytes.set(checksum(bytes.subarray(0, at)), at)
  return bytes
}

/** Bytes that a record takes in an object. */
export function recordBytes({ key, value }: Write): number {
  return RECORD_HEAD + key.length + (value?.length ?? 0)
}

/** Throws CREDENTIALS_DAMAGED, with the object's name, for anything but what was written there. */
export function decodeObject(company: string, name: string, object: Uint8Array): DecodedObject {
  const bytes = Buffer.from(object.buffer, object.byteOffset, object.length)
  const end = bytes.length - CHECKSUM
  if (end < START || bytes.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw objectDamaged(company, name, "it is cut")
  if (!checksum(bytes.subarray(0, end)).equals(bytes.subarray(end))) {
    throw objectDamaged(company, name, "its checksum does not fit")
  }
  if (bytes[MAGIC.length] !== VERSION) throw objectDamaged(company, name, "it is of another version")
  const first = START + bytes.readUInt32BE(4)
  const head = JSON.parse(bytes.toString("utf8", START, first)) as ObjectHead
  if (head.company !== company || head.name !== name) {
    throw objectDamaged(company, name, `it is ${head.company}/${head.name}`)
  }
  const records: Write[] = []
  for (let at = first; at < end; ) {
    const keyEnd = at + RECORD_HEAD + bytes.readUInt16BE(at)
    const length = bytes.readUInt32BE(at + 2)
    const key = bytes.toString("latin1", at + RECORD_HEAD, keyEnd)
    at = keyEnd + (length === DELETED ? 0 : length)
    records.push({ key, value: length === DELETED ? null : object.slice(keyEnd, at) })
  }
  return { head, records }
}

/** The cause says which object; what a caller sees says only that the credentials are damaged. */
export function objectDamaged(company: string, name: string, why: string): Error {
  return appError("CREDENTIALS_DAMAGED", { cause: new Error(`The object ${company}/${name} is damaged: ${why}`) })
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest()
}
