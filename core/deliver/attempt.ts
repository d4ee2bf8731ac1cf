import type { Clock } from "../clock.ts"
import { type Egress, isUrlRefused } from "../egress.ts"
import { isAppError, toError } from "../errors.ts"
import type { Hooks } from "../hooks.ts"
import type { Logger } from "../log.ts"
import { utf8 } from "../records/utf8.ts"
import type { DeliveryAttempt, DeliveryChannel, DeliveryTarget } from "../views.ts"
import type { DeliveryRecord } from "./record.ts"
import { retryAfter } from "./schedule.ts"

/** What came of one try. */
export interface Outcome {
  readonly kind: "delivered" | "failed" | "gone" | "cancelled"
  readonly attempt: DeliveryAttempt
  /** Ms that the receiver asks for. */
  readonly asked?: number | undefined
  /** It asks for it not for this one alone. */
  readonly throttled?: boolean
}

export interface AttemptDeps {
  readonly egress: Egress
  readonly hooks: Pick<Hooks, "transform">
  readonly clock: Clock
  readonly log: Logger
  /** The company has been erased: nothing goes out for it any more. */
  isClosed(company: string): boolean
}

const TIMEOUT_MS = 15_000
const TARGET_MS = 10_000
const GONE = 410
/** It asks everybody to slow down. */
const THROTTLED: ReadonlySet<number> = new Set([429, 503])

/** Tries once. Rejects only with the signal's reason. */
export async function attempt(
  { egress, hooks, clock, log, isClosed }: AttemptDeps,
  company: string,
  record: DeliveryRecord,
  channel: DeliveryChannel,
  signal: AbortSignal,
): Promise<Outcome> {
  const at = clock.now()
  const { id, endpoint } = record
  const done = (kind: Outcome["kind"], status: number | null, error: DeliveryAttempt["error"]): Outcome => ({
    kind,
    attempt: { at, ms: Math.max(0, clock.now() - at), status, error },
  })

  let target: DeliveryTarget | undefined
  let headers: Readonly<Record<string, string>> = {}
  const timestamp = Math.floor(at / 1_000)
  const body = utf8(record.body)
  try {
    target = await inTime(clock, ask(channel, company, endpoint), signal)
    if (target !== undefined) {
      const { secrets } = target
      headers = await hooks.transform("webhook:sign", {}, { company, id, timestamp, body, secrets })
    }
  } catch (thrown) {
    signal.throwIfAborted()
    const error = toError(thrown).message
    log.warn({ company, plugin: record.channel, deliveryId: id, error }, "A delivery cannot be made ready")
    return done("failed", null, "internal")
  }
  signal.throwIfAborted()
  if (target === undefined || isClosed(company)) return done("cancelled", null, null)

  try {
    const answer = await egress.fetch(target.url, {
      method: "POST",
      body,
      headers: {
        "user-agent": "Switchboard",
        ...target.headers,
        ...headers,
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
      },
      trusted: target.trusted === true,
      anyPort: target.trusted === true,
      timeoutMs: TIMEOUT_MS,
      signal,
    })
    const { status } = answer
    if (status >= 200 && status < 300) return done("delivered", status, null)
    if (status === GONE) return done("gone", status, "status")
    const asked = retryAfter(answer.headers.get("retry-after"), clock.now())
    return { ...done("failed", status, "status"), asked, throttled: asked !== undefined && THROTTLED.has(status) }
  } catch (thrown) {
    signal.throwIfAborted()
    return done("failed", null, classOf(thrown))
  }
}

/** What a channel throws at once is a rejection as well. */
async function ask(channel: DeliveryChannel, company: string, endpoint: string): Promise<DeliveryTarget | undefined> {
  return channel.target({ company, endpoint })
}

function classOf(thrown: unknown): NonNullable<DeliveryAttempt["error"]> {
  if (isUrlRefused(thrown)) return thrown.fault.reason === "redirects" ? "redirect" : "url"
  if (!isAppError(thrown)) return "internal"
  if (thrown.code === "URL_TIMEOUT") return "timeout"
  if (thrown.code === "URL_UNREACHABLE") return "unreachable"
  return thrown.code === "URL_ANSWER_UNUSABLE" ? "answer" : "internal"
}

/** Rejects when it takes longer than a channel has, and with the signal's reason. */
export function inTime<T>(clock: Clock, promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(TARGET_MS, () => reject(new Error(`No answer within ${TARGET_MS} ms`)))
    const onAbort = (): void => reject(toError(signal.reason))
    signal.addEventListener("abort", onAbort, { once: true })
    promise.then(resolve, reject).finally(() => {
      timer.cancel()
      signal.removeEventListener("abort", onAbort)
    })
  })
}
