import { clearTimeout, setTimeout } from "node:timers"
import type { EventLoopWatch } from "../../core/system.ts"

const EVERY_MS = 20
/** The latest 80 seconds or so. */
const KEPT = 4_096

/**
 * By a timer and how late it comes. The histogram of `node:perf_hooks` forgets the turn in which it is read, and under
 * Deno 2 it misses whatever holds up the loop right after one of its own timers.
 */
export function watchEventLoop(): EventLoopWatch {
  const delays = new Float64Array(KEPT)
  let count = 0
  let max = 0
  let due = 0
  let timer: NodeJS.Timeout

  const arm = (): void => {
    due = performance.now() + EVERY_MS
    timer = setTimeout(turn, EVERY_MS).unref()
  }
  const turn = (): void => {
    const delay = Math.max(0, performance.now() - due)
    delays[count++ % KEPT] = delay
    if (delay > max) max = delay
    arm()
  }
  arm()

  return {
    read() {
      const sorted = delays.slice(0, Math.min(count, KEPT)).sort()
      const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
      const delay = { p50: at(0.5), p99: at(0.99), max }
      count = 0
      max = 0
      return delay
    },
    stop: () => clearTimeout(timer),
  }
}
