import type { Clock } from "../clock.ts"

/**
 * The order in which things happened here: microseconds since the epoch, each given once, so that a burst within one
 * millisecond has an order, too, and a clock that is set back turns nothing round.
 */
export interface Sequence {
  next(): number
  /** Later ones come behind `number`. */
  raise(number: number): void
}

const PER_MS = 1_000
const DIGITS = 16

export function createSequence(clock: Clock): Sequence {
  let last = 0
  return {
    next() {
      last = Math.max(last + 1, clock.now() * PER_MS)
      return last
    },
    raise(number) {
      last = Math.max(last, number)
    },
  }
}

/** As text that sorts like the number. */
export function orderText(order: number): string {
  return String(order).padStart(DIGITS, "0")
}

/** The first place in the order that a time can have. */
export function orderAt(time: number): number {
  return Math.max(0, time) * PER_MS
}

/** When something came to its place in the order, epoch ms. */
export function orderTime(text: string): number {
  return Number(text) / PER_MS
}
