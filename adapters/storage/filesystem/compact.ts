import { encodeHead, FIRST_RECORD, type FrameHead, HEAD, joinFrame, readRecord } from "./frames.ts"
import { createPlaces, type Places, type Seeds } from "./places.ts"
import { journalDamaged } from "./scan.ts"

/** A journal of one frame: the head says that all of it has to be whole. */
export function wholeJournal(frame: Buffer): Buffer {
  return Buffer.concat([encodeHead({ whole: HEAD + frame.length }), frame])
}

/** The live records of a journal as a new one, without what they replaced. */
export function compactJournal(
  file: Buffer,
  places: Places,
  head: FrameHead,
  seeds: Seeds,
  name: string,
): { bytes: Buffer; places: Places } {
  const records: Buffer[] = []
  const moved = createPlaces(seeds)
  let at = HEAD + FIRST_RECORD
  for (const { offset, length } of places.all()) {
    const record = file.subarray(offset, offset + length)
    const read = record.length === length ? readRecord(record) : undefined
    if (read === undefined) throw journalDamaged(name, `the record at byte ${offset} is not readable`)
    records.push(record)
    moved.set(read.key, at, length)
    at += length
  }
  return { bytes: wholeJournal(joinFrame(head, records)), places: moved }
}
