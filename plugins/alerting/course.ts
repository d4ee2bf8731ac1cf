import type { AlertType, Reading } from "./readings.ts"

/** When an alert is raised, repeated and resolved. */

/** An alert that lasts, as it is kept. */
export interface Raised {
  readonly alertId: string
  readonly type: AlertType
  /** Epoch ms. */
  readonly since: number
  readonly toldAt: number
  /** How often it has been repeated. */
  readonly repeats: number
  readonly value: number
  readonly threshold: number
  readonly message: string
  /** The last delivery that tells of it; null where none does. */
  readonly delivery: string | null
}

export type Step = "raise" | "repeat" | "resolve"

export const REPEAT_MS = 60 * 60_000
/** Looks in a row at which it must be under its threshold. */
const CALM = 2

/** `calm`: how often in a row it has been under its threshold, this time included. */
export function nextStep(
  raised: Raised | undefined,
  { state }: Pick<Reading, "state">,
  calm: number,
  now: number,
): Step | undefined {
  if (raised === undefined) return state === "over" ? "raise" : undefined
  if (state === "under" && calm >= CALM) return "resolve"
  return now - raised.toldAt >= REPEAT_MS && state !== "under" ? "repeat" : undefined
}

const SEVERITIES: Readonly<Record<AlertType, "warning" | "critical">> = {
  HIGH_ERROR_RATE: "critical",
  HIGH_DISCONNECT_RATE: "critical",
  HIGH_MEMORY: "warning",
  SESSION_FAILED: "warning",
}

/** An alert as callers see it. */
export interface Alert {
  readonly type: AlertType
  readonly severity: "warning" | "critical"
  readonly message: string
  readonly value: number
  readonly threshold: number
  /** ISO 8601. */
  readonly since: string
  /** Of those that are one company's. */
  readonly companyId?: string
}

export function alertOf(
  company: string,
  raised: Pick<Raised, "type" | "message" | "value" | "threshold" | "since">,
): Alert {
  const { type, message, value, threshold, since } = raised
  return {
    type,
    severity: SEVERITIES[type],
    message,
    value,
    threshold,
    since: new Date(since).toISOString(),
    ...(company !== "" && { companyId: company }),
  }
}
