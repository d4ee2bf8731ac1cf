import { toError } from "../errors.ts"
import type { Line, LineDeps } from "./line.ts"
import { createCodes } from "./codes.ts"
import { createEngine, type Engine } from "./engine.ts"
import { createHearing } from "./hearing.ts"
import { createLineLease } from "./lease.ts"
import { createProof } from "./proof.ts"
import { createLineJournal, type LineRecord } from "./record.ts"
import { createLineState } from "./state.ts"
import { createLineTiming } from "./timing.ts"
import type { Op } from "../ledger.ts"
import { gateOf } from "../session.ts"
import type { SessionState } from "../types.ts"
import { within } from "../within.ts"

/** What a connection gets to close, and WhatsApp to confirm a logout. */
const CLOSE_MS = 10_000
/** States in which WhatsApp is answering. */
const REACHES: ReadonlySet<SessionState> = new Set(["connected", "qr", "pairing-code"])

/** One company's line, as its record says it was left. */
export function createLine(company: string, initial: LineRecord, deps: LineDeps): Line {
  const { settings, clock, log } = deps
  const journal = createLineJournal({ ...deps, company, unfinishedKeptMs: settings.authStateTtlMs })
  const timing = createLineTiming(deps.meter, clock)
  const state = createLineState({ ...deps, company, record: initial, journal, timing, debug: settings.debugSessions })
  const codes = createCodes(settings.maxQrAttempts)
  const lease = createLineLease(company, deps.homes, state, () => engine.lapsed())
  const proof = createProof(deps, state, () => engine)
  const hearing = createHearing(company, deps, state, codes, proof, () => engine)
  let loggingOut = false
  const engine: Engine = createEngine(company, deps, state, codes, lease, (mine, event) => {
    // The end that a logout brings about has a cause already.
    if (loggingOut && event.type === "close") return
    try {
      hearing.heard(mine, event)
    } catch (thrown) {
      // A fault of ours must not come up inside the transport, which would take it for one of its own.
      log.error({ company, event: event.type, error: toError(thrown).message }, "An event of the line was not handled")
    }
  })
  let closing = false

  const begin = (cause: string, notes: readonly Op[]): void => {
    engine.reset()
    const { linked } = state.record
    const pairingSince = linked || engine.link === undefined ? state.record.pairingSince : clock.now()
    state.change({ state: "connecting", wanted: linked, pairingSince, lastError: null }, cause, notes)
    timing.begun()
    engine.connect()
  }

  const line: Line = {
    company,
    get record() {
      return state.record
    },
    get code() {
      return codes.current
    },
    get link() {
      return engine.link
    },
    get gate() {
      return gateOf(state.record.state, state.record.linked, engine.busy)
    },
    get live() {
      return engine.busy
    },
    get reaches() {
      return REACHES.has(state.record.state)
    },
    get connection() {
      return state.record.state === "connected" ? engine.attempt?.connection : undefined
    },
    status: state.status,
    prove: proof.ask,
    heal: proof.heal,

    actFor(requestId) {
      state.actor = requestId
    },

    start(link, cause, notes = []) {
      if (closing) return
      if (!state.record.linked && link !== undefined) engine.link = link
      if (!engine.busy) return begin(cause, notes)
      if (engine.attempt === undefined) engine.connect()
      state.note(notes)
    },

    restart(link, cause, notes = []) {
      if (closing) return
      engine.detach()
      engine.link = state.record.linked ? undefined : link
      begin(cause, notes)
    },

    async askCode(phone) {
      const mine = engine.attempt
      const connection = mine?.connection
      if (mine === undefined || connection?.pairingCode === undefined || codes.current === undefined) return false
      const { code, expiresAt } = await connection.pairingCode(phone)
      if (engine.attempt !== mine) return false
      engine.link = { method: "pairing-code", phone }
      hearing.showCode(mine, "pairing-code", code, expiresAt, false)
      return true
    },

    async stop(next, cause) {
      if (next === "closing") {
        closing = true
        engine.detach()
        state.keep({})
        await within(clock, CLOSE_MS, engine.leaving)
        return lease.release()
      }
      if (state.record.state === next) state.keep({ wanted: false })
      else engine.leave({ state: next, wanted: false }, cause)
      await within(clock, CLOSE_MS, engine.leaving)
    },

    async pause(cause) {
      if (engine.busy) engine.leave({ state: "idle" }, cause)
      await within(clock, CLOSE_MS, engine.leaving)
    },

    async logout(cause) {
      const connection = line.connection
      let told = false
      loggingOut = true
      try {
        // The credentials go in any case; WhatsApp is only told while there is a connection.
        if (connection !== undefined) told = await within(clock, CLOSE_MS, connection.logout())
      } catch (thrown) {
        const requestId = state.actor
        log.warn({ company, requestId, error: toError(thrown).message }, "WhatsApp was not told of the logout")
      } finally {
        loggingOut = false
      }
      const gone = { linked: false, wanted: false, user: null, erase: true, pairingSince: null, lastError: null }
      engine.leave({ ...gone, state: "logged-out" }, cause)
      await within(clock, CLOSE_MS, engine.leaving)
      return told
    },

    async eraseCredentials() {
      if (!state.record.erase) return
      await lease.open()
      if (!engine.busy) await lease.release()
    },

    async abandonPairing() {
      if (state.record.linked || state.record.pairingSince === null) return state.keep({ pairingSince: null })
      // Somebody is at it: it is asked again when the time is over once more.
      if (engine.busy) return state.keep({ pairingSince: clock.now() })
      const complete = await deps.provider.linked(await lease.open())
      if (complete) {
        state.keep({ linked: true, pairingSince: null })
      } else {
        state.keep({ erase: true, pairingSince: null })
        await lease.open()
      }
      await lease.release()
    },

    async remove() {
      await journal.remove()
    },

    nudge(delayMs) {
      if (state.record.lastError?.code === "UNREACHABLE") engine.hasten(delayMs)
    },

    note: state.note,
    touch: state.touch,
    restrict: hearing.restrict,
    changed: state.changed,
    wake: state.wake,
    flush: (ms) => journal.flush(ms),
    abandon: () => journal.stop(),
  }
  return line
}
