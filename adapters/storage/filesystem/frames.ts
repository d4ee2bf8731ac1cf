import { crc32 } from "node:zlib"

/**
 * The bytes of a journal: a head, then frames. A frame is what one write put there, all of it or none of it, with a
 * checksum over the whole and one for each record, so that a record can be read alone.
 *
 * Only one frame is ever under way, and it is the last: a broken one with a whole one behind it was whole once.
 */

export const HEAD = 32
const FRAME_HEAD = 28
const RECORD_HEAD = 10
const DELETED = 0xffffffff
const JOURNAL = Buffer.from("SWJ1")
const FRAME = Buffer.from("SWF1")

export interface JournalHead {
  /** The file up to here was written before it got its name: nothing in it can be torn. */
  readonly whole: number
}

export interface FrameHead {
  /** 1 for the first write of a company, and one more for each. */
  readonly sequence: number
  readonly fence: number
}

export interface FrameRecord {
  readonly key: string
  /** Place of the record in the file. */
  readonly offset: number
  readonly length: number
  readonly deleted: boolean
}

export function encodeHead(head: JournalHead): Buffer {
  const bytes = Buffer.alloc(HEAD)
  bytes.set(JOURNAL)
  bytes.writeDoubleBE(head.whole, 4)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, HEAD - 4)), HEAD - 4)
  return bytes
}

export function decodeHead(bytes: Buffer): JournalHead | undefined {
  if (bytes.length < HEAD || !bytes.subarray(0, 4).equals(JOURNAL)) return undefined
  if (bytes.readUInt32BE(HEAD - 4) !== crc32(bytes.subarray(0, HEAD - 4))) return undefined
  return { whole: bytes.readDoubleBE(4) }
}

export interface RecordWrite {
  readonly key: string
  readonly value: Uint8Array | null
}

/** Size of a record in a frame. Keys are ASCII. */
export function recordSize({ key, value }: RecordWrite): number {
  return RECORD_HEAD + key.length + (value?.length ?? 0)
}

/** A frame, with the place of each of its records relative to the frame's beginning. */
export function encodeFrame(head: FrameHead, records: readonly RecordWrite[]): { bytes: Buffer; offsets: number[] } {
  let size = FRAME_HEAD
  for (const record of records) size += recordSize(record)
  const bytes = Buffer.allocUnsafe(size)
  const offsets: number[] = []
  let at = FRAME_HEAD
  for (const { key, value } of records) {
    offsets.push(at)
    bytes.writeUInt16BE(key.length, at)
    bytes.writeUInt32BE(value === null ? DELETED : value.length, at + 2)
    const start = at + RECORD_HEAD
    let end = start + bytes.write(key, start, "latin1")
    if (value !== null) {
      bytes.set(value, end)
      end += value.length
    }
    bytes.writeUInt32BE(crc32(bytes.subarray(start, end)), at + 6)
    at = end
  }
  sealFrame(bytes, head)
  return { bytes, offsets }
}

/** A frame of records as they stand in a file already. */
export function joinFrame(head: FrameHead, records: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(FRAME_HEAD), ...records])
  sealFrame(bytes, head)
  return bytes
}

function sealFrame(bytes: Buffer, head: FrameHead): void {
  bytes.set(FRAME)
  bytes.writeUInt32BE(bytes.length - FRAME_HEAD, 4)
  bytes.writeDoubleBE(head.sequence, 8)
  bytes.writeDoubleBE(head.fence, 16)
  bytes.writeUInt32BE(checksum(bytes), 24)
}

function checksum(frame: Uint8Array): number {
  return crc32(frame.subarray(FRAME_HEAD), crc32(frame.subarray(4, 24)))
}

export const FIRST_RECORD = FRAME_HEAD

export interface ScannedFrame extends FrameHead {
  readonly end: number
}

/** The frame that begins at `at`, when it is whole. */
export function frameAt(file: Buffer, at: number): ScannedFrame | undefined {
  if (at + FRAME_HEAD > file.length || !file.subarray(at, at + 4).equals(FRAME)) return undefined
  const end = at + FRAME_HEAD + file.readUInt32BE(at + 4)
  if (end > file.length) return undefined
  if (file.readUInt32BE(at + 24) !== checksum(file.subarray(at, end))) return undefined
  return { sequence: file.readDoubleBE(at + 8), fence: file.readDoubleBE(at + 16), end }
}

/** True when a whole frame with a higher sequence begins anywhere after `at`. */
export function laterFrame(file: Buffer, at: number, sequence: number): boolean {
  for (let next = file.indexOf(FRAME, at + 1); next >= 0; next = file.indexOf(FRAME, next + 1)) {
    const frame = frameAt(file, next)
    if (frame !== undefined && frame.sequence > sequence) return true
  }
  return false
}

/** The records of a whole frame. */
export function* recordsOf(file: Buffer, at: number, end: number): Generator<FrameRecord> {
  for (let offset = at + FRAME_HEAD; offset < end; ) {
    const keyLength = file.readUInt16BE(offset)
    const valueLength = file.readUInt32BE(offset + 2)
    const deleted = valueLength === DELETED
    const length = RECORD_HEAD + keyLength + (deleted ? 0 : valueLength)
    const start = offset + RECORD_HEAD
    yield { key: file.toString("latin1", start, start + keyLength), offset, length, deleted }
    offset += length
  }
}

/** Every record of a journal's frames up to `end`, in the order in which they were written. */
export function* recordsIn(file: Buffer, end: number): Generator<FrameRecord> {
  for (let frame = frameAt(file, HEAD), at = HEAD; frame !== undefined && frame.end <= end; frame = frameAt(file, at)) {
    yield* recordsOf(file, at, frame.end)
    at = frame.end
  }
}

/** Key and value of one record read alone; `undefined` when its checksum does not fit. */
export function readRecord(record: Buffer): { key: string; value: Buffer } | undefined {
  if (record.length < RECORD_HEAD) return undefined
  const split = RECORD_HEAD + record.readUInt16BE(0)
  if (split > record.length || record.readUInt32BE(6) !== crc32(record.subarray(RECORD_HEAD))) return undefined
  return { key: record.toString("latin1", RECORD_HEAD, split), value: record.subarray(split) }
}
