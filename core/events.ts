import type { Clock } from "./clock.ts"
import { appError } from "./errors.ts"
import type { Ids } from "./message/ids.ts"
import type { CommitResult, Ledger, Op } from "./ledger.ts"
import type { EventsView } from "./plugin.ts"
import type { EventType, LineEvent } from "./types.ts"
import { decodeRecord, encodeRecord } from "./records/values.ts"

/** An event before its commit gives it a position. */
export interface EventDraft {
  readonly id: string
  readonly type: EventType
  readonly timestamp: number
  readonly data: Readonly<Record<string, unknown>>
}

/** Something for live eyes alone: a QR text or a pairing code. Never stored, never logged. */
export interface LiveCode {
  readonly type: "session.qr.code" | "session.pairing-code.code"
  readonly data: Readonly<Record<string, unknown>>
}

/** One live reader of a company's events. It reads the log itself; this only tells it when. */
export interface Subscription {
  /** The last position known to be in the log. */
  readonly latest: number
  /** Codes shown since the last call. */
  takeCodes(): readonly LiveCode[]
  /** Resolves at the next event or code, at once when there was one since the last call. */
  changed(): Promise<void>
  /** The company has been erased: nothing will come any more. */
  readonly over: boolean
  /** Frees the place. Idempotent. */
  close(): void
}

export interface Events extends EventsView {
  draft(type: EventType, data: Readonly<Record<string, unknown>>): EventDraft
  /** Commits `ops` and the events in one go, then tells whoever listens. */
  commit(company: string, ops: readonly Op[], drafts: readonly EventDraft[]): Promise<CommitResult>
  /** Shows a code to subscribers that may see it. */
  show(company: string, code: LiveCode): void
  /** Throws TOO_MANY_LISTENERS when the company has its share. */
  subscribe(company: string, options: { readonly codes: boolean }): Subscription
  /** Subscriptions of a company, or of all. */
  subscribers(company?: string): number
  /** Ends the subscriptions of a company that has been erased. */
  end(company: string): void
  /** Ends every subscription's wait; streams close. */
  stop(): void
  readonly stopped: AbortSignal
}

interface StoredEvent {
  readonly id: string
  readonly type: EventType
  readonly at: number
  readonly data: Readonly<Record<string, unknown>>
}

const TABLE = "event"
/** A reader that never comes back for its codes keeps only the newest ones. */
const CODES_KEPT = 4

export interface EventsDeps {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly ids: Ids
  readonly maxListeners: number
}

interface Reader {
  latest: number
  codes: LiveCode[]
  readonly wantsCodes: boolean
  wake: (() => void) | undefined
  news: boolean
  over: boolean
}

export function createEvents({ ledger, clock, ids, maxListeners }: EventsDeps): Events {
  const readers = new Map<string, Set<Reader>>()
  const ended = new AbortController()

  const rouse = (reader: Reader): void => {
    reader.news = true
    reader.wake?.()
    reader.wake = undefined
  }

  const announce = (company: string, position: number): void => {
    for (const reader of readers.get(company) ?? []) {
      if (position > reader.latest) reader.latest = position
      rouse(reader)
    }
  }

  const append = (draft: EventDraft): Op => {
    const stored: StoredEvent = { id: draft.id, type: draft.type, at: draft.timestamp, data: draft.data }
    return { op: "append", table: TABLE, value: encodeRecord(stored) }
  }

  return {
    draft: (type, data) => ({ id: ids.event(), type, timestamp: clock.now(), data }),

    async commit(company, ops, drafts) {
      const result = await ledger.commit(company, drafts.length === 0 ? ops : [...ops, ...drafts.map(append)])
      const last = result.ok ? result.positions.at(-1) : undefined
      if (last !== undefined && readers.size > 0) announce(company, last)
      return result
    },

    async read(company, after, limit) {
      const rows = await ledger.log(company, TABLE, after, limit)
      return rows.map(({ position, value }): LineEvent => {
        const stored = decodeRecord<StoredEvent>(value, `event ${position}`)
        const { id, type, at, data } = stored
        return { id, position, type, companyId: company, timestamp: at, data }
      })
    },

    tail: (company) => ledger.tail(company, TABLE),

    show(company, code) {
      for (const reader of readers.get(company) ?? []) {
        if (!reader.wantsCodes) continue
        reader.codes = [...reader.codes, code].slice(-CODES_KEPT)
        rouse(reader)
      }
    },

    subscribe(company, { codes }) {
      const all = readers.get(company) ?? new Set<Reader>()
      if (all.size >= maxListeners) {
        throw appError("TOO_MANY_LISTENERS", { details: { maxListeners }, retryAfter: 15 })
      }
      const reader: Reader = { latest: 0, codes: [], wantsCodes: codes, wake: undefined, news: false, over: false }
      readers.set(company, all.add(reader))
      return {
        get latest() {
          return reader.latest
        },
        get over() {
          return reader.over
        },
        takeCodes() {
          const shown = reader.codes
          reader.codes = []
          return shown
        },
        changed() {
          if (reader.news || reader.over || ended.signal.aborted) {
            reader.news = false
            return Promise.resolve()
          }
          return new Promise((resolve) => {
            reader.wake = () => {
              reader.news = false
              resolve()
            }
          })
        },
        close() {
          all.delete(reader)
          if (all.size === 0 && readers.get(company) === all) readers.delete(company)
          rouse(reader)
        },
      }
    },

    end(company) {
      for (const reader of readers.get(company) ?? []) {
        reader.over = true
        rouse(reader)
      }
    },

    subscribers(company) {
      if (company !== undefined) return readers.get(company)?.size ?? 0
      return [...readers.values()].reduce((sum, { size }) => sum + size, 0)
    },

    stop() {
      ended.abort()
      for (const all of readers.values()) for (const reader of all) rouse(reader)
    },
    stopped: ended.signal,
  }
}
