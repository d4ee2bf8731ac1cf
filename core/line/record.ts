import type { Clock } from "../clock.ts"
import { isErased } from "../company/guard.ts"
import { toError } from "../errors.ts"
import type { EventDraft, Events } from "../events.ts"
import type { Ledger, Op, Placement, Row } from "../ledger.ts"
import type { Logger } from "../log.ts"
import type { FaultInfo, LineUser, Restriction, SessionState } from "../types.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"

/** What is kept of a line over restarts, beside its credentials. */
export interface LineRecord {
  /** It was connected and nobody ended it: it comes back by itself. */
  readonly wanted: boolean
  /** Its credentials are complete. */
  readonly linked: boolean
  readonly state: SessionState
  /** Credentials that are worthless and still have to be erased. */
  readonly erase: boolean
  readonly user: LineUser | null
  readonly lastActivity: number | null
  readonly lastError: (FaultInfo & { readonly at: number }) | null
  readonly restriction: (Restriction & { readonly since: number }) | null
  /** When a pairing began that has not been finished. */
  readonly pairingSince: number | null
}

export const newRecord: LineRecord = {
  wanted: false,
  linked: false,
  state: "idle",
  erase: false,
  user: null,
  lastActivity: null,
  lastError: null,
  restriction: null,
  pairingSince: null,
}

export const SESSION_TABLE = "session"
const KEY = "line"

export function placeRecord(record: LineRecord, unfinishedKeptMs: number): Placement {
  const placement = { table: SESSION_TABLE, key: KEY, value: encodeRecord(record) }
  return record.pairingSince === null ? placement : { ...placement, due: record.pairingSince + unfinishedKeptMs }
}

export async function loadRecord(ledger: Ledger, company: string): Promise<LineRecord | undefined> {
  const [row]: (Row | undefined)[] = await ledger.get(company, SESSION_TABLE, [KEY])
  return row && decodeRecord<LineRecord>(row.value, `session of ${company}`)
}

/** Writes a line's changes in order, one commit each; a ledger that fails is waited for. */
export interface LineJournal {
  /** `notes` go into the same commit; none of them may be a condition. */
  write(record: LineRecord, drafts: readonly EventDraft[], afterwards?: () => void, notes?: readonly Op[]): void
  /** Removes the record. Rejects when the ledger fails. */
  remove(): Promise<void>
  /** Resolves with true when everything written so far is durable, or after `ms` with false. */
  flush(ms: number): Promise<boolean>
  /** Gives up waiting for a ledger that fails. */
  stop(): void
}

interface Entry {
  readonly record: LineRecord
  readonly drafts: readonly EventDraft[]
  readonly afterwards: (() => void) | undefined
  readonly notes: readonly Op[]
}

/** Changes that wait for a ledger that is down; of more than these the oldest go, since the newest tell the state. */
const WAITING = 200
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000

export interface JournalDeps {
  readonly company: string
  readonly ledger: Ledger
  readonly events: Events
  readonly clock: Clock
  readonly log: Logger
  readonly unfinishedKeptMs: number
}

export function createLineJournal(deps: JournalDeps): LineJournal {
  const { company, ledger, events, clock, log, unfinishedKeptMs } = deps
  const waiting: Entry[] = []
  const stopped = new AbortController()
  let running: Promise<void> | undefined
  /** Of the row: nobody else writes to it as long as the line is in memory. */
  let version: number | undefined
  /** The last commit seemed to fail, and may have got through. */
  let doubtful = false

  const store = async ({ record, notes, drafts }: Entry): Promise<void> => {
    if (version === undefined || doubtful) {
      const [row]: (Row | undefined)[] = await ledger.get(company, SESSION_TABLE, [KEY])
      const before = version
      version = row?.version ?? 0
      const done = doubtful && before !== undefined && version > before
      doubtful = false
      // What it counts must not count twice.
      if (done) return
    }
    doubtful = true
    await events.commit(company, [{ op: "put", ...placeRecord(record, unfinishedKeptMs) }, ...notes], drafts)
    doubtful = false
    version++
  }

  const drain = async (): Promise<void> => {
    let delay = FIRST_RETRY_MS
    for (let entry = waiting[0]; entry !== undefined && !stopped.signal.aborted; entry = waiting[0]) {
      try {
        await store(entry)
        if (waiting[0] === entry) waiting.shift()
        delay = FIRST_RETRY_MS
        entry.afterwards?.()
      } catch (thrown) {
        if (isErased(thrown)) {
          waiting.length = 0
          break
        }
        log.warn({ company, error: toError(thrown).message }, "A session change could not be stored; trying again")
        // The sleep ends early only when the line is given up; the loop's condition sees that.
        await clock.sleep(delay, stopped.signal).catch(() => undefined)
        delay = Math.min(LAST_RETRY_MS, delay * 2)
      }
    }
    running = undefined
  }

  return {
    write(record, drafts, afterwards, notes = []) {
      waiting.push({ record, drafts, afterwards, notes })
      if (waiting.length > WAITING) {
        // The one in front may be on its way to the disk.
        const [gone] = waiting.splice(1, 1)
        const next = waiting[1]
        if (gone !== undefined && next !== undefined) waiting[1] = { ...next, notes: inherit(gone.notes, next.notes) }
        log.warn({ company }, "Session changes were not stored: the ledger has been failing for long")
      }
      running ??= drain()
    },
    async remove() {
      await running
      version = undefined
      await events.commit(company, [{ op: "delete", table: SESSION_TABLE, key: KEY }], [])
    },
    async flush(ms) {
      if (running === undefined) return waiting.length === 0
      const limit = new AbortController()
      const late = clock.sleep(ms, limit.signal).then(
        () => false,
        () => true,
      )
      const done = await Promise.race([running.then(() => waiting.length === 0), late])
      limit.abort()
      return done
    },
    stop: () => stopped.abort(),
  }
}

/** What a change has counted that is left out itself goes with the one after it; the rest of its notes goes with it. */
function inherit(gone: readonly Op[], notes: readonly Op[]): readonly Op[] {
  const all = [...notes]
  for (const op of gone) {
    if (op.op !== "increment") continue
    const at = all.findIndex((one) => one.op === "increment" && one.table === op.table && one.key === op.key)
    const same = all[at]
    if (same?.op === "increment") all[at] = { ...same, by: same.by + op.by }
    else all.push(op)
  }
  return all
}
