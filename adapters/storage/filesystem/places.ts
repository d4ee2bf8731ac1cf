/**
 * Where each record of a company stands in its journal, in one packed array: a linked company has more than 800 records
 * that are hardly ever read, and a Map of them would weigh ten times as much. A key is known by 64 bits of hash, seeded
 * anew in each process; the record itself holds the key, and whoever reads it compares.
 */
export interface Places {
  get(key: string): Place | undefined
  set(key: string, offset: number, length: number): void
  delete(key: string): void
  all(): Place[]
  /** Bytes that the records take in the file. */
  bytes(): number
}

export interface Place {
  readonly offset: number
  readonly length: number
}

/** Words of an entry: two of hash, offset, length. A length of 0 marks a free one. */
const WORDS = 4
const SMALLEST = 16
const FULL = 0.85
const GROWTH = 1.15

/** Two random 32-bit numbers, so that nobody outside can choose keys that meet. */
export type Seeds = readonly [number, number]

export function createPlaces(seeds: Seeds): Places {
  let table = new Uint32Array(SMALLEST * WORDS)
  let count = 0
  let bytes = 0

  /** Slot of a hash, or the free one where it belongs. */
  function find(high: number, low: number): number {
    const slots = table.length / WORDS
    let slot = low % slots
    for (;;) {
      const at = slot * WORDS
      if (table[at + 3] === 0 || (table[at] === high && table[at + 1] === low)) return at
      slot = slot + 1 === slots ? 0 : slot + 1
    }
  }

  function resize(slots: number): void {
    const old = table
    table = new Uint32Array(slots * WORDS)
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 3] === 0) continue
      const to = find(old[at] ?? 0, old[at + 1] ?? 0)
      table.set(old.subarray(at, at + WORDS), to)
    }
  }

  /** Closes the gap, so that no search ends before what it looks for. */
  function free(at: number): void {
    const slots = table.length / WORDS
    let gap = at / WORDS
    for (let slot = (gap + 1) % slots; table[slot * WORDS + 3] !== 0; slot = (slot + 1) % slots) {
      const home = (table[slot * WORDS + 1] ?? 0) % slots
      const stays = gap <= slot ? gap < home && home <= slot : gap < home || home <= slot
      if (stays) continue
      table.copyWithin(gap * WORDS, slot * WORDS, slot * WORDS + WORDS)
      gap = slot
    }
    table.fill(0, gap * WORDS, gap * WORDS + WORDS)
  }

  return {
    get(key) {
      const at = find(hash(key, seeds[0], 0x9e3779b1), hash(key, seeds[1], 0x27d4eb2f))
      const length = table[at + 3] ?? 0
      return length === 0 ? undefined : { offset: table[at + 2] ?? 0, length }
    },
    set(key, offset, length) {
      if (count + 1 > (table.length / WORDS) * FULL) resize(Math.ceil((table.length / WORDS) * GROWTH))
      const high = hash(key, seeds[0], 0x9e3779b1)
      const low = hash(key, seeds[1], 0x27d4eb2f)
      const at = find(high, low)
      const before = table[at + 3] ?? 0
      if (before === 0) count++
      bytes += length - before
      table[at] = high
      table[at + 1] = low
      table[at + 2] = offset
      table[at + 3] = length
    },
    delete(key) {
      const at = find(hash(key, seeds[0], 0x9e3779b1), hash(key, seeds[1], 0x27d4eb2f))
      const before = table[at + 3] ?? 0
      if (before === 0) return
      count--
      bytes -= before
      free(at)
    },
    all() {
      const places: Place[] = []
      for (let at = 0; at < table.length; at += WORDS) {
        const length = table[at + 3] ?? 0
        if (length > 0) places.push({ offset: table[at + 2] ?? 0, length })
      }
      return places.sort((a, b) => a.offset - b.offset)
    },
    bytes: () => bytes,
  }
}

function hash(key: string, seed: number, factor: number): number {
  let value = seed
  for (let at = 0; at < key.length; at++) {
    value = Math.imul(value ^ key.charCodeAt(at), factor)
    value ^= value >>> 15
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
