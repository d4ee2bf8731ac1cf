import type { Write } from "../../../core/store.ts"
import { recordBytes } from "./objects.ts"

/** What changed since the last object, each record once, in memory that has a bound. */
export interface Waiting {
  readonly size: number
  /** Keeps a copy. False when that would be too much: then nothing is kept any more. */
  add(writes: readonly Write[]): boolean
  /** Everything, and nothing is left. */
  take(): Write[]
}

/** Where a value is: one piece of memory for each commit, since one for each record would cost far more. */
interface Piece {
  readonly commit: Uint8Array
  readonly start: number
  readonly end: number
}

export function createWaiting(most: number): Waiting {
  let pieces = new Map<string, Piece | null>()
  /** Bytes of all commits that have come in: those that were replaced since may still be held by a neighbour. */
  let bytes = 0

  function clear(): void {
    pieces = new Map()
    bytes = 0
  }

  return {
    get size() {
      return pieces.size
    },
    add(writes) {
      let size = 0
      for (const write of writes) {
        size += write.value?.length ?? 0
        bytes += recordBytes(write)
      }
      if (bytes > most) {
        clear()
        return false
      }
      const commit = Buffer.allocUnsafe(size)
      let start = 0
      for (const { key, value } of writes) {
        if (value === null) pieces.set(key, null)
        else {
          commit.set(value, start)
          pieces.set(key, { commit, start, end: start + value.length })
          start += value.length
        }
      }
      return true
    },
    take() {
      const writes = Array.from(pieces, ([key, piece]): Write => {
        return { key, value: piece && piece.commit.subarray(piece.start, piece.end) }
      })
      clear()
      return writes
    },
  }
}
