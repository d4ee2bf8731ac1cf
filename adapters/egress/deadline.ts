import type { Clock, Timer } from "../../core/clock.ts"
import { appError, toError } from "../../core/errors.ts"

/** The time one request has, to its last byte. */
export interface Deadline {
  /** Aborts when the time is over, with URL_TIMEOUT, or when the caller gives up, with the caller's reason. */
  readonly signal: AbortSignal
  /** Ms that are left. */
  left(): number
  after(ms: number, task: () => void): Timer
  end(): void
}

export function openDeadline(clock: Clock, ms: number, outer?: AbortSignal): Deadline {
  const over = new AbortController()
  const due = clock.monotonic() + ms
  const timer = clock.after(ms, () => over.abort(appError("URL_TIMEOUT")))
  const onOuter = (): void => over.abort(outer?.reason)
  if (outer?.aborted === true) onOuter()
  else outer?.addEventListener("abort", onOuter, { once: true })
  return {
    signal: over.signal,
    left: () => Math.max(0, due - clock.monotonic()),
    after: clock.after,
    end() {
      timer.cancel()
      outer?.removeEventListener("abort", onOuter)
    },
  }
}

/**
 * What `start` comes to, or the signal's reason, whichever is first. `start` gets what to call when the result is no
 * longer wanted.
 */
export function abortable<T>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(toError(signal.reason))
    let undo: (() => void) | undefined
    const onAbort = (): void => {
      undo?.()
      reject(toError(signal.reason))
    }
    const settled = (): void => signal.removeEventListener("abort", onAbort)
    signal.addEventListener("abort", onAbort, { once: true })
    undo = start(
      (value) => {
        settled()
        resolve(value)
      },
      (error) => {
        settled()
        reject(error)
      },
    )
  })
}
