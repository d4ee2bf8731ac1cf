import type { CloseReason } from "./provider.ts"
import type { SessionState } from "./types.ts"

/** The life of a line as data: which state may follow which, and what follows from each way a connection ends. */

/** Any state not listed here cannot follow. A line that stays in its state makes no transition. */
export const transitions: Readonly<Record<SessionState, readonly SessionState[]>> = {
  idle: ["connecting", "disconnected", "logged-out", "failed"],
  connecting: [
    ...(["qr", "pairing-code", "passkey-required", "connected", "reconnecting", "disconnected", "qr-expired"] as const),
    ...(["logged-out", "replaced", "outdated", "failed", "idle"] as const),
  ],
  qr: [
    ...(["connecting", "pairing-code", "passkey-required", "connected", "reconnecting", "disconnected"] as const),
    ...(["qr-expired", "logged-out", "replaced", "outdated", "failed", "idle"] as const),
  ],
  "pairing-code": [
    ...(["connecting", "qr", "passkey-required", "connected", "reconnecting", "disconnected"] as const),
    ...(["qr-expired", "logged-out", "replaced", "outdated", "failed", "idle"] as const),
  ],
  "passkey-required": ["connecting", "disconnected", "logged-out", "idle"],
  connected: [
    ...(["connecting", "reconnecting", "disconnected", "logged-out", "replaced", "outdated", "failed"] as const),
    ...(["passkey-required", "idle"] as const),
  ],
  reconnecting: [
    ...(["connecting", "connected", "disconnected", "logged-out", "replaced", "outdated", "failed", "idle"] as const),
    "passkey-required",
  ],
  disconnected: ["connecting", "logged-out", "failed", "idle"],
  "qr-expired": ["connecting", "disconnected", "logged-out", "idle"],
  "logged-out": ["connecting", "disconnected", "idle"],
  replaced: ["connecting", "disconnected", "logged-out", "idle"],
  outdated: [
    ...([
      "connecting",
      "connected",
      "disconnected",
      "logged-out",
      "replaced",
      "failed",
      "reconnecting",
      "idle",
    ] as const),
    "passkey-required",
  ],
  failed: [
    ...(["connecting", "connected", "disconnected", "logged-out", "replaced", "outdated", "reconnecting"] as const),
    ...(["passkey-required", "idle"] as const),
  ],
}

export function mayFollow(from: SessionState, to: SessionState): boolean {
  return transitions[from].includes(to)
}

/** When a line tries again by itself. */
export type Retry =
  /** At once and uncounted; a line that does nothing else is slowed down as by `backoff`. */
  | "at-once"
  /** The delay grows by half each time, with full jitter. */
  | "backoff"
  /** Every five minutes: it may heal, and nothing is gained by haste. */
  | "slowly"
  | "never"

export interface Consequence {
  /** Where a line with complete credentials goes; one still pairing stays where it is as long as it tries again. */
  readonly state: SessionState
  readonly retry: Retry
  /** What `lastError` says; null when the close is no error. */
  readonly error: { readonly code: string; readonly message: string } | null
  /** Counts as a failed attempt: `always`, or only while some other line can reach WhatsApp. */
  readonly counts: "always" | "if-others-reach" | "never"
  /** Longest delay between attempts in ms, for `backoff`. */
  readonly ceiling: number
  /** The stored credentials are worthless and go. */
  readonly erases?: true
}

const SLOWEST = 60_000
/** After an outage nobody waits longer than this for WhatsApp's return. */
const SLOWEST_UNREACHABLE = 30_000

/** What follows from each reason, for a line that has complete credentials unless it says otherwise. */
export const consequences: Readonly<Record<CloseReason, Consequence>> = {
  "restart-required": { state: "reconnecting", retry: "at-once", error: null, counts: "never", ceiling: SLOWEST },
  "logged-out": {
    state: "logged-out",
    retry: "never",
    error: { code: "LOGGED_OUT", message: "The line was unlinked on the phone; initialize links it again" },
    counts: "never",
    ceiling: 0,
    erases: true,
  },
  // Refused before the pairing was complete: nothing worth keeping is lost by pairing anew, and nothing is erased.
  "pairing-incomplete": { state: "reconnecting", retry: "at-once", error: null, counts: "never", ceiling: SLOWEST },
  banned: {
    state: "failed",
    retry: "never",
    error: { code: "BANNED", message: "WhatsApp has banned or blocked this account" },
    counts: "never",
    ceiling: 0,
  },
  outdated: {
    state: "outdated",
    retry: "slowly",
    error: {
      code: "OUTDATED",
      message: "WhatsApp refuses the announced WhatsApp Web version; set WHATSAPP_WEB_VERSION to a current one",
    },
    counts: "never",
    ceiling: 0,
  },
  "not-accepted": {
    state: "failed",
    retry: "never",
    error: { code: "NOT_ACCEPTED", message: "WhatsApp does not accept this device; link it again" },
    counts: "never",
    ceiling: 0,
  },
  replaced: {
    state: "replaced",
    retry: "never",
    error: { code: "REPLACED", message: "Another connection has taken over this line; restart takes it back" },
    counts: "never",
    ceiling: 0,
  },
  unreachable: {
    state: "reconnecting",
    retry: "backoff",
    error: { code: "UNREACHABLE", message: "WhatsApp could not be reached" },
    counts: "if-others-reach",
    ceiling: SLOWEST_UNREACHABLE,
  },
  unknown: {
    state: "reconnecting",
    retry: "backoff",
    error: { code: "CONNECTION_FAILED", message: "WhatsApp ended the connection" },
    counts: "always",
    ceiling: SLOWEST,
  },
  // More codes follow until WHATSAPP_MAX_QR_ATTEMPTS have been shown.
  "qr-ended": { state: "qr-expired", retry: "at-once", error: null, counts: "never", ceiling: SLOWEST },
  "passkey-required": {
    state: "passkey-required",
    retry: "never",
    error: {
      code: "PASSKEY_REQUIRED",
      message: "WhatsApp demands a passkey for linking this account; confirm it on the phone, then initialize again",
    },
    counts: "never",
    ceiling: 0,
  },
  "credentials-damaged": {
    state: "failed",
    retry: "never",
    error: {
      code: "CREDENTIALS_DAMAGED",
      message: "The stored credentials are damaged; restore a backup, or log out and link the line again",
    },
    counts: "never",
    ceiling: 0,
  },
  "storage-unavailable": {
    state: "reconnecting",
    retry: "backoff",
    error: { code: "STORAGE_UNAVAILABLE", message: "The line's stored credentials cannot be read now" },
    counts: "never",
    ceiling: SLOWEST_UNREACHABLE,
  },
  // Where a name leads may change.
  "proxy-refused": {
    state: "failed",
    retry: "slowly",
    error: {
      code: "PROXY_REFUSED",
      message:
        "The company's proxy does not lead to a public address, where the server may connect to; set another one",
    },
    counts: "never",
    ceiling: 0,
  },
  "closed-by-us": { state: "reconnecting", retry: "backoff", error: null, counts: "never", ceiling: SLOWEST },
}

export const SLOW_RETRY_MS = 300_000
const GROWTH = 1.5

/** The delay before the next attempt, ms: anywhere up to first × 1.5^step, at most `ceiling`. `random` is 0–1. */
export function backoff(firstMs: number, step: number, ceiling: number, random: number): number {
  return Math.round(random * Math.min(ceiling, firstMs * GROWTH ** Math.min(step, 40)))
}

/** States that hold a socket or are on the way to one: they count against the session limit. */
const LIVE: ReadonlySet<SessionState> = new Set(["connecting", "qr", "pairing-code", "connected", "reconnecting"])

export function isLive(state: SessionState): boolean {
  return LIVE.has(state)
}

/** What a send meets, from the state of the line. */
export type Gate = "connected" | "heals" | "none"

/**
 * `linked`: it has complete credentials. `retrying`: it tries again by itself, as `failed` does only for reasons that heal.
 */
export function gateOf(state: SessionState, linked: boolean, retrying: boolean): Gate {
  if (!linked) return "none"
  if (state === "connected") return "connected"
  return HEALS.has(state) || (state === "failed" && retrying) ? "heals" : "none"
}

const HEALS: ReadonlySet<SessionState> = new Set(["idle", "connecting", "reconnecting", "outdated"])
