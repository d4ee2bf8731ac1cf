import { type Companies, createCompanies } from "./companies.ts"
import { appError } from "./errors.ts"
import { isOwnedElsewhere, type Line, type LineDeps } from "./line/line.ts"
import { type LineRecord, newRecord } from "./line/record.ts"
import { restrictionAt } from "./line/restriction.ts"
import { createLine } from "./line/run.ts"
import { createSessionsView } from "./line/sessions-view.ts"
import { atRest, statusOf } from "./line/view.ts"
import type { LineGate } from "./message/send-checks.ts"
import type { SessionsView } from "./plugin.ts"
import { gateOf } from "./session.ts"
import type { Restriction, SessionStatus } from "./types.ts"
import { within } from "./within.ts"

/** The lines of this process: which are in memory, how many may be live, and when they come and go. */
export interface Sessions extends LineGate {
  readonly companies: Companies
  readonly view: SessionsView
  /** The line if it is in memory. */
  peek(company: string): Line | undefined
  /** The line, brought into memory; a company never seen gets one only when `make` says so. Throws SESSION_NOT_FOUND. */
  line(company: string, make: boolean): Promise<Line>
  /** Starts unless it is under way. Throws SESSION_LIMIT_REACHED, or the refusal of a plugin. */
  start(line: Line, begin: () => void): Promise<void>
  /** Throws SESSION_NOT_FOUND for a company never seen. */
  status(company: string): Promise<SessionStatus>
  look(company: string): Promise<SessionStatus | undefined>
  /**
   * One command after another for each company. Throws STORAGE_UNAVAILABLE for one that has not ended after `ms`, since it
   * hangs; the next goes on.
   */
  serial<T>(company: string, command: () => Promise<T>, ms?: number): Promise<T>
  drop(company: string): void
  /** Lets whoever waits for a change look again. */
  wake(): void
  restrict(company: string, restriction: Restriction): void
  opened(company: string): void
  /** Every line in memory. */
  all(): Iterable<Line>
  /** Whether it may be live; undefined: one that is not in memory. */
  hasRoom(line: Line | undefined): boolean
  /** Auth state cached for lines that have left memory, and since when. */
  readonly leftAt: Map<string, number>
  /** Closes every line without logging out. */
  stop(ms: number): Promise<void>
}

export interface SessionsDeps extends Omit<LineDeps, "othersReach"> {
  /** Asked before a company comes into being; throws while something of an earlier one of its id is still there. */
  readonly admit: (company: string) => Promise<void>
}

/** Each login costs about 20 ms of one core: two cores have room for more beside them. */
export const LOGIN_EVERY_MS = 40
/** A command that has not ended by then hangs in a store. */
const COMMAND_MS = 60_000
const NUDGE_SPREAD_MS = 1_000

export function createSessions(deps: SessionsDeps): Sessions {
  const { ledger, settings, clock, hooks, naming, homes } = deps
  const companies = createCompanies(ledger)
  const lines = new Map<string, Line>()
  const chains = new Map<string, Promise<unknown>>()
  /** When the cached auth state of a line that is no longer in memory goes, too. */
  const leftAt = new Map<string, number>()
  let stopping = false

  const othersReach = (company: string): boolean => {
    for (const [other, line] of lines) if (other !== company && line.reaches) return true
    return false
  }

  const add = (company: string, record: LineRecord): Line => {
    const existing = lines.get(company)
    if (existing !== undefined) return existing
    const line = createLine(company, atRest(record), { ...deps, othersReach })
    lines.set(company, line)
    leftAt.delete(company)
    companies.forget(company)
    return line
  }

  const live = (): number => {
    let count = 0
    for (const line of lines.values()) if (line.live) count++
    return count
  }

  const hasRoom = (line: Line | undefined): boolean => line?.live === true || live() < settings.maxSessions

  const sessions: Sessions = {
    companies,
    peek: (company) => lines.get(company),
    all: () => lines.values(),
    hasRoom,
    leftAt,

    async line(company, make) {
      const present = lines.get(company)
      if (present !== undefined) return present
      const record = await companies.record(company)
      if (record === undefined) {
        if (!make) throw appError("SESSION_NOT_FOUND")
        await deps.admit(company)
        companies.add(company)
      }
      await homes.learn(company)
      return add(company, record ?? newRecord)
    },

    async start(line, begin) {
      if (stopping) throw appError("SHUTTING_DOWN")
      const { company } = line
      if (!line.live && hooks.has("session:start")) {
        const refusal = await hooks.guard("session:start", { company })
        if (refusal !== undefined) throw refusal.error
      }
      // The place is taken in the same turn in which it was found free.
      if (!hasRoom(line)) throw appError("SESSION_LIMIT_REACHED", { details: { maxSessions: settings.maxSessions } })
      begin()
    },

    async look(company) {
      const line = lines.get(company)
      if (line !== undefined) return line.status()
      const record = await companies.record(company)
      if (record === undefined) return undefined
      await homes.learn(company)
      return statusOf(company, atRest(record), naming)
    },

    async status(company) {
      const status = await sessions.look(company)
      if (status === undefined) throw appError("SESSION_NOT_FOUND")
      return status
    },

    async gate(company) {
      let line = lines.get(company)
      if (line === undefined) {
        const record = await companies.record(company)
        if (record === undefined) return "none"
        const rest = atRest(record)
        const gate = gateOf(rest.state, rest.linked, false)
        if (gate === "none") return gate
        await homes.learn(company)
        line = add(company, record)
      }
      const { gate } = line
      if (gate === "heals" && !line.live) {
        const resting = line
        const elsewhere = isOwnedElsewhere(resting)
        await sessions.start(resting, () => resting.start(undefined, "send"))
        // Its owner may have ended since, and then the next send goes out here; this one would wait for nobody knows what.
        if (elsewhere) throw appError("SESSION_OWNED_ELSEWHERE")
      }
      return line.gate
    },

    restriction(company) {
      const line = lines.get(company)
      return line === undefined ? null : restrictionAt(line.record, clock.now())
    },

    touch: (company) => lines.get(company)?.touch(),

    serial(company, command, ms = COMMAND_MS) {
      const before = chains.get(company) ?? Promise.resolve()
      const done = before.then(command)
      const tail = within(clock, ms, done).catch(() => true)
      chains.set(company, tail)
      void tail.then(() => {
        if (chains.get(company) === tail) chains.delete(company)
      })
      const late = tail.then((inTime) => {
        if (!inTime) throw appError("STORAGE_UNAVAILABLE")
        return done
      })
      return Promise.race([done, late])
    },

    drop(company) {
      lines.delete(company)
      homes.forget(company)
      companies.forget(company)
      leftAt.set(company, clock.now())
    },

    wake() {
      for (const line of lines.values()) line.wake()
    },

    restrict: (company, restriction) => lines.get(company)?.restrict(restriction),

    opened(company) {
      if (othersConnected(company)) return
      // The first one through after an outage: the others need not wait for the end of their delays.
      let index = 0
      for (const line of lines.values()) {
        if (line.company !== company) line.nudge(LOGIN_EVERY_MS * index++ + deps.random() * NUDGE_SPREAD_MS)
      }
    },

    async stop(ms) {
      stopping = true
      const all = [...lines.values()]
      await within(
        clock,
        ms,
        Promise.all(
          all.map(async (line) => {
            await line.stop("closing", "shutdown")
            await line.flush(ms)
          }),
        ),
      )
      for (const line of all) line.abandon()
    },

    view: createSessionsView({ lines, companies, look: (company) => sessions.look(company) }),
  }

  const othersConnected = (company: string): boolean => {
    for (const [other, line] of lines) if (other !== company && line.record.state === "connected") return true
    return false
  }

  return sessions
}
