import type { CloseReason } from "../provider.ts"
import { consequences, type Consequence, type Retry } from "../session.ts"
import type { SessionState } from "../types.ts"

/** Where a line stood when its connection ended. */
export interface Situation {
  readonly state: SessionState
  readonly linked: boolean
  /** A pairing is wanted and its time is not over. */
  readonly pairing: boolean
  readonly moreCodes: boolean
  /** Failed attempts so far, without this one. */
  readonly attempts: number
  readonly maxAttempts: number
  readonly othersReach: boolean
}

export interface Outcome {
  readonly state: SessionState
  readonly retry: Retry
  /** This one counts as a failed attempt. */
  readonly counted: boolean
  readonly erases: boolean
  readonly ceiling: number
  readonly error: Consequence["error"]
}

/** What follows when a connection has ended, from the table of consequences and where the line stood. */
export function outcomeOf(reason: CloseReason, at: Situation): Outcome {
  // Codes mean nothing to a line whose credentials are complete: for it this is an end without a reason.
  const rule = consequences[at.linked && reason === "qr-ended" ? "unknown" : reason]
  return at.linked ? linkedOutcome(rule, at) : pairingOutcome(reason, rule, at)
}

function linkedOutcome(rule: Consequence, at: Situation): Outcome {
  const counted =
    at.state !== "connected" && (rule.counts === "always" || (rule.counts === "if-others-reach" && at.othersReach))
  const given = at.attempts + (counted ? 1 : 0) >= at.maxAttempts && rule.retry === "backoff"
  const base = { counted, erases: rule.erases === true, ceiling: rule.ceiling, error: rule.error }
  if (given) return { ...base, state: "failed", retry: "slowly" }
  return { ...base, state: rule.state, retry: rule.retry }
}

/** Reasons that end a pairing; every other one may be tried again while somebody waits for a code. */
const ENDS_PAIRING: ReadonlySet<CloseReason> = new Set([
  ...([
    "banned",
    "outdated",
    "not-accepted",
    "replaced",
    "passkey-required",
    "credentials-damaged",
    "proxy-refused",
  ] as const),
])

function pairingOutcome(reason: CloseReason, rule: Consequence, at: Situation): Outcome {
  const base = { counted: false, erases: false, ceiling: rule.ceiling, error: rule.error }
  if (ENDS_PAIRING.has(reason)) return { ...base, state: rule.state, retry: "never" }
  if (!at.moreCodes) return { ...base, state: "qr-expired", retry: "never", error: null }
  if (!at.pairing) return { ...base, state: at.state === "connecting" ? "failed" : "qr-expired", retry: "never" }
  // A refusal that would end a linked line ends nothing here: the credentials were never complete.
  const retry = rule.retry === "never" ? "at-once" : rule.retry
  return { ...base, state: "connecting", retry, error: rule.retry === "never" ? null : rule.error }
}
