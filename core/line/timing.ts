import type { Clock } from "../clock.ts"
import type { Meter } from "../monitor/meter.ts"
import type { SessionState } from "../types.ts"

/** How long a line takes to be connected, from its beginning or from its loss. */
export interface LineTiming {
  /** A session begins. */
  begun(): void
  /** Hears of every change of state. */
  moved(from: SessionState, to: SessionState): void
}

/** In these somebody has to act before the line can be connected, and how long that takes says nothing of it. */
const WAITS_FOR_SOMEBODY: ReadonlySet<SessionState> = new Set([
  ...(["idle", "qr", "pairing-code", "passkey-required", "disconnected", "qr-expired", "logged-out"] as const),
  "replaced",
])

export function createLineTiming(meter: Meter | undefined, clock: Clock): LineTiming {
  let since: { readonly kind: "sessionInitTime" | "reconnectTime"; readonly at: number } | undefined
  return {
    begun() {
      if (meter !== undefined) since = { kind: "sessionInitTime", at: clock.monotonic() }
    },
    moved(from, to) {
      if (meter === undefined || from === to) return
      if (to === "connected") {
        if (since !== undefined) meter.note(since.kind, clock.monotonic() - since.at)
        since = undefined
      } else if (WAITS_FOR_SOMEBODY.has(to)) since = undefined
      else if (from === "connected") since = { kind: "reconnectTime", at: clock.monotonic() }
    },
  }
}
