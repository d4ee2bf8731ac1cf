import type { LineDeps } from "./line.ts"
import type { Attempt } from "./attempt.ts"
import type { Codes } from "./codes.ts"
import { spell } from "./codes.ts"
import type { Engine } from "./engine.ts"
import type { Proof } from "./proof.ts"
import type { LineState } from "./state.ts"
import type { ProviderEvent } from "../provider.ts"
import type { LineUser } from "../types.ts"

/** What a line makes of its provider's events. */
export interface Hearing {
  heard(mine: Attempt, event: ProviderEvent): void
  /** `again`: the current one drawn anew. */
  showCode(mine: Attempt, kind: "qr" | "pairing-code", text: string, expiresAt: number, again: boolean): void
  restrict(restriction: { readonly kind: string; readonly until: number | null } | null): void
}

/** How late the code after this one may come. */
const CODE_GRACE_MS = 10_000

export function createHearing(
  company: string,
  deps: LineDeps,
  state: LineState,
  codes: Codes,
  proof: Proof,
  engine: () => Engine,
): Hearing {
  const { clock, feed, events } = deps

  const linked = (mine: Attempt, user: LineUser): void => {
    codes.reset()
    engine().link = undefined
    const done = { linked: true, wanted: true, user, pairingSince: null, lastError: null }
    state.change({ state: "connecting", ...done }, "linked")
    engine().awaitAnswer(mine)
  }

  const opened = (mine: Attempt, user: LineUser): void => {
    codes.reset()
    engine().link = undefined
    engine().calm()
    Object.assign(state.live, { connectedAt: clock.now(), lastProofAt: clock.now(), reconnectAttempts: 0 })
    const done = { linked: true, wanted: true, user, pairingSince: null, lastError: null }
    state.change({ state: "connected", ...done }, "open")
    proof.watch(mine)
    // An early `open` comes before the connection itself, which then reports by its own way.
    if (mine.connection !== undefined) feed.opened(company, mine.connection)
  }

  const hearing: Hearing = {
    showCode(mine, kind, text, expiresAt, again) {
      // A code has no meaning for a line whose credentials are complete.
      if (state.record.linked) return
      const { current } = codes
      // A code that was asked for is both answered and reported.
      if (current?.kind === kind && current.text === (kind === "qr" ? text : spell(text))) return
      if (!again && !codes.more()) return engine().closed(mine, "qr-ended", null, "")
      engine().calm()
      const code = codes.show(kind, text, expiresAt, again)
      if (state.record.state !== kind) state.change({ state: kind }, "code shown")
      state.announceCode(code, !again)
      const grace = codes.more() ? CODE_GRACE_MS : 0
      engine().arm(Math.max(0, expiresAt - clock.now()) + grace, () => engine().closed(mine, "qr-ended", null, ""))
    },

    restrict(restriction) {
      state.change({ restriction: restriction && { ...restriction, since: clock.now() } }, "restriction")
    },

    heard(mine, event) {
      switch (event.type) {
        case "qr":
          if (engine().link?.method === "pairing-code") return
          return hearing.showCode(mine, "qr", event.qr, event.expiresAt, event.refreshed)
        case "pairing-code":
          return hearing.showCode(mine, "pairing-code", event.code, event.expiresAt, false)
        case "pairing-refused": {
          const lastError = { code: "PAIRING_REFUSED", message: event.reason, at: clock.now() }
          return engine().leave({ state: "idle", lastError }, "pairing refused")
        }
        case "linked":
          return linked(mine, event.user)
        case "open":
          return opened(mine, event.user)
        case "proof":
          state.live.lastProofAt = clock.now()
          return
        case "person":
          return feed.person(company, event.phone, event.lid)
        case "restriction":
          return hearing.restrict(event.restriction)
        case "call": {
          const { from, callId, at, status } = event
          const data = { callId, phone: from.phone, lid: from.lid, status, at: new Date(at).toISOString() }
          return state.announce(events.draft("call.received", data))
        }
        case "close":
          return engine().closed(mine, event.reason, event.code, event.detail)
      }
    },
  }
  return hearing
}
