import { createHash } from "node:crypto"
import { AwsV4Signer } from "aws4fetch"
import type { Clock } from "../../../core/clock.ts"
import { isAppError, toError } from "../../../core/errors.ts"
import { createBreaker } from "./breaker.ts"
import type { S3Settings } from "./config.ts"
import { type Answer, isPassing, unavailable } from "./faults.ts"

export interface Call {
  readonly method: "GET" | "PUT" | "DELETE" | "POST"
  /** Relative to the bucket, unencoded; "" is the bucket itself. */
  readonly key: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Default 4. */
  readonly tries?: number
  /** For one try; otherwise what the options say. */
  readonly timeoutMs?: number
  /** Goes through although the server seems to be away. */
  readonly insists?: boolean
}

/** Signed requests to one bucket. */
export interface Client {
  /**
   * Any answer that is not passing by itself, read to its end. Rejects with STORAGE_UNAVAILABLE when there was none after
   * several tries, or at once while the server is known to be away.
   */
  send(call: Call): Promise<Answer>
  /** Nothing is sent any more, nor tried again. */
  end(): void
}

export interface ClientTools {
  readonly clock: Clock
  readonly fetch?: (url: URL, init: RequestInit) => Promise<Response>
}

interface Attempt {
  readonly answer?: Answer
  readonly failure?: Error
  /** There was no connection, or none to the end. */
  readonly broken?: boolean
}

const TRIES = 4
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000
/** More at once only wait in the server's queue instead of ours. */
const AT_ONCE = 64

export function createClient(settings: S3Settings, { clock, fetch = globalThis.fetch }: ClientTools): Client {
  const { base, prefix, region, accessKeyId, secretAccessKey } = settings
  /** Of signing keys, which stay the same for a day. */
  const cache = new Map<string, ArrayBuffer>()
  const breaker = createBreaker(clock)
  const ended = new AbortController()
  let running = 0
  const queue: (() => void)[] = []

  async function once({ method, key, query, headers, body, timeoutMs = settings.timeoutMs }: Call): Promise<Answer> {
    const url = new URL(key === "" ? base : `${base}/${encodeKey(prefix + key)}`)
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
    const digest = createHash("sha256")
      .update(body ?? "")
      .digest("hex")
    const signer = new AwsV4Signer({
      ...{ accessKeyId, secretAccessKey, region, service: "s3", cache, method },
      url: url.toString(),
      headers: { ...headers, "x-amz-content-sha256": digest },
    })
    const signed = await signer.sign()
    const response = await fetch(signed.url, {
      method,
      headers: signed.headers,
      body: (body ?? null) as Uint8Array<ArrayBuffer> | null,
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "manual",
    })
    return {
      status: response.status,
      headers: response.headers,
      body: new Uint8Array(await response.arrayBuffer()),
    }
  }

  /** One try. A passing refusal and no answer at all are the same to the breaker. */
  async function attempt(call: Call): Promise<Attempt> {
    if (call.insists !== true && !breaker.enter()) throw unavailable(new Error("S3 has not answered for a while"))
    try {
      const answer = await once(call)
      if (!isPassing(answer) || answer.status === 409) breaker.answered()
      else breaker.failed()
      if (!isPassing(answer)) return { answer }
      return { answer, failure: new Error(`S3 answered ${call.method} with ${answer.status}`) }
    } catch (error) {
      breaker.failed()
      const { name } = toError(error)
      return {
        failure: new Error(`S3 did not answer ${call.method}: ${reasonOf(error)}`),
        broken: name !== "TimeoutError",
      }
    }
  }

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= AT_ONCE) await new Promise<void>((resolve) => queue.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) running--
      else next()
    }
  }

  return {
    end: () => ended.abort(),

    async send(call) {
      if (ended.signal.aborted) throw unavailable(new Error("The store is closed"))
      const tries = call.tries ?? TRIES
      for (let tried = 1; ; tried++) {
        const { answer, failure, broken = false } = await turn(() => attempt(call))
        if (answer !== undefined && failure === undefined) return answer
        if (tried >= tries || ended.signal.aborted) throw unavailable(failure ?? new Error("S3 did not answer"))
        // A server may close a connection that has been idle just when it is used again: that is no reason to wait.
        if (broken && tried === 1) continue
        // Cut short by the end of the store: what follows is the last try.
        await clock.sleep(waitBefore(tried, answer, clock.now()), ended.signal).catch(() => undefined)
      }
    },
  }
}

/** Full jitter, so that many who failed together do not come back together; at least what the server asks for. */
function waitBefore(tried: number, answer: Answer | undefined, now: number): number {
  const jitter = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tried)
  const asked = answer?.headers.get("retry-after")
  if (asked === null || asked === undefined) return jitter
  const seconds = /^\d{1,6}$/.test(asked) ? Number(asked) : (Date.parse(asked) - now) / 1_000
  return Math.max(jitter, Math.min(LONGEST_WAIT_MS, Number.isNaN(seconds) ? 0 : seconds * 1_000))
}

function encodeKey(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/")
}

/** What undici says is "fetch failed"; why stands in the cause. */
function reasonOf(error: unknown): string {
  if (isAppError(error)) return error.message
  const { name, message, cause } = toError(error)
  if (name === "TimeoutError") return "timed out"
  return cause instanceof Error && cause.message !== "" ? cause.message : message
}
