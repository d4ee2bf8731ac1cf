/** The nouns of the house. No behaviour, no imports. */

/** What a key may do inside its company; `operator` is the admin key alone. */
export type Scope = "send" | "read" | "session" | "admin" | "operator"

/** Who makes a request. `company` is set for a key that belongs to one company only; `anonymous` on routes that need no key. */
export interface Principal {
  readonly kind: "admin" | "loopback" | "company" | "anonymous"
  readonly company?: string
  readonly scopes: ReadonlySet<Scope>
  /**
   * Runs `over` once, should the key end while its answer is still being given: an answer without an end then stops.
   * Returns how to stop hearing. Absent where nothing ends.
   */
  readonly onEnd?: (over: () => void) => () => void
}

/** One request on behalf of one company; travels through every stage of a pipeline. */
export interface Call {
  readonly company: string
  readonly requestId: string
  readonly principal: Principal
  /** Sets a header of the answer, refused or not; absent where there is no answer of its own, as in a batch. */
  readonly header?: (name: string, value: string) => void
}

/** A recipient as the caller named it, normalised: digits only for a phone, the bare user for a LID, the full id for a group. */
export type Recipient =
  | { readonly kind: "phone"; readonly phone: string }
  /** `phone` is the number it stands for, as far as that is known. */
  | { readonly kind: "lid"; readonly lid: string; readonly phone?: string }
  | { readonly kind: "group"; readonly group: string }

export type MediaType = "image" | "video" | "audio" | "voice" | "document" | "sticker"

/** Where an attachment comes from. `mimetype` as in a Content-Type header; without one the URL's own answer tells it. */
export type MediaSource =
  | { readonly url: string; readonly mimetype?: string }
  /** In the standard alphabet, without a `data:` prefix; padding may be missing. */
  | { readonly base64: string; readonly mimetype: string }

export interface TextContent {
  readonly type: "text"
  readonly text: string
  /** People whom the text names, never groups. */
  readonly mentions?: readonly Recipient[]
  readonly linkPreview?: boolean
}

export interface MediaContent {
  readonly type: MediaType
  readonly media: MediaSource
  readonly caption?: string
  readonly filename?: string
}

export interface LocationContent {
  readonly type: "location"
  /** Degrees. */
  readonly latitude: number
  readonly longitude: number
  readonly name?: string
  readonly address?: string
}

export interface ContactCard {
  readonly fullName: string
  /** Digits, country code first. */
  readonly phoneNumber: string
  readonly organization?: string
  readonly email?: string
  readonly url?: string
}

export interface PollContent {
  readonly type: "poll"
  /** The question. */
  readonly name: string
  readonly options: readonly string[]
  readonly multipleAnswers: boolean
}

/** What a message says. Types that are not built yet arrive as `unsupported` and are kept. */
export type Content =
  | TextContent
  | MediaContent
  | LocationContent
  | { readonly type: "contact"; readonly contacts: readonly ContactCard[] }
  | PollContent
  /** The empty text as `emoji` takes a reaction back. */
  | { readonly type: "reaction"; readonly messageId: string; readonly emoji: string }
  | { readonly type: "edit"; readonly messageId: string; readonly text: string }
  | { readonly type: "delete"; readonly messageId: string }
  | { readonly type: "unsupported" }

/** A message on its way out, before it is accepted. */
export interface Draft {
  readonly to: Recipient
  readonly content: Content
  /** Id of the message that it answers. */
  readonly replyTo?: string
  /** True when sanitizing changed the text; the answer says so. */
  readonly sanitized?: boolean
}

export type Direction = "inbound" | "outbound"
export type Origin = "api" | "phone" | "contact"
export type MessageStatus = "queued" | "sent" | "delivered" | "read" | "failed" | "unknown" | "received"

export interface FaultInfo {
  readonly code: string
  readonly message: string
  readonly details?: unknown
}

/** Milliseconds since the epoch in memory and on disk; ISO 8601 only in JSON answers. */
export interface MessageTimes {
  queued?: number
  sent?: number
  delivered?: number
  read?: number
  failed?: number
  received?: number
}

export interface Message {
  readonly messageId: string
  readonly providerMessageId: string | null
  readonly companyId: string
  /** Ours, opaque; stays the same when a phone and a LID turn out to be one person. */
  readonly chatId: string
  readonly direction: Direction
  readonly origin: Origin
  readonly phone: string | null
  readonly lid: string | null
  readonly group: string | null
  readonly type: Content["type"]
  readonly message: string | null
  readonly status: MessageStatus
  readonly times: MessageTimes
  readonly error: FaultInfo | null
}

export type SessionState =
  | "idle"
  | "connecting"
  | "qr"
  | "pairing-code"
  | "passkey-required"
  | "connected"
  | "reconnecting"
  | "disconnected"
  | "qr-expired"
  | "logged-out"
  | "replaced"
  | "outdated"
  | "failed"

/** A phone that is on WhatsApp: its address there, and its bare LID user as far as WhatsApp tells it. */
export interface Contact {
  readonly address: string
  readonly lid: string | null
}

export interface LineUser {
  readonly id: string
  readonly phone: string | null
  readonly lid: string | null
  readonly name: string | null
}

export interface Restriction {
  readonly kind: string
  /** Epoch ms, or null when WhatsApp did not say. */
  readonly until: number | null
}

export interface SessionStatus {
  readonly companyId: string
  readonly status: SessionState
  readonly connected: boolean
  readonly user: LineUser | null
  readonly connectedAt: number | null
  readonly lastActivity: number | null
  readonly lastProofAt: number | null
  readonly reconnectAttempts: number
  readonly restriction: Restriction | null
  readonly lastError: (FaultInfo & { readonly at: number }) | null
  readonly provider: string
  readonly storage: string
}

/** One thing that happened on a company's line; `position` is given at commit: 1, 2, 3 … per company, without gaps. */
export interface LineEvent {
  readonly id: string
  readonly position: number
  readonly type: EventType
  readonly companyId: string
  readonly timestamp: number
  readonly data: Readonly<Record<string, unknown>>
}

export type EventType =
  | "session.status"
  | "session.qr"
  | "session.pairing-code"
  | "message.received"
  | "message.sent"
  | "message.status"
  | "message.failed"
  | "call.received"
  | "alert.raised"
  | "alert.resolved"
  | "storage.move"
  | "company.exported"
