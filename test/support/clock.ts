import type { Clock, Timer } from "../../core/clock.ts"

/** Time under the test's control: nothing passes until `advance` is called. */
export interface TestClock extends Clock {
  /**
   * Moves time on by `ms`. Every timer that falls due runs in order, at its own time, and what it set going is given the
   * turns it needs before the next one runs. A task's throw comes out of here.
   */
  advance(ms: number): Promise<void>
  /** Lets promises and immediate I/O settle without moving time. */
  settle(): Promise<void>
  /** Timers that are armed now; 0 at the end of a test means that nothing was left behind. */
  readonly armed: number
}

interface Armed {
  due: number
  readonly order: number
  readonly every: number | undefined
  readonly task: () => void
}

/** Turns of the event loop that a chain of promises gets; far more than the longest chain in the house. */
const TURNS = 20

export function createTestClock(start = Date.UTC(2026, 0, 1)): TestClock {
  const armed = new Set<Armed>()
  let now = start
  let order = 0

  const arm = (ms: number, task: () => void, every?: number): Timer => {
    const entry: Armed = { due: now + Math.max(0, ms), order: order++, every, task }
    armed.add(entry)
    return { cancel: () => void armed.delete(entry) }
  }

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  const earliest = (limit: number): Armed | undefined => {
    let first: Armed | undefined
    for (const entry of armed) {
      if (entry.due > limit) continue
      if (first === undefined || entry.due < first.due || (entry.due === first.due && entry.order < first.order))
        first = entry
    }
    return first
  }

  return {
    now: () => now,
    monotonic: () => now - start,
    after: (ms, task) => arm(ms, task),
    every: (ms, task) => arm(ms, task, Math.max(1, ms)),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error)
        const onAbort = (): void => {
          timer.cancel()
          reject(signal?.reason as Error)
        }
        const timer = arm(ms, () => {
          signal?.removeEventListener("abort", onAbort)
          resolve()
        })
        signal?.addEventListener("abort", onAbort, { once: true })
      }),
    async advance(ms) {
      const target = now + ms
      await settle()
      for (let next = earliest(target); next !== undefined; next = earliest(target)) {
        now = Math.max(now, next.due)
        if (next.every === undefined) armed.delete(next)
        else next.due += next.every
        next.task()
        await settle()
      }
      now = target
    },
    settle,
    get armed() {
      return armed.size
    },
  }
}
