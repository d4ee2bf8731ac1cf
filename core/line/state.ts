import type { Clock } from "../clock.ts"
import type { EventDraft, Events } from "../events.ts"
import type { Hooks } from "../hooks.ts"
import type { Op } from "../ledger.ts"
import { type Code, codeNotice, liveCode } from "./codes.ts"
import type { LineJournal, LineRecord } from "./record.ts"
import { type LiveParts, type Naming, statusJson, statusOf } from "./view.ts"
import type { Logger } from "../log.ts"
import { count } from "../monitor/totals.ts"
import { mayFollow } from "../session.ts"
import type { LineTiming } from "./timing.ts"
import type { SessionState, SessionStatus } from "../types.ts"

/** A line's status and the one way to change it: legal, recorded, announced once and in order. */
export interface LineState {
  readonly record: LineRecord
  readonly live: { connectedAt: number | null; lastProofAt: number | null; reconnectAttempts: number }
  status(): SessionStatus
  /** The request that the line's changes follow from, until it has come to rest. */
  actor: string | undefined
  /**
   * Moves on and tells why; `notes` are durable with the change. A state that may not follow the present one throws: it is
   * a fault of ours.
   */
  change(next: Partial<LineRecord>, cause: string, notes?: readonly Op[]): void
  /** Keeps something that is no change of status. */
  keep(next: Partial<LineRecord>): void
  /** Writes what is to be noted though nothing changes. */
  note(notes: readonly Op[]): void
  /** Notes activity; durable with the next change. */
  touch(): void
  /** Tells of a code, in the log without it and live with it. */
  announceCode(code: Code, fresh: boolean): void
  /** Records an event that goes with no change. */
  announce(draft: EventDraft): void
  /** Resolves at the next change, or after `ms`. */
  changed(ms: number): Promise<void>
  wake(): void
}

export interface LineStateDeps {
  readonly company: string
  readonly record: LineRecord
  readonly naming: Naming
  readonly journal: LineJournal
  readonly events: Events
  readonly hooks: Hooks
  readonly clock: Clock
  readonly log: Logger
  readonly debug: boolean
  readonly timing: LineTiming
}

export function createLineState(deps: LineStateDeps): LineState {
  const { company, journal, events, hooks, clock } = deps
  const live: { -readonly [K in keyof LiveParts]: LiveParts[K] } = {
    connectedAt: null,
    lastProofAt: null,
    reconnectAttempts: 0,
  }
  const waiters = new Set<() => void>()
  let record = deps.record

  const status = (): SessionStatus => statusOf(company, record, deps.naming, live)

  const told = (data: Record<string, unknown>): Record<string, unknown> =>
    state.actor === undefined ? data : { ...data, requestId: state.actor }

  const wake = (): void => {
    for (const waiter of [...waiters]) waiter()
  }

  const state: LineState = {
    actor: undefined,
    get record() {
      return record
    },
    live,
    status,

    change(next, cause, notes = []) {
      const from = record.state
      const to = next.state ?? from
      if (to !== from && !mayFollow(from, to)) throw new Error(`A line may not go from ${from} to ${to} (${cause})`)
      record = { ...record, ...next, lastActivity: clock.now() }
      const session = status()
      if (deps.debug) deps.log.info({ company, requestId: state.actor, from, to, cause }, "Session state")
      const draft = events.draft("session.status", told({ ...statusJson(session), cause }))
      deps.timing.moved(from, to)
      const all = [...notes, ...countsOf(from, to)]
      journal.write(record, [draft], () => hooks.observe("session:status", { session, cause }), all)
      if (!ON_ITS_WAY.has(to)) state.actor = undefined
      wake()
    },

    keep(next) {
      record = { ...record, ...next }
      journal.write(record, [])
    },

    note(notes) {
      if (notes.length > 0) journal.write(record, [], undefined, notes)
    },

    touch() {
      record = { ...record, lastActivity: clock.now() }
    },

    announceCode(code, fresh) {
      const type = code.kind === "qr" ? "session.qr" : "session.pairing-code"
      const { kind, attempt } = code
      if (fresh) {
        journal.write(record, [events.draft(type, told(codeNotice(code)))], () =>
          hooks.observe("session:pairing", { company, kind, attempt }),
        )
      }
      events.show(company, liveCode(code))
      wake()
    },

    wake,
    announce: (draft) => journal.write(record, [draft]),

    changed(ms) {
      return new Promise((resolve) => {
        const done = (): void => {
          timer.cancel()
          waiters.delete(done)
          resolve()
        }
        const timer = clock.after(ms, done)
        waiters.add(done)
      })
    },
  }
  return state
}

const ON_ITS_WAY: ReadonlySet<SessionState> = new Set(["connecting", "qr", "pairing-code", "reconnecting"])

/** A server that stops is no loss of its lines, and makes no change here. */
function countsOf(from: SessionState, to: SessionState): readonly Op[] {
  if (from === to) return []
  if (to === "connected") return [count("connections")]
  return from === "connected" ? [count("disconnections")] : []
}
