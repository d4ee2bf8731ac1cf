import type { Clock, Timer } from "../../core/clock.ts"
import { toError } from "../../core/errors.ts"

/** The machine's own time. Runs on Node, Deno and in browsers alike. */
export function createClock(): Clock {
  /** Node and Deno keep a process alive for a timer unless told otherwise; a browser's timer is a number. */
  const release = (timer: unknown): void => {
    if (typeof timer === "object" && timer !== null && "unref" in timer) (timer as { unref(): void }).unref()
  }
  const after = (ms: number, task: () => void): Timer => {
    const timer = setTimeout(task, ms)
    release(timer)
    return { cancel: () => clearTimeout(timer) }
  }
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after,
    every(ms, task) {
      const timer = setInterval(task, ms)
      release(timer)
      return { cancel: () => clearInterval(timer) }
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(toError(signal.reason))
        const onAbort = (): void => {
          timer.cancel()
          reject(toError(signal?.reason))
        }
        const timer = after(ms, () => {
          signal?.removeEventListener("abort", onAbort)
          resolve()
        })
        signal?.addEventListener("abort", onAbort, { once: true })
      }),
  }
}
