import { appError } from "../../../core/errors.ts"
import { decodeHead, frameAt, HEAD, laterFrame, recordsOf } from "./frames.ts"
import { createPlaces, type Places, type Seeds } from "./places.ts"

/** What a journal says: where its records are, who may write next, and where the next frame goes. */
export interface Scanned {
  readonly places: Places
  /** Keys of the credentials, which are few. */
  readonly credentials: Set<string>
  readonly sequence: number
  readonly fence: number
  /** End of the last whole frame; what follows it is torn and was never acknowledged. */
  readonly end: number
}

/** Records of this kind are kept a second time beside the journal. */
export function isCredential(key: string): boolean {
  return key.startsWith("creds/")
}

/** Reads a whole journal. Throws CREDENTIALS_DAMAGED for anything but an unfinished last frame. */
export function scanJournal(file: Buffer, seeds: Seeds, name: string): Scanned {
  const head = decodeHead(file)
  if (head === undefined) throw journalDamaged(name, "its head is not readable")
  const places = createPlaces(seeds)
  const credentials = new Set<string>()
  let sequence = 0
  let fence = 0
  let at = HEAD
  for (;;) {
    const frame = frameAt(file, at)
    if (frame === undefined || frame.sequence <= sequence) break
    for (const { key, offset, length, deleted } of recordsOf(file, at, frame.end)) {
      if (deleted) places.delete(key)
      else places.set(key, offset, length)
      if (!isCredential(key)) continue
      if (deleted) credentials.delete(key)
      else credentials.add(key)
    }
    sequence = frame.sequence
    fence = Math.max(fence, frame.fence)
    at = frame.end
  }
  if (at < head.whole) throw journalDamaged(name, `the part that was written as a whole breaks off at byte ${at}`)
  if (at < file.length && laterFrame(file, at, sequence))
    throw journalDamaged(name, `the write at byte ${at} is not readable`)
  return { places, credentials, sequence, fence, end: at }
}

/** The cause says where; what a caller sees says only that the credentials are damaged. */
export function journalDamaged(name: string, why: string): Error {
  return appError("CREDENTIALS_DAMAGED", { cause: new Error(`${name} is damaged: ${why}`) })
}
