const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 8_000

/** Time, as the client needs it. */
export interface Timing {
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** Rejects with the signal's reason as soon as that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs a task once; gives how to call it off. */
  after(ms: number, task: () => void): () => void
  /** From 0 to 1, 1 excluded. */
  random(): number
}

export const platformTiming: Timing = {
  now: () => performance.now(),
  random: () => Math.random(),
  after(ms, task) {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  },
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(reasonOf(signal))
      const onAbort = (): void => {
        clearTimeout(timer)
        if (signal !== undefined) reject(reasonOf(signal))
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort)
        resolve()
      }, ms)
      signal?.addEventListener("abort", onAbort, { once: true })
    })
  },
}

/** Why a signal was aborted, as an Error; `abort` takes all kinds of values. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new DOMException(String(reason), "AbortError")
}

/** Milliseconds: doubles from time to time, by chance up to a half less, so that many clients do not come back at once. */
export function backoff(retry: number, chance: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** (retry - 1), LONGEST_WAIT_MS) * (0.5 + chance / 2)
}
