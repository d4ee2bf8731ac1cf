import { createAttempt } from "./attempt.ts"
import { SwitchboardError } from "./error.ts"
import type { Settings } from "./options.ts"
import type { Caller, ClientRequest } from "./request.ts"
import { streamEvents } from "./stream.ts"
import { backoff, type Timing } from "./timing.ts"

/** Between looks at whether the first request under an Idempotency-Key has ended. */
const IN_PROGRESS_MS = 1_000

/** Refusals that come before anything is done. */
const NOTHING_DONE: ReadonlySet<string> = new Set(["SERVER_BUSY", "SHUTTING_DOWN", "RATE_LIMIT_EXCEEDED"])

export function createCaller(settings: Settings, timing: Timing): Caller {
  /** How long to wait before another attempt, in ms; undefined when there is to be none. */
  const waitBefore = (retry: number, request: ClientRequest, error: SwitchboardError): number | undefined => {
    if (retry > settings.retries || !mayRepeat(request, error)) return undefined
    if (error.retryAfter === undefined) return backoff(retry, timing.random())
    const asked = error.retryAfter * 1_000
    return asked <= settings.longestWaitMs ? asked : undefined
  }

  return {
    async call<T>(request: ClientRequest, options: Parameters<Caller["call"]>[1] = {}): Promise<T> {
      const key = request.repeat === "keyed" ? (options.idempotencyKey ?? makeKey()) : undefined
      const attempt = createAttempt(settings, timing, request, { ...options, key })
      const patience = options.timeoutMs ?? settings.timeoutMs
      let firstSeenRunning: number | undefined
      for (let retry = 1; ; ) {
        try {
          // What it is stands in the route's schema, from which T was made.
          return (await attempt.run()) as T
        } catch (thrown) {
          if (!(thrown instanceof SwitchboardError)) throw thrown
          let wait: number | undefined
          if (key !== undefined && thrown.code === "IDEMPOTENCY_IN_PROGRESS") {
            firstSeenRunning ??= timing.now()
            wait = timing.now() - firstSeenRunning < patience ? IN_PROGRESS_MS : undefined
          } else {
            wait = waitBefore(retry++, request, thrown)
          }
          if (wait === undefined) throw thrown
          await timing.sleep(wait, options.signal)
        }
      }
    },
    stream: (path, query, options) => streamEvents(settings, timing, { path, query, signal: options?.signal }),
  }
}

/** Whether the same call cannot do twice what it does. */
function mayRepeat({ repeat }: ClientRequest, { code, status, isRetryable }: SwitchboardError): boolean {
  if (!isRetryable || code === "TOO_MANY_ATTEMPTS") return false
  if (repeat !== "refused") return status === 0 || status === 429 || status >= 502
  return NOTHING_DONE.has(code)
}

/** 128 random bits. Not `randomUUID`, which browsers have on https pages alone. */
function makeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
