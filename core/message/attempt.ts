import type { Clock } from "../clock.ts"
import type { Meter } from "../monitor/meter.ts"
import type { FirstTries } from "./first-tries.ts"
import type { Connection, SendOutcome } from "../provider.ts"
import type { Hold } from "../stages.ts"
import type { Item } from "./pump.ts"

/** What handlers say of a message that is about to be tried. */
export interface HoldVerdict extends Hold {
  /** Gives back what they have taken for it. */
  drop(): void
}

/** Why a message waits, and when it is looked at again; epoch ms. */
export interface Held {
  readonly reason: string | null
  readonly until: number
}

/** When to try again: when it is no longer held, or after a delay that grows. */
export type Again = { readonly held: Held; readonly queue: string | null } | { readonly firstMs: number }

export interface AttemptDeps {
  readonly connection: Connection
  readonly clock: Clock
  readonly meter?: Meter | undefined
  readonly firsts?: FirstTries | undefined
  /** Called before each try; undefined when nothing holds messages back. */
  readonly hold: ((item: Item) => Promise<HoldVerdict> | HoldVerdict) | undefined
  readonly onHeld: (item: Item, until: number, reason: string | null) => void
  /** Awaited before each try, where a try has to be on record. False: the message has been stopped. */
  readonly beforeTry: (item: Item) => Promise<boolean> | true
  /** Called with each try, when nothing stands against it any more. */
  readonly onTry: (item: Item) => void
  /** What an outcome means. True when the message has left the queue, false when it is to be tried again. */
  readonly outcome: (item: Item, outcome: SendOutcome) => boolean
  readonly expired: (item: Item) => void
}

/** What the pump says of a try while it is under way. */
export interface Trial {
  /** Nothing holds the message any more. */
  passed(): void
  isStopped(): boolean
  /** A receipt has shown meanwhile that it was sent. */
  isProven(): boolean
}

export const FIRST_RETRY_MS = 1_000
/** A message that may have gone out is not hurried after. */
const UNKNOWN_RETRY_MS = 30_000

/** One try of one message; undefined when it has left the queue. */
export function createAttempt(deps: AttemptDeps): (item: Item, trial: Trial) => Promise<Again | undefined> {
  const { connection, clock, meter, firsts } = deps

  return async (item, trial) => {
    const begun = clock.now()
    if (begun >= item.expiresAt) {
      deps.expired(item)
      return undefined
    }
    const asked = deps.hold?.(item)
    const verdict = asked instanceof Promise ? await asked : asked
    const { notBefore = null, reason = null, queue = null } = verdict ?? {}
    // Judged by when it was asked: a hold that is over by the time it is told has let nothing through, and is asked again.
    if (notBefore !== null && notBefore > begun) {
      verdict?.drop()
      deps.onHeld(item, notBefore, reason)
      return { held: { reason, until: notBefore }, queue }
    }
    trial.passed()
    let went = false
    try {
      const may = deps.beforeTry(item)
      if (may !== true && !(await may)) return undefined
      if (trial.isStopped()) return { firstMs: FIRST_RETRY_MS }
      deps.onTry(item)
      firsts?.handsOver(item)
      const handedOver = meter === undefined ? 0 : clock.monotonic()
      const outcome = await connection.send({ id: item.messageId, to: item.to, wire: item.wire })
      if (outcome.outcome === "acknowledged") meter?.note("messageLatency", clock.monotonic() - handedOver)
      went = outcome.outcome !== "not-sent"
      if (trial.isProven() || deps.outcome(item, outcome)) return undefined
      firsts?.again(item)
      return { firstMs: outcome.outcome === "unknown" ? UNKNOWN_RETRY_MS : FIRST_RETRY_MS }
    } finally {
      if (!went) verdict?.drop()
    }
  }
}
