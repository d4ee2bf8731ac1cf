import { between } from "./marks.ts"

/** What is sampled. `at` is epoch ms; `messages` are all that were ever sent and received, whatever was reset since. */
export const COLUMNS = [
  "at",
  "messagesSent",
  "messagesReceived",
  "messagesFailed",
  "messagesPerMinute",
  "errors",
  "activeSessions",
  "memoryMb",
  "messages",
] as const

export const METRICS = [
  "messagesSent",
  "messagesReceived",
  "messagesFailed",
  "messagesPerMinute",
  "errors",
  "activeSessions",
  "memoryMb",
] as const satisfies readonly (typeof COLUMNS)[number][]

export type Metric = (typeof METRICS)[number]
export type Sample = Readonly<Record<(typeof COLUMNS)[number], number>>

export interface Point {
  /** Epoch ms. */
  readonly timestamp: number
  readonly value: number
}

/** Samples that lie together, in memory and on disk. */
export interface Chunk {
  /** Its place on disk. */
  readonly slot: number
  count: number
  /** Sample after sample, each with its columns in order. */
  readonly values: Float64Array
}

/** Samples as they were found on disk: one after the other, each with its columns in order. */
export interface Kept {
  readonly slot: number
  readonly values: Float64Array
}

/** The samples of the last 24 hours, and never more than one a second of them. */
export interface Series {
  /** Takes in samples that were kept, each lot with its place. Returns the places of those that are too old. */
  restore(kept: readonly Kept[], now: number): readonly number[]
  /** The chunk that it has come into, and the places of those that had to go for it. */
  add(sample: Sample): { readonly chunk: Chunk; readonly dropped: readonly number[] }
  /** Of the last `duration` ms, oldest first. */
  points(metric: Metric, now: number, duration: number): Point[]
  /** How many messages there had been by then; before the first sample: by that one. Undefined without any. */
  messagesAt(moment: number): number | undefined
}

export const DAY_MS = 86_400_000
export const CHUNK = 60
/** One sample a second for a day, and the chunk that is being filled. */
export const SLOTS = DAY_MS / 1_000 / CHUNK + 1

const WIDTH = COLUMNS.length
const AT = COLUMNS.indexOf("at")
const MESSAGES = COLUMNS.indexOf("messages")

const isRecent = (at: number, now: number): boolean => at <= now && at > now - DAY_MS

export function createSeries(slots = SLOTS): Series {
  let chunks: Chunk[] = []

  const value = ({ values }: Chunk, row: number, column: number): number => values[row * WIDTH + column] ?? 0
  const newest = (chunk: Chunk): number => value(chunk, chunk.count - 1, AT)

  const freeSlot = (): number => {
    const taken = new Set(chunks.map(({ slot }) => slot))
    let slot = 0
    while (taken.has(slot)) slot++
    return slot
  }

  const begin = (slot: number): Chunk => {
    const chunk = { slot, count: 0, values: new Float64Array(CHUNK * WIDTH) }
    chunks.push(chunk)
    return chunk
  }

  const write = (chunk: Chunk, sample: Sample): void => {
    for (const [at, column] of COLUMNS.entries()) chunk.values[chunk.count * WIDTH + at] = sample[column]
    chunk.count++
  }

  return {
    restore(kept, now) {
      const fresh = kept
        .map(({ slot, values }) => ({ slot, rows: rowsOf(values).filter((row) => isRecent(row[AT] ?? 0, now)) }))
        .filter(({ rows }) => rows.length > 0)
        .sort((a, b) => (a.rows[0]?.[AT] ?? 0) - (b.rows[0]?.[AT] ?? 0))
        .slice(-slots)
      for (const { slot, rows } of fresh) {
        const chunk = begin(slot)
        for (const row of rows.slice(0, CHUNK)) chunk.values.set(row, chunk.count++ * WIDTH)
      }
      const taken = new Set(fresh.map(({ slot }) => slot))
      return kept.map(({ slot }) => slot).filter((slot) => !taken.has(slot))
    },

    add(sample) {
      const last = chunks.at(-1)
      const dropped: number[] = []
      if (last === undefined || last.count === CHUNK) {
        const stay = new Set(chunks.filter((chunk) => newest(chunk) > sample.at - DAY_MS).slice(-(slots - 1)))
        dropped.push(...chunks.filter((chunk) => !stay.has(chunk)).map(({ slot }) => slot))
        chunks = [...stay]
        begin(freeSlot())
      }
      const chunk = chunks.at(-1) as Chunk
      write(chunk, sample)
      return { chunk, dropped }
    },

    points(metric, now, duration) {
      const found: Point[] = []
      const column = COLUMNS.indexOf(metric)
      let rising = true
      for (const chunk of chunks) {
        for (let row = 0; row < chunk.count; row++) {
          const timestamp = value(chunk, row, AT)
          if (timestamp <= now - duration || timestamp > now) continue
          if ((found.at(-1)?.timestamp ?? 0) > timestamp) rising = false
          found.push({ timestamp, value: value(chunk, row, column) })
        }
      }
      // Only a clock that was set back brings them out of order.
      return rising ? found : found.sort((a, b) => a.timestamp - b.timestamp)
    },

    messagesAt(moment) {
      let before: { readonly at: number; readonly messages: number } | undefined
      for (const chunk of chunks) {
        for (let row = 0; row < chunk.count; row++) {
          const sample = { at: value(chunk, row, AT), messages: value(chunk, row, MESSAGES) }
          if (sample.at > moment) {
            if (before === undefined) return sample.messages
            return between(moment, before.at, before.messages, sample.at, sample.messages)
          }
          before = sample
        }
      }
      return before?.messages
    },
  }
}

function rowsOf(values: Float64Array): Float64Array[] {
  return Array.from({ length: Math.floor(values.length / WIDTH) }, (_, row) =>
    values.subarray(row * WIDTH, (row + 1) * WIDTH),
  )
}
