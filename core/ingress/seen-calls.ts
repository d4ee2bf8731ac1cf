import type { Clock } from "../clock.ts"
import type { Ledger, Op, Placement } from "../ledger.ts"
import type { Ids } from "../message/ids.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { Verified } from "../stages.ts"

/** What is remembered of a call from another system. */
export interface SeenCall {
  /** What it asked for. */
  readonly type: string
  /** The message that came of it, if one did. */
  readonly messageId: string | null
}

/** A call that is being worked on, and is none that was seen before. */
export interface Ticket {
  /** Remembers it; the first operation is the condition that nobody else has in the meantime. */
  claim(call: SeenCall): readonly Op[]
  /** Remembers it without a condition. */
  note(call: SeenCall): readonly Op[]
  /** What is remembered, taken back. */
  readonly undo: readonly Op[]
  /** It is remembered: its repeats need not wait for its answer. */
  noted(): void
  /** The work is over. */
  end(): void
}

/** The memory of calls from other systems, by which a repeat is known. */
export interface SeenCalls {
  /**
   * The call as it was seen, or a ticket for working on it; as long as somebody has one, others with the same id wait.
   * Without an id nothing is waited for and nothing remembered.
   */
  begin(company: string, verified: Verified): Promise<{ readonly seen: SeenCall } | { readonly ticket: Ticket }>
  /** Forgets those whose time is over. */
  sweep(): Promise<void>
}

interface CallRow extends SeenCall {
  readonly until: number
}

const TABLE = "call"
const SWEPT_AT_ONCE = 500
/** A time stamp may be five minutes ahead and is good for five minutes after: the memory of it must not end before. */
const LEAST_MS = 11 * 60 * 1000

/** `forgetful` is for tests alone, which want to see what the memory is for. */
export function createSeenCalls(ledger: Ledger, clock: Clock, ids: Ids, forgetful = false): SeenCalls {
  /** Calls that are being worked on, each with what resolves when it is remembered or over. */
  const running = new Map<string, Promise<void>>()

  const ticketOf = (keys: readonly string[], version: number, rememberMs: number, release: () => void): Ticket => {
    const places = (call: SeenCall): readonly Placement[] => {
      const until = clock.now() + Math.max(LEAST_MS, rememberMs)
      const value = encodeRecord({ ...call, until } satisfies CallRow)
      return keys.map((key) => ({ table: TABLE, key, value, due: until }))
    }
    return {
      claim(call) {
        const [own, ...others] = places(call)
        if (own === undefined) return []
        return [{ op: "putIfVersion", version, ...own }, ...others.map((place): Op => ({ op: "put", ...place }))]
      },
      note: (call) => places(call).map((place): Op => ({ op: "put", ...place })),
      // Rows of the others may be older than this call.
      undo: keys.slice(0, 1).map((key): Op => ({ op: "delete", table: TABLE, key })),
      noted: release,
      end: release,
    }
  }

  return {
    async begin(company, { id, also = [], rememberMs }) {
      if (id === null || forgetful) return { ticket: ticketOf([], 0, rememberMs, () => undefined) }
      // Ids may be long, and may tell something.
      const keys = [id, ...also].map((text) => ids.digest(text))
      const [key = ""] = keys
      const place = `${company}\n${key}`
      for (let other = running.get(place); other !== undefined; other = running.get(place)) await other
      let done = (): void => undefined
      const working = new Promise<void>((resolve) => {
        done = resolve
      })
      running.set(place, working)
      const release = (): void => {
        if (running.get(place) === working) running.delete(place)
        done()
      }
      try {
        const [found] = await ledger.get(company, TABLE, [key])
        if (found === undefined) return { ticket: ticketOf(keys, 0, rememberMs, release) }
        const { until, ...seen } = decodeRecord<CallRow>(found.value, "call")
        if (until <= clock.now()) return { ticket: ticketOf(keys, found.version, rememberMs, release) }
        release()
        return { seen }
      } catch (thrown) {
        release()
        throw thrown
      }
    },

    async sweep() {
      for (;;) {
        const rows = await ledger.due(TABLE, clock.now(), SWEPT_AT_ONCE)
        for (const { company, key, version } of rows) {
          await ledger.commit(company, [{ op: "delete", table: TABLE, key, version }])
        }
        if (rows.length < SWEPT_AT_ONCE) return
      }
    },
  }
}
