import type { Clock, Timer } from "../../../core/clock.ts"
import { isAppError, toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"

/**
 * Waits for a store that fails: tries again until it answers. WhatsApp keeps what is not acknowledged, so waiting loses
 * nothing, while an error handed to the library would be answered to WhatsApp as if the message were bad.
 */
export interface Endurance {
  /** Runs until it succeeds. Rejects only when the line has ended, or for an error that no waiting heals. */
  run<T>(operation: () => Promise<T>): Promise<T>
  /** Tells the line of a fault that no waiting heals, found outside of `run`. */
  hopeless(error: Error): void
  /** Ends all waiting; whatever is running then rejects. */
  end(cause: Error): void
  readonly ended: boolean
}

export interface EnduranceOptions {
  readonly clock: Clock
  readonly log: Logger
  /** How long one operation may take, tries included, before `onExhausted`. */
  readonly limitMs: number
  /** A store has been unusable for `limitMs`. Called once. */
  onExhausted(): void
  /** Damage, a lost lease: nothing that trying again could heal. Called once. */
  onHopeless(error: Error): void
}

const HOPELESS = new Set(["CREDENTIALS_DAMAGED", "FENCED", "RECORD_SEALED"])
const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 2000

export function createEndurance(options: EnduranceOptions): Endurance {
  const { clock } = options
  const stop = new AbortController()
  const running = new Set<{ readonly since: number; reject(cause: Error): void }>()
  let watch: Timer | undefined
  let told = false

  function tellOnce(tell: () => void): void {
    if (told || stop.signal.aborted) return
    told = true
    tell()
  }
  // One timer for all operations: a timer for each would cost more than the operations do.
  function look(): void {
    watch = undefined
    const [oldest] = running
    if (!oldest || stop.signal.aborted) return
    const left = oldest.since + options.limitMs - clock.monotonic()
    if (left <= 0) tellOnce(options.onExhausted)
    else watch = clock.after(left, look)
  }
  async function persist<T>(operation: () => Promise<T>): Promise<T> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        return await operation()
      } catch (thrown) {
        const error = toError(thrown)
        if (isAppError(error) && HOPELESS.has(error.code)) tellOnce(() => options.onHopeless(error))
        if (told || stop.signal.aborted) throw error
        options.log.warn({ error: error.message }, "the store failed; trying again")
      }
      await clock.sleep(wait, stop.signal)
    }
  }

  return {
    run<T>(operation: () => Promise<T>) {
      if (stop.signal.aborted) return Promise.reject(toError(stop.signal.reason))
      watch ??= clock.after(options.limitMs, look)
      // By hand instead of a race with one long-lived promise, which would hold on to every operation there ever was.
      return new Promise<T>((resolve, reject) => {
        const entry = { since: clock.monotonic(), reject }
        running.add(entry)
        persist(operation)
          .then(resolve, reject)
          .finally(() => running.delete(entry))
      })
    },
    hopeless(error) {
      tellOnce(() => options.onHopeless(error))
    },
    end(cause) {
      stop.abort(cause)
      watch?.cancel()
      watch = undefined
      for (const entry of running) entry.reject(cause)
    },
    get ended() {
      return stop.signal.aborted
    },
  }
}

/**
 * Runs something that the library asked for. Once the line has ended it never settles: an error would be answered to
 * WhatsApp as if the message were bad, and with that it would be lost.
 */
export async function forLibrary<T>(endurance: Endurance, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (thrown) {
    if (isAppError(thrown)) endurance.hopeless(thrown)
    if (endurance.ended) return new Promise<T>(() => undefined)
    throw thrown
  }
}
