import type { PluginContext, RecordChange } from "../../core/plugin.ts"
import { CHUNK, type Chunk, COLUMNS, type Kept, SLOTS } from "./series.ts"

/** The samples on disk, a chunk in each record. What fails here is told once, and tried again with what comes next. */
export interface SeriesRecords {
  load(): Promise<readonly Kept[]>
  /** Notes what `flush` will write. */
  changed(chunk: Chunk): void
  removed(slot: number): void
  /** Resolves when all that was noted before is on the disk, or has failed to get there. */
  flush(): Promise<void>
}

/** As it is kept: what the numbers mean stands beside them. */
interface ChunkRecord {
  readonly columns: readonly string[]
  /** Sample after sample, each number as eight bytes, the lowest first. */
  readonly values: Uint8Array
}

const WIDTH = COLUMNS.length
const NUMBER = Float64Array.BYTES_PER_ELEMENT
const READ_TOGETHER = 100
const keyOf = (slot: number): string => `series/${slot}`

export function createSeriesRecords({
  storage,
  log,
}: Pick<PluginContext<unknown, never>, "storage" | "log">): SeriesRecords {
  const records = storage.of("")
  /** By slot; undefined for a record that is to go. */
  let waiting = new Map<number, Chunk | undefined>()
  let flushing: Promise<void> | undefined
  let failing = false

  const write = async (): Promise<void> => {
    while (waiting.size > 0) {
      const now = waiting
      waiting = new Map()
      const changes = [...now].map(([slot, chunk]): RecordChange => {
        if (chunk === undefined) return { op: "delete", key: keyOf(slot) }
        return { op: "put", key: keyOf(slot), value: recordOf(chunk) }
      })
      try {
        await records.commit(changes)
        failing = false
      } catch (error) {
        // Memory has them all; what has been noted meanwhile is newer.
        waiting = new Map([...now, ...waiting])
        if (!failing) log.error({ error }, "Samples cannot be kept on the disk; they go on in memory")
        failing = true
        return
      }
    }
  }

  return {
    async load() {
      const found: Kept[] = []
      let damaged = 0
      const read = async (slot: number): Promise<void> => {
        try {
          const stored = await records.get(keyOf(slot))
          if (stored === undefined) return
          const values = parse(stored)
          if (values === undefined) damaged++
          else found.push({ slot, values })
        } catch {
          // Told below, with the others.
          damaged++
        }
      }
      for (let first = 0; first < SLOTS; first += READ_TOGETHER) {
        const slots = Array.from({ length: Math.min(READ_TOGETHER, SLOTS - first) }, (_, at) => first + at)
        await Promise.all(slots.map(read))
      }
      if (damaged > 0) log.error({ records: damaged }, "Some samples of the last day cannot be read; they are left out")
      return found
    },
    changed: (chunk) => void waiting.set(chunk.slot, chunk),
    removed: (slot) => void waiting.set(slot, undefined),
    flush() {
      flushing ??= write().finally(() => {
        flushing = undefined
      })
      return flushing
    },
  }
}

function recordOf({ count, values }: Chunk): ChunkRecord {
  const bytes = new Uint8Array(count * WIDTH * NUMBER)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < count * WIDTH; at++) view.setFloat64(at * NUMBER, values[at] ?? 0, true)
  return { columns: COLUMNS, values: bytes }
}

/** Undefined for anything that is not a record of ours. */
function parse(stored: unknown): Float64Array | undefined {
  if (typeof stored !== "object" || stored === null) return undefined
  const { columns, values: bytes } = stored as Partial<Readonly<Record<keyof ChunkRecord, unknown>>>
  if (!Array.isArray(columns) || columns.join() !== COLUMNS.join()) return undefined
  if (!(bytes instanceof Uint8Array) || bytes.length % (WIDTH * NUMBER) !== 0) return undefined
  if (bytes.length > CHUNK * WIDTH * NUMBER) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values = new Float64Array(bytes.length / NUMBER).map((_, at) => view.getFloat64(at * NUMBER, true))
  return values.every(Number.isFinite) ? values : undefined
}
