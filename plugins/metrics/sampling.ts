import type { PluginContext } from "../../core/plugin.ts"
import type { Figures } from "./figures.ts"
import { createMarks } from "./marks.ts"
import { createSeries, type Metric, type Point } from "./series.ts"
import { createSeriesRecords } from "./series-records.ts"
import type { Zero } from "./zero.ts"

/** What has been sampled over time. */
export interface Sampling {
  /** Of the last `duration` ms, oldest first. */
  points(metric: Metric, duration: number): Point[]
  rate(windowMs: number): Rate
  /** Writes down what has been sampled, and ends. */
  stop(): Promise<void>
}

export interface Rate {
  readonly messagesPerSecond: number
  readonly messagesPerMinute: number
  /** Milliseconds. */
  readonly window: number
}

export type SamplingContext = Pick<
  PluginContext<unknown, never>,
  "monitor" | "storage" | "system" | "clock" | "log" | "background"
>

const MARK_MS = 1_000
const MINUTE_MS = 60_000
/** Samples that come faster are written together. */
const FLUSH_MS = 9_000
const MB = 1_048_576

/** Begins to sample, with what an earlier process has sampled. */
export async function startSampling(
  intervalMs: number,
  figures: Pick<Figures, "global">,
  zero: Pick<Zero, "house">,
  context: SamplingContext,
): Promise<Sampling> {
  const { monitor, clock, system, background, log } = context
  const marks = createMarks()
  const series = createSeries()
  const records = createSeriesRecords(context)
  for (const slot of series.restore(await records.load(), clock.now())) records.removed(slot)

  const messages = (): number => {
    const { sent, received } = monitor.totals()
    return sent + received
  }
  const first = messages()

  const mark = (): void => marks.note(clock.monotonic(), messages())

  /** How many were sent and received in the last `ms`. */
  const counted = (ms: number): number => {
    const before = marks.at(clock.monotonic() - ms) ?? series.messagesAt(clock.now() - ms) ?? first
    return Math.max(0, messages() - before)
  }

  let flushedAt = clock.monotonic() - FLUSH_MS
  const take = (): void => {
    const { messagesSent, messagesReceived, sessions, errors } = figures.global()
    const { failed } = zero.house(monitor.totals())
    const { chunk, dropped } = series.add({
      at: clock.now(),
      messagesSent,
      messagesReceived,
      messagesFailed: failed,
      messagesPerMinute: perMinute(counted, Math.max(intervalMs, MINUTE_MS)),
      errors: errors.total,
      activeSessions: sessions.active,
      memoryMb: round(system.resources().rss / MB, 2),
      messages: messages(),
    })
    for (const slot of dropped) records.removed(slot)
    records.changed(chunk)
    if (clock.monotonic() - flushedAt < FLUSH_MS) return
    flushedAt = clock.monotonic()
    background("samples", () => records.flush())
  }

  let failing = false
  const sample = (): void => {
    try {
      take()
      failing = false
    } catch (error) {
      // What the machine cannot tell, such as its memory without a free file handle, must not end the server.
      if (!failing) log.error({ error }, "No sample could be taken; the next ones are tried")
      failing = true
    }
  }

  mark()
  sample()
  const timers = [clock.every(MARK_MS, mark), clock.every(intervalMs, sample)]

  return {
    points: (metric, duration) => series.points(metric, clock.now(), duration),
    rate(windowMs) {
      const perSecond = (counted(windowMs) * MARK_MS) / windowMs
      return {
        messagesPerSecond: round(perSecond, 4),
        messagesPerMinute: perMinute(counted, windowMs),
        window: windowMs,
      }
    },
    async stop() {
      for (const timer of timers) timer.cancel()
      // Twice: one that is just ending does not write what has come since.
      await records.flush()
      await records.flush()
    },
  }
}

const perMinute = (counted: (ms: number) => number, windowMs: number): number =>
  round((counted(windowMs) * MINUTE_MS) / windowMs, 2)

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals
  return Math.round(value * scale) / scale
}
