import type { Clock } from "../clock.ts"
import type { Events } from "../events.ts"
import type { Hooks } from "../hooks.ts"
import type { Ledger, Op } from "../ledger.ts"
import type { Code } from "./codes.ts"
import type { LineRecord } from "./record.ts"
import type { Naming } from "./view.ts"
import type { Logger } from "../log.ts"
import type { Meter } from "../monitor/meter.ts"
import type { Homes } from "../homes/homes.ts"
import type { Connection, ConnectInput, Intake, LineProxy, Provider } from "../provider.ts"
import type { Gate } from "../session.ts"
import type { CoreSettings } from "../settings.ts"
import type { SessionStatus } from "../types.ts"

/** What the rest of the house does with a line's connection. */
export interface LineFeed {
  intake(company: string): Intake
  sentContent(company: string, providerMessageId: string): Promise<Uint8Array | undefined>
  opened(company: string, connection: Connection): void
  closed(company: string): void
  person(company: string, phone: string, lid: string): void
}

export interface LineDeps {
  readonly settings: CoreSettings
  readonly ledger: Ledger
  readonly provider: Provider
  readonly naming: Naming
  readonly homes: Homes
  readonly events: Events
  readonly hooks: Hooks
  readonly clock: Clock
  readonly log: Logger
  readonly meter?: Meter | undefined
  /** 0–1. */
  readonly random: () => number
  /** The proxy through which a company reaches WhatsApp, if it has one. Rejects with a `UrlRefused`. */
  readonly proxy: (company: string) => Promise<LineProxy | undefined>
  readonly feed: LineFeed
  /** True while some other line can reach WhatsApp: then a failure is this line's own. */
  readonly othersReach: (company: string) => boolean
}

export type Link = ConnectInput["link"]

export interface Line {
  readonly company: string
  readonly record: LineRecord
  readonly code: Code | undefined
  /** How a pairing that is under way goes on; undefined when there is none. */
  readonly link: Link | undefined
  readonly gate: Gate
  /** It has a socket or is on the way to one. */
  readonly live: boolean
  /** WhatsApp is answering it. */
  readonly reaches: boolean
  readonly connection: Connection | undefined
  status(): SessionStatus
  /** A round trip to WhatsApp; rejects when there is no answer within `timeoutMs`, or no connection. */
  prove(timeoutMs: number): Promise<void>
  /** Ends the connection on which the last `prove` had no answer, if it is still there and silent; false if it is not. */
  heal(): boolean
  /** What follows is done for this request. */
  actFor(requestId: string): void
  /**
   * Begins, or goes on with what is under way. `link` allows a pairing when there are no complete credentials. `notes` are
   * durable with the change that this is; none may be a condition.
   */
  start(link: Link | undefined, cause: string, notes?: readonly Op[]): void
  /** Closes what there is and connects anew. */
  restart(link: Link, cause: string, notes?: readonly Op[]): void
  /** Writes what is to be noted though nothing changes. */
  note(notes: readonly Op[]): void
  /** Asks for a pairing code on the connection there is; false when it cannot. Throws PAIRING_REFUSED. */
  askCode(phone: string): Promise<boolean>
  /** Closes and keeps the credentials; resolves when everything is written. */
  stop(state: "disconnected" | "idle" | "closing", cause: string): Promise<void>
  /** Closes and lets go of the credentials for a while; a line that was wanted still is. */
  pause(cause: string): Promise<void>
  /** Unlinks at WhatsApp if it is connected and erases the credentials. True when WhatsApp has been told. */
  logout(cause: string): Promise<boolean>
  /** Erases credentials that are worthless; throws when storage fails. */
  eraseCredentials(): Promise<void>
  /** Erases the credentials of a pairing that nobody finishes. */
  abandonPairing(): Promise<void>
  /** Erases the session's record. */
  remove(): Promise<void>
  /** Tries now rather than when the backoff ends. */
  nudge(delayMs: number): void
  touch(): void
  restrict(restriction: { kind: string; until: number | null } | null): void
  changed(ms: number): Promise<void>
  /** Ends every such wait. */
  wake(): void
  /** Resolves with true when everything written so far is durable, or after `ms` with false. */
  flush(ms: number): Promise<boolean>
  /** Writes nothing any more. */
  abandon(): void
}

/** It should be connected, and another process has it. */
export function isOwnedElsewhere({ live, record: { wanted, lastError } }: Line): boolean {
  return !live && wanted && lastError?.code === "SESSION_OWNED_ELSEWHERE"
}
