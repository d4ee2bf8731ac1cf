import type { Clock, MonitorView, PluginContext, SessionsView, SessionStatus, Totals } from "../../core/plugin.ts"

/** What is measured, and what it means. */

export type HouseAlert = "HIGH_ERROR_RATE" | "HIGH_DISCONNECT_RATE" | "HIGH_MEMORY"
export type AlertType = HouseAlert | "SESSION_FAILED"

export interface Thresholds {
  /** Shares. */
  readonly errorRate: number
  readonly disconnectRate: number
  /** MiB. */
  readonly memoryMb: number
}

/** One look at something that there may be an alert of. */
export interface Reading {
  readonly type: AlertType
  /** Empty for the house. */
  readonly company: string
  /** `unknown`: too little has been seen to say; whatever was known stays as it is. */
  readonly state: "over" | "under" | "unknown"
  readonly value: number
  readonly threshold: number
  readonly message: string
}

export interface Readings {
  /** Notes what is counted now. */
  sample(): void
  /** Of the house. */
  house(): readonly Reading[]
  /** Of lines in memory. */
  failedSessions(): readonly Reading[]
}

export interface ReadingsDeps {
  readonly thresholds: Thresholds
  readonly monitor: Pick<MonitorView, "enabled" | "totals">
  readonly sessions: Pick<SessionsView, "list">
  readonly system: Pick<PluginContext<unknown, never>["system"], "resources">
  readonly clock: Pick<Clock, "monotonic">
}

interface Sample {
  readonly at: number
  readonly totals: Totals
  readonly connected: number
}

export const WINDOW_MS = 5 * 60_000
const LEAST_MESSAGES = 20
const LEAST_SESSIONS = 5
const MIB = 1_048_576

export function createReadings({ thresholds, monitor, sessions, system, clock }: ReadingsDeps): Readings {
  /** Oldest first; the first one is where the window begins. */
  const samples: Sample[] = []

  const take = (): Sample => {
    const connected = sessions.list().filter((session) => session.connected).length
    return { at: clock.monotonic(), totals: monitor.totals(), connected }
  }

  const judged = (
    type: HouseAlert,
    known: boolean,
    value: number,
    threshold: number,
    message: (value: string, threshold: string) => string,
    show: (value: number) => string,
  ): Reading => ({
    type,
    company: "",
    state: !known ? "unknown" : value > 0 && value >= threshold ? "over" : "under",
    value,
    threshold,
    message: message(show(value), show(threshold)),
  })

  const rates = (): readonly Reading[] => {
    const now = take()
    const [begin = now] = samples
    const since = (of: (totals: Totals) => number): number => Math.max(0, of(now.totals) - of(begin.totals))
    // After a start, what came before it is not seen; where too little is seen, nothing is said until the window is full.
    const full = now.at - begin.at >= WINDOW_MS
    const failed = since((totals) => totals.failed)
    const through = since((totals) => totals.sent + totals.received)
    const enough = Math.max(through, failed) >= LEAST_MESSAGES
    // Where nothing gets through at all, everything fails.
    const errors = through === 0 ? Math.sign(failed) : Math.min(1, failed / through)
    const lost = since((totals) => totals.disconnections)
    const many = begin.connected >= LEAST_SESSIONS
    return [
      judged(
        "HIGH_ERROR_RATE",
        full || enough,
        enough ? rounded(errors, 4) : 0,
        thresholds.errorRate,
        (value, threshold) =>
          `${value} of the messages of the last 5 minutes have failed; the threshold is ${threshold}`,
        percent,
      ),
      judged(
        "HIGH_DISCONNECT_RATE",
        full || many,
        many ? rounded(lost / begin.connected, 4) : 0,
        thresholds.disconnectRate,
        (value, threshold) =>
          `Disconnections in the last 5 minutes are ${value} of the sessions that were connected; the threshold is ${threshold}`,
        percent,
      ),
    ]
  }

  const memory = (): Reading =>
    judged(
      "HIGH_MEMORY",
      true,
      rounded(system.resources().rss / MIB, 1),
      thresholds.memoryMb,
      (value, threshold) => `The process holds ${value} of memory; the threshold is ${threshold}`,
      (value) => `${value} MB`,
    )

  return {
    sample() {
      if (!monitor.enabled) return
      samples.push(take())
      const begin = clock.monotonic() - WINDOW_MS
      while (samples[1] !== undefined && samples[1].at <= begin) samples.shift()
    },
    house: () => [...(monitor.enabled ? rates() : unseen(thresholds)), memory()],
    failedSessions: () =>
      sessions.list().flatMap((session) => (session.status === "failed" ? [readSession(session)] : [])),
  }
}

/** Where nothing is counted there is nothing to be told of, and nothing that could go on. */
function unseen({ errorRate, disconnectRate }: Thresholds): readonly Reading[] {
  const nothing = { company: "", state: "under", value: 0, message: "Metrics are off: rates are not known" } as const
  return [
    { ...nothing, type: "HIGH_ERROR_RATE", threshold: errorRate },
    { ...nothing, type: "HIGH_DISCONNECT_RATE", threshold: disconnectRate },
  ]
}

/** On their way to one or the other: a line that has failed tries again every few minutes. */
const TRYING: ReadonlySet<SessionStatus["status"]> = new Set(["connecting", "reconnecting"])

/** `session`: undefined for one that is no more. */
export function readSession(session: SessionStatus | undefined, company = session?.companyId ?? ""): Reading {
  const failed = session?.status === "failed"
  const code = session?.lastError?.code
  return {
    type: "SESSION_FAILED",
    company,
    state: failed ? "over" : session !== undefined && TRYING.has(session.status) ? "unknown" : "under",
    value: failed ? 1 : 0,
    threshold: 1,
    message: failed ? `The session has failed${code === undefined ? "" : ` (${code})`}` : "The session has not failed",
  }
}

const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits

const percent = (share: number): string => `${rounded(share * 100, 2)}%`
