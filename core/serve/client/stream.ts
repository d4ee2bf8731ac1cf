import { openStream, unreachable } from "./attempt.ts"
import { SwitchboardError } from "./error.ts"
import type { Settings } from "./options.ts"
import { createSseReader, type SseMessage, type SseReader } from "./sse.ts"
import { backoff, reasonOf, type Timing } from "./timing.ts"

/** A code to scan or type, shown live to keys with the scope `session`, and never stored. */
export interface LiveCode {
  readonly type: "session.qr.code" | "session.pairing-code.code"
  readonly data: {
    readonly attempt: number
    readonly maxAttempts: number
    readonly expiresAt: string
    readonly qr?: string
    readonly pairingCode?: string
  }
}

export interface StreamTarget {
  readonly path: string
  /** Of the first connection; those after it go on where it was. */
  readonly query: object | undefined
  readonly signal: AbortSignal | undefined
}

/** The server says something every 15 s; a connection silent for this long is dead. */
const SILENCE_MS = 45_000
const RECONNECT_MS = 3_000
const LONGEST_MS = 30_000

/**
 * The events of a path, each once and in order. A connection that ends is made anew from the last event on, for as long
 * as somebody reads; the first one has the client's number of retries. Rejects when the server refuses, and with the
 * signal's reason.
 */
export async function* streamEvents<T>(
  settings: Settings,
  timing: Timing,
  { path, query, signal }: StreamTarget,
): AsyncGenerator<T, void, void> {
  let lastEventId: string | undefined
  let retryMs = RECONNECT_MS
  let opened = false
  for (let failures = 0; ; ) {
    const connection = connect(timing, signal)
    const reader = createSseReader()
    try {
      const target = { path, query: lastEventId === undefined ? query : undefined, lastEventId }
      const response = await openStream(settings, target, connection.signal)
      opened = true
      failures = 0
      yield* readEvents<T>(response, reader, connection)
    } catch (thrown) {
      if (signal?.aborted === true) throw reasonOf(signal)
      if (!(thrown instanceof SwitchboardError) || !thrown.isRetryable) throw thrown
      failures++
      if (!opened && failures > settings.retries) throw thrown
    } finally {
      connection.end()
    }
    // All that was read has been handed out, also where it broke off.
    lastEventId = reader.lastId ?? lastEventId
    retryMs = reader.retryMs ?? retryMs
    const wait = opened ? Math.max(retryMs, backoff(failures, timing.random())) : backoff(failures, timing.random())
    await timing.sleep(Math.min(wait, LONGEST_MS), signal)
  }
}

async function* readEvents<T>(
  response: Response,
  reader: SseReader,
  connection: ReturnType<typeof connect>,
): AsyncGenerator<T, void, void> {
  if (response.body === null) return
  const decoder = new TextDecoder()
  const bytes = response.body.getReader()
  for (;;) {
    const { done, value } = await bytes.read().catch((thrown: unknown) => {
      throw unreachable(thrown)
    })
    if (done) return
    connection.alive()
    for (const message of reader.push(decoder.decode(value, { stream: true }))) yield read<T>(message)
  }
}

/** An event as the log has it; a code, which no log has, comes under its type. */
function read<T>({ event, data }: SseMessage): T {
  try {
    const value = JSON.parse(data) as { readonly type?: unknown }
    // What it is stands in the route's schema, from which T was made.
    return (value.type === undefined ? { type: event, data: value } : value) as T
  } catch (cause) {
    const message = "The stream is not one of Switchboard"
    throw new SwitchboardError({ code: "UNEXPECTED_ANSWER", status: 200, message, cause })
  }
}

/** One connection, which ends with the caller's signal, or when nothing is heard for too long. */
function connect(timing: Timing, outer: AbortSignal | undefined) {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  if (outer?.aborted === true) abort()
  outer?.addEventListener("abort", abort, { once: true })
  let cancel = timing.after(SILENCE_MS, abort)
  return {
    signal: controller.signal,
    alive() {
      cancel()
      cancel = timing.after(SILENCE_MS, abort)
    },
    end() {
      cancel()
      outer?.removeEventListener("abort", abort)
      abort()
    },
  }
}
