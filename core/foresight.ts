import type { Fault } from "./refusal.ts"
import type { FailedItem, Finding } from "./stages.ts"
import type { Recipient, Restriction, SessionStatus } from "./types.ts"

/** What a send would meet just now, found out without sending: nothing is stored, taken, started or counted for it. */
export interface Foresight {
  /** Undefined for a company that has never had a session. */
  readonly session: SessionStatus | undefined
  /** What the line would say to a send. */
  readonly line: LineForesight
  readonly recipient: RecipientForesight
  /** What waits to be sent; a message would go behind it. */
  readonly queue: QueueForesight
}

export interface LineForesight {
  /** `heals`: the message is accepted and goes when the line is back. */
  readonly gate: "connected" | "heals" | "none"
  /** Code of the refusal, if there is one. */
  readonly refusal: "NO_ACTIVE_SESSION" | "SESSION_LIMIT_REACHED" | "SESSION_OWNED_ELSEWHERE" | null
}

export interface RecipientForesight {
  /** What is wrong with the recipient as it is written. The rest is then not known. */
  readonly faults: readonly Fault[]
  /** As it was understood. */
  readonly read: Recipient | null
  /** Whom a message would go to. */
  readonly to: Recipient | null
  /** Whether that one is on WhatsApp, where it is known without a question. */
  readonly onWhatsApp: boolean | undefined
  /** Nothing has gone to or come from them before. */
  readonly opensChat: boolean
  /** WhatsApp's restriction, where it is in the way of this message. */
  readonly restriction: Restriction | null
  /** What plugins say, by their names. */
  readonly findings: Readonly<Record<string, Finding | FailedItem>>
}

export interface QueueForesight {
  /** At most `most`, beyond which nobody counts. */
  readonly waiting: number
  readonly most: number
  /** Why the first one is held back; null when nothing but its line and its turn keeps it. */
  readonly first: HeldBack | null
  /** Of those, how many go to the same chat, which keeps its order. */
  readonly ahead: number
  /** Why a message to that chat would be held back behind those that wait there. */
  readonly aheadHeld: HeldBack | null
}

export interface HeldBack {
  readonly reason: string | null
  /** Epoch ms. */
  readonly until: number
}
