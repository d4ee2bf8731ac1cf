import type { Clock } from "../../../core/clock.ts"

/**
 * Spares a server that is away, and its callers the wait: after several failures in a row everything fails at once for a
 * while, then one request is let through to see.
 */
export interface Breaker {
  /** False: do not even ask. True: ask, and tell how it went. */
  enter(): boolean
  /** The server answered, whatever it said. */
  answered(): void
  failed(): void
}

const FAILURES = 5
const REST_MS = 2_000

export function createBreaker(clock: Pick<Clock, "monotonic">): Breaker {
  let failures = 0
  let closedUntil = 0
  return {
    enter() {
      if (failures < FAILURES) return true
      const now = clock.monotonic()
      if (now < closedUntil) return false
      // The next one waits until this one has come back, or has taken too long over it.
      closedUntil = now + REST_MS
      return true
    },
    answered() {
      failures = 0
    },
    failed() {
      failures++
      if (failures >= FAILURES) closedUntil = clock.monotonic() + REST_MS
    },
  }
}
