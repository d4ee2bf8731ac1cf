import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import process from "node:process"
import { open, type RootDatabase } from "lmdb"
import { appError } from "../../../core/errors.ts"

/** The little that the ledger needs of LMDB: bytes to bytes, in order, groups of writes that are there or not. */
export interface Engine {
  get(key: Buffer): Buffer | undefined
  /** Entries with `low` <= key < `high`, at most `limit`; the snapshot is closed when it returns. */
  range(low: Buffer, high: Buffer, limit: number, reverse?: boolean): Entry[]
  /** All or nothing, durable when it resolves. */
  write(writes: Iterable<EngineWrite>): Promise<void>
  close(): Promise<void>
}

export interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

export interface EngineWrite {
  readonly key: Buffer
  readonly value: Buffer | null
}

interface FailedCommit extends Error {
  readonly commitError?: Promise<unknown>
}

/** Opens the environment in `folder`. `durable: false` leaves out the flush and exists for controls in tests. */
export function openEngine(folder: string, durable: boolean): Engine {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  const db: RootDatabase<Buffer, Buffer> = open({
    path: folder,
    encoding: "binary",
    keyEncoding: "binary",
    // A commit that resolves has been flushed: LMDB's own order of data, flush, meta page. The overlapping kind resolves
    // before the flush, and its promise of the flush stays open for ever when a commit fails.
    overlappingSync: false,
    noSync: !durable,
    maxReaders: 126,
    // Groups are made here. Batching by turn adds a promise of its own, which nobody has, and which a failed commit
    // rejects: that would end the process.
    eventTurnBatching: false,
  })
  // The engine makes its files readable to everybody.
  for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o600)
  if (durable) syncNames(folder, made)
  let closed = false

  function check(): void {
    if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The ledger is closed") })
  }

  return {
    get(key) {
      check()
      return guarded(() => db.getBinary(key))
    },

    range(low, high, limit, reverse = false) {
      check()
      if (limit < 1 || Buffer.compare(low, high) >= 0) return []
      const bounds = reverse
        ? { start: high, exclusiveStart: true, end: low, inclusiveEnd: true }
        : { start: low, end: high }
      return guarded(() => {
        const entries: Entry[] = []
        // Read to the end or to the limit at once: a cursor that stays open keeps the engine from reusing pages.
        for (const { key, value } of db.getRange({ ...bounds, limit, reverse })) {
          entries.push({ key: Buffer.from(key), value: Buffer.from(value) })
        }
        return entries
      })
    },

    async write(writes) {
      check()
      try {
        await db.batch(() => {
          for (const { key, value } of writes) {
            if (value === null) void db.remove(key)
            else void db.put(key, value)
          }
        })
      } catch (error) {
        throw unavailable(error)
      }
      db.resetReadTxn()
    },

    async close() {
      if (closed) return
      closed = true
      await db.close()
    },
  }
}

/** The engine syncs what is in its files, not that the files are there. */
function syncNames(folder: string, made: string | undefined): void {
  // There folders cannot be synced, and need not be.
  if (process.platform === "win32") return
  const top = dirname(resolve(made ?? join(folder, "data")))
  for (let at = resolve(folder); ; at = dirname(at)) {
    const file = openSync(at, "r")
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (at === top) break
  }
}

function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw unavailable(error)
  }
}

function unavailable(error: unknown): Error {
  // The engine rejects a second promise with what the system said. Nobody would handle it, and the process would end.
  const detail = (error as FailedCommit).commitError
  detail?.catch(() => undefined)
  return appError("STORAGE_UNAVAILABLE", { cause: error })
}
