import type { Timer } from "../clock.ts"
import { isAppError, toError } from "../errors.ts"
import type { LineDeps, Link } from "./line.ts"
import { type Attempt, openAttempt } from "./attempt.ts"
import type { Codes } from "./codes.ts"
import type { LineLease } from "./lease.ts"
import { outcomeOf } from "./outcome.ts"
import type { LineRecord } from "./record.ts"
import type { LineState } from "./state.ts"
import type { CloseReason, ProviderEvent } from "../provider.ts"
import { backoff, SLOW_RETRY_MS } from "../session.ts"

/** What drives a line: its attempts, its one timer, and what follows when a connection ends. */
export interface Engine {
  /** The attempt that counts now; events of any other one are not heard. */
  readonly attempt: Attempt | undefined
  /** An attempt is under way or will be. */
  readonly busy: boolean
  /** Until when the last connection takes to be gone. */
  readonly leaving: Promise<void>
  /** How to link as long as there are no complete credentials. */
  link: Link | undefined
  /** A new beginning: nothing of what failed before counts. */
  reset(): void
  /** Tries now. */
  connect(): void
  /** Tries after `ms` if a later time is set for it. */
  hasten(ms: number): void
  /** The one timer of the line; a new one takes the place of the old. */
  arm(ms: number, task: () => void): void
  /** Gives the transport its time, and a little more, to answer. */
  awaitAnswer(mine: Attempt): void
  /** `cause` is told of the change, where it says more than the reason. */
  closed(mine: Attempt, reason: CloseReason, code: number | null, detail: string, cause?: string): void
  /** The claim on the line is gone: what there is ends, and the next attempt claims anew. */
  lapsed(): void
  /** Lets go of the connection without a word about it. */
  detach(): Attempt | undefined
  /** Ends what is under way and stays in `next.state` until somebody acts. */
  leave(next: Partial<LineRecord>, cause: string): void
  /** Things went well for a moment. */
  calm(): void
}

/** Behind the transport's own deadline, for an attempt that neither opens nor ends. */
const BEHIND_TRANSPORT_MS = 10_000
/** A pairing that has reached nobody for so long is given up. */
const PAIRING_MS = 300_000
/** A connection that held for less is no sign that all is well again. */
const STABLE_MS = 10_000
const MISSING =
  "The store no longer holds this line's credentials; restore it from a backup and restart the line, or initialize to link anew"
/** Attempts without a pause before they are slowed down like any other. */
const AT_ONCE = 3

export function createEngine(
  company: string,
  deps: LineDeps,
  state: LineState,
  codes: Codes,
  lease: LineLease,
  heard: (mine: Attempt, event: ProviderEvent) => void,
): Engine {
  const { settings, provider, clock, log, feed } = deps
  let attempt: Attempt | undefined
  let leaving: Promise<void> = Promise.resolve()
  let timer: Timer | undefined
  let timerAt = 0
  let pairingUntil = 0
  let step = 0
  let hurried = 0

  const disarm = (): void => {
    timer?.cancel()
    timer = undefined
  }

  const faulted = (mine: Attempt, reason: CloseReason, error: Error): void => {
    if (isAppError(error) && (error.code === "SESSION_OWNED_ELSEWHERE" || error.code === "FENCED")) {
      const lastError = { code: "SESSION_OWNED_ELSEWHERE", message: "Another process runs this line", at: clock.now() }
      return engine.leave({ state: "idle", lastError }, "owned elsewhere")
    }
    if (reason === "unknown") log.error({ company, error: error.message }, "A connection attempt failed")
    engine.closed(mine, reason, null, reason === "unreachable" ? "the host of the company's proxy is unknown" : "")
  }

  /** What the line's last words are about the end of a connection. */
  const errorAt = (error: { code: string; message: string } | null, code: number | null, detail: string) => {
    const what = [detail, code === null ? "" : `code ${code}`].filter((part) => part !== "").join(", ")
    if (error === null) return {}
    const message = what === "" ? error.message : `${error.message} (${what})`
    return { lastError: { code: error.code, message, at: clock.now() } }
  }

  const eraseMarked = async (): Promise<void> => {
    if (!state.record.erase) return
    try {
      await lease.open()
    } catch (thrown) {
      log.warn({ company, error: toError(thrown).message }, "Worthless credentials are still to be erased")
    }
  }

  const engine: Engine = {
    get attempt() {
      return attempt
    },
    get busy() {
      return attempt !== undefined || timer !== undefined
    },
    get leaving() {
      return leaving
    },
    link: undefined,

    reset() {
      codes.reset()
      step = 0
      hurried = 0
      state.live.reconnectAttempts = 0
      pairingUntil = clock.now() + PAIRING_MS
    },

    connect() {
      disarm()
      const mine = openAttempt({
        company,
        provider,
        log,
        after: leaving,
        openAuth: lease.open,
        link: state.record.linked ? undefined : engine.link,
        input: {
          intake: feed.intake(company),
          sentContent: (id) => feed.sentContent(company, id),
          options: {
            keepAliveMs: settings.keepAliveMs,
            connectTimeoutMs: settings.connectionTimeoutMs,
            log: log.child({ company }),
            clock,
          },
        },
        proxy: () => deps.proxy(company),
        onEvent: (event) => {
          if (attempt === mine) heard(mine, event)
        },
        onConnection: (connection) => {
          if (attempt === mine && state.record.state === "connected") feed.opened(company, connection)
        },
        onAbsent: () => {
          if (attempt !== mine) return
          const gone = { linked: false, wanted: false }
          if (state.record.linked) {
            log.error({ company }, MISSING)
            const lastError = { code: "CREDENTIALS_MISSING", message: MISSING, at: clock.now() }
            engine.leave({ ...gone, state: "failed", lastError }, "credentials missing")
          } else engine.leave({ ...gone, state: "idle" }, "no credentials")
        },
        onFault: (reason, error) => {
          if (attempt === mine) faulted(mine, reason, error)
        },
      })
      attempt = mine
      engine.awaitAnswer(mine)
    },

    hasten(ms) {
      if (attempt === undefined && timer !== undefined && timerAt > clock.now() + ms) engine.arm(ms, engine.connect)
    },

    arm(ms, task) {
      timer?.cancel()
      timerAt = clock.now() + ms
      timer = clock.after(ms, () => {
        timer = undefined
        task()
      })
    },

    awaitAnswer: (mine) =>
      engine.arm(settings.connectionTimeoutMs + BEHIND_TRANSPORT_MS, () =>
        engine.closed(mine, "unreachable", null, "no answer in time"),
      ),

    closed(mine, reason, code, detail, cause = reason) {
      if (attempt !== mine) return
      const { record, live } = state
      const now = clock.now()
      if (record.state === "connected" && now - (live.connectedAt ?? now) >= STABLE_MS) step = 0
      const outcome = outcomeOf(reason, {
        state: record.state,
        linked: record.linked,
        pairing: engine.link !== undefined && now < pairingUntil,
        moreCodes: codes.more(),
        attempts: live.reconnectAttempts,
        maxAttempts: settings.maxReconnectAttempts,
        othersReach: deps.othersReach(company),
      })
      const next = { state: outcome.state, ...errorAt(outcome.error, code, detail) }
      if (outcome.erases) return engine.leave({ ...next, linked: false, wanted: false, user: null, erase: true }, cause)
      if (outcome.retry === "never") return engine.leave({ ...next, wanted: false }, cause)
      engine.detach()
      if (outcome.counted) live.reconnectAttempts++
      let delay = SLOW_RETRY_MS * (0.9 + 0.2 * deps.random())
      if (outcome.retry === "at-once" && hurried++ < AT_ONCE) delay = 0
      else if (outcome.retry !== "slowly") {
        delay = backoff(settings.reconnectDelayMs, step++, outcome.ceiling, deps.random())
      }
      engine.arm(delay, engine.connect)
      state.change(next, cause)
    },

    lapsed() {
      if (attempt !== undefined) engine.closed(attempt, "storage-unavailable", null, "the claim on the line has lapsed")
    },

    detach() {
      disarm()
      const mine = attempt
      attempt = undefined
      codes.hide()
      state.live.connectedAt = null
      if (mine === undefined) return undefined
      feed.closed(company)
      leaving = mine.end()
      return mine
    },

    leave(next, cause) {
      engine.detach()
      engine.link = undefined
      codes.reset()
      state.change(next, cause)
      leaving = leaving.then(async () => {
        await eraseMarked()
        if (!engine.busy) await lease.release()
      })
    },

    calm() {
      hurried = 0
    },
  }
  return engine
}
