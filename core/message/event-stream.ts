import type { Clock } from "../clock.ts"
import type { Events, LiveCode, Subscription } from "../events.ts"
import type { LineEvent, Principal } from "../types.ts"

export interface StreamOptions {
  readonly company: string
  /** The last position the client has; undefined: from now on. */
  readonly after: number | undefined
  /** The client may see QR texts and pairing codes. */
  readonly codes: boolean
  /** Codes that are shown just now. */
  readonly current: readonly LiveCode[]
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
  /** Hears when the client may see no more; gives how to stop hearing. */
  readonly onEnd?: Principal["onEnd"]
}

const HEARTBEAT_MS = 15_000
/** A client that has taken nothing for so long has vanished without a word. */
const STUCK_MS = 60_000
const PAGE = 100
/** What the runtime holds for a slow client before it is waited for. */
const AHEAD = 16

/**
 * A company's events as server-sent events: what the log holds after `after`, then what happens, each once and in order,
 * since both come from the log. Codes are shown live, without an id. Throws TOO_MANY_LISTENERS.
 */
export async function openEventStream(
  events: Events,
  clock: Clock,
  options: StreamOptions,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const { company, codes } = options
  // Subscribed before the end of the log is read: what comes in between is then known to be there.
  const subscription = events.subscribe(company, { codes })
  let tail: number
  try {
    tail = await events.tail(company)
  } catch (thrown) {
    subscription.close()
    throw thrown
  }
  const after = Math.min(options.after ?? tail, tail)
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    createSource(events, clock, options, subscription, after, tail),
    new CountQueuingStrategy({ highWaterMark: AHEAD }),
  )
}

function createSource(
  events: Events,
  clock: Clock,
  { company, codes, current, signal, onEnd }: StreamOptions,
  subscription: Subscription,
  after: number,
  tail: number,
): UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  let position = after
  let takenAt = clock.now()
  let closed = false
  let roomFor: (() => void) | undefined
  let heartbeat = { cancel: (): void => undefined }
  let unhear = (): void => undefined

  const close = (): void => {
    if (closed) return
    closed = true
    heartbeat.cancel()
    unhear()
    signal.removeEventListener("abort", close)
    subscription.close()
    roomFor?.()
  }

  const write = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>, text: string): void => {
    if (!closed) controller.enqueue(encoder.encode(text))
  }

  const room = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> => {
    while (!closed && (controller.desiredSize ?? 0) <= 0) {
      await new Promise<void>((resolve) => {
        roomFor = resolve
      })
    }
  }

  const run = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> => {
    let known = tail
    for (;;) {
      while (!closed && position < Math.max(known, subscription.latest)) {
        const batch = await events.read(company, position, PAGE)
        if (batch.length === 0) break
        for (const event of batch) {
          await room(controller)
          write(controller, eventText(event))
          position = event.position
        }
      }
      known = 0
      for (const code of subscription.takeCodes()) {
        await room(controller)
        write(controller, codeText(code))
      }
      if (closed || subscription.over || events.stopped.aborted) return
      await subscription.changed()
    }
  }

  return {
    start(controller) {
      signal.addEventListener("abort", close, { once: true })
      const end = (): void => {
        if (closed) return
        close()
        controller.close()
      }
      if (signal.aborted) return end()
      unhear = onEnd?.(end) ?? unhear
      // Named before anything has happened, so that a client cut off until then misses nothing of it.
      write(controller, `id: ${after}\nretry: 3000\n\n`)
      if (codes) for (const code of current) write(controller, codeText(code))
      heartbeat = clock.every(HEARTBEAT_MS, () => {
        if ((controller.desiredSize ?? 0) > 0) return write(controller, ": heartbeat\n\n")
        if (clock.now() - takenAt < STUCK_MS) return
        close()
        controller.error(new Error("The client takes nothing any more"))
      })
      void run(controller).then(
        () => {
          const wasOpen = !closed
          close()
          if (wasOpen) controller.close()
        },
        (thrown: unknown) => {
          const wasOpen = !closed
          close()
          // The client reconnects with Last-Event-ID and goes on where it was.
          if (wasOpen) controller.error(thrown)
        },
      )
    },
    pull() {
      takenAt = clock.now()
      roomFor?.()
      roomFor = undefined
    },
    cancel: close,
  }
}

function eventText(event: LineEvent): string {
  return `id: ${event.position}\nevent: ${event.type}\ndata: ${JSON.stringify(eventJson(event))}\n\n`
}

function codeText({ type, data }: LiveCode): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}

/** An event in an answer. */
export function eventJson({ id, position, type, companyId, timestamp, data }: LineEvent): Record<string, unknown> {
  return { id, position, type, companyId, timestamp: new Date(timestamp).toISOString(), data }
}
