import type { z } from "@hono/zod-openapi"
import type { Clock } from "./clock.ts"
import type { Logger } from "./log.ts"
import type { EnvMap } from "./settings/setting.ts"
import type { AuthBatch, AuthStore } from "./store.ts"
import type { Contact, Content, LineUser, MediaType, Restriction } from "./types.ts"

/** Port: how a company reaches WhatsApp. Small: optional abilities are optional members, never methods that throw. */
export interface Provider {
  readonly name: string
  /** Content as it will travel: stored with the message, so that a resend or a retry after a restart says the same. */
  encode(content: Content): Uint8Array
  /** Opens one connection. Resolves once it is under way; what becomes of it comes as events. Never rejects for the network. */
  connect(input: ConnectInput): Promise<Connection>
  /** True when the store holds credentials of a finished pairing. Throws CREDENTIALS_DAMAGED or STORAGE_UNAVAILABLE. */
  linked(auth: AuthStore): Promise<boolean>
  /** Reads the files in which another program keeps a linked device. Every file is accounted for; never rejects for one. */
  importAuth?(files: ReadonlyMap<string, Uint8Array>): Promise<AuthImport>
  /** What tells the link in a store from any other; undefined when there is none that is finished. Throws as `linked` does. */
  describeAuth?(auth: Pick<AuthStore, "load">): Promise<AuthFacts | undefined>
  /** Loads heavy code ahead of the first connect. */
  warm?(): Promise<void>
}

export interface AuthImport {
  /** What could be read, as `AuthStore.save` takes it. */
  readonly auth: AuthBatch
  /** Undefined when there is no link in the files; a fatal problem says why. */
  readonly facts: AuthFacts | undefined
  readonly problems: readonly FileProblem[]
}

export interface FileProblem {
  readonly file: string
  /** Without anything that stands in the file. */
  readonly message: string
  /** True: without this file there is nothing to import. */
  readonly fatal: boolean
}

/** One link of an account, at one moment of its life. */
export interface AuthFacts {
  readonly user: LineUser
  /** Which of the account's devices it is, where WhatsApp counts them. */
  readonly device: number | null
  /** Stands for the identity key: another one is another link. */
  readonly identity: string
  readonly registrationId: number
  /** Figures that only grow as a link is used, by name. */
  readonly counters: Readonly<Record<string, number>>
}

export interface ConnectInput {
  readonly company: string
  readonly auth: AuthStore
  /** Aborted: close at once, without logging out. */
  readonly signal: AbortSignal
  /** How to link if the store holds no finished credentials. */
  readonly link: { readonly method: "qr" } | { readonly method: "pairing-code"; readonly phone: string }
  readonly intake: Intake
  emit(event: ProviderEvent): void
  /** The stored wire content of a message of ours, asked for when a recipient could not read it. */
  sentContent(providerMessageId: string): Promise<Uint8Array | undefined>
  readonly options: ConnectOptions
}

/** The proxy through which a line reaches WhatsApp. */
export interface LineProxy {
  /** http, https or socks URL, with its credentials. Its host is for TLS alone. */
  readonly url: string
  /** The IP address at which it has been judged, and to which alone to connect. */
  readonly address: string
}

export interface ConnectOptions {
  readonly keepAliveMs: number
  readonly connectTimeoutMs: number
  readonly proxy?: LineProxy
  readonly log: Logger
  readonly clock: Clock
}

/**
 * Where inbound things go. The provider awaits it *before* it acknowledges to WhatsApp, so that what was acknowledged is
 * stored. It rejects only when the line is being closed; a store that fails is waited for inside.
 */
export interface Intake {
  message(message: InboundMessage): Promise<void>
  receipt(update: ReceiptUpdate): Promise<void>
}

/** A person as WhatsApp named them; either may be null, never both. Digits and bare LID user. */
export interface PersonRef {
  readonly phone: string | null
  readonly lid: string | null
}

export type ChatRef = ({ readonly kind: "person" } & PersonRef) | { readonly kind: "group"; readonly group: string }

export interface InboundMessage {
  readonly chat: ChatRef
  /** Who wrote it: the contact, a group member, or our own phone. */
  readonly sender: PersonRef
  readonly fromMe: boolean
  readonly wireId: string
  /** Epoch ms as WhatsApp stamped it. */
  readonly at: number
  readonly pushName: string | null
  readonly content: Content
  /** What is attached, where something is; its content may not be built yet. */
  readonly attachment?: MediaType
  /** The protobuf as it came, for what is not built yet. */
  readonly wire: Uint8Array
  /** Delivered from WhatsApp's offline queue. */
  readonly offline: boolean
}

export interface ReceiptUpdate {
  readonly chat: ChatRef
  readonly wireIds: readonly string[]
  readonly status: "delivered" | "read"
  readonly at: number
}

export interface OutgoingMessage {
  readonly id: string
  readonly to: ChatRef
  readonly wire: Uint8Array
}

export type SendOutcome =
  /** WhatsApp's own acknowledgement. */
  | { readonly outcome: "acknowledged"; readonly at: number }
  /** WhatsApp said no; it will not go out. `restriction` when the account is barred from new chats (463). */
  | { readonly outcome: "refused"; readonly code: string; readonly reason: string; readonly restriction?: Restriction }
  | { readonly outcome: "not-on-whatsapp" }
  /** It never reached the socket: safe to try again. */
  | { readonly outcome: "not-sent"; readonly cause: Error }
  /** It may or may not have gone out. */
  | { readonly outcome: "unknown"; readonly cause: Error }

export type Presence =
  | { readonly state: "available" | "unavailable" }
  | { readonly state: "composing" | "recording" | "paused"; readonly to: ChatRef }

export interface Connection {
  /** Never rejects. At most one call per message id at a time. */
  send(message: OutgoingMessage): Promise<SendOutcome>
  /** A round trip to WhatsApp: resolves when it answered, rejects when it did not within `timeoutMs`. */
  prove(timeoutMs: number): Promise<void>
  /** Asks for a pairing code; only one that WhatsApp has accepted comes back, else PAIRING_REFUSED. */
  pairingCode?(phone: string): Promise<{ readonly code: string; readonly expiresAt: number }>
  /** Whether a phone is on WhatsApp now. Undefined: it is not. Rejects when WhatsApp does not say within `timeoutMs`. */
  lookup?(phone: string, timeoutMs: number): Promise<Contact | undefined>
  /**
   * Shows the account as online or not, or what it does in a chat. Resolves when it is written; WhatsApp confirms
   * none. Throws NOT_ON_WHATSAPP, or MESSAGE_SEND_ERROR while something is missing that WhatsApp asks for.
   */
  presence?(presence: Presence, timeoutMs: number): Promise<void>
  /** Unlinks at WhatsApp; the credentials are useless afterwards. */
  logout(): Promise<void>
  /** Closes without logging out and returns when everything it wrote is durable. */
  close(): Promise<void>
}

/** Why a connection ended. What follows from each stands in one table, in `core/session.ts`. */
export type CloseReason =
  | "restart-required"
  | "logged-out"
  | "pairing-incomplete"
  | "banned"
  | "outdated"
  | "not-accepted"
  | "replaced"
  | "unreachable"
  | "unknown"
  | "qr-ended"
  | "passkey-required"
  | "credentials-damaged"
  | "storage-unavailable"
  | "proxy-refused"
  | "closed-by-us"

export type ProviderEvent =
  /** `refreshed`: the same attempt drawn again with a fresh secret. */
  | { readonly type: "qr"; readonly qr: string; readonly expiresAt: number; readonly refreshed: boolean }
  | { readonly type: "pairing-code"; readonly code: string; readonly expiresAt: number }
  /** A pairing code was asked for and WhatsApp refused the registration. */
  | { readonly type: "pairing-refused"; readonly reason: string }
  /** Pairing finished; the credentials are durable. */
  | { readonly type: "linked"; readonly user: LineUser }
  | { readonly type: "open"; readonly user: LineUser }
  /** WhatsApp answered something just now. */
  | { readonly type: "proof" }
  | { readonly type: "person"; readonly phone: string; readonly lid: string }
  | { readonly type: "restriction"; readonly restriction: Restriction | null }
  | {
      readonly type: "call"
      readonly from: PersonRef
      readonly callId: string
      readonly at: number
      readonly status: string
    }
  /** Last event of a connection. `code` is WhatsApp's or the transport's number; `detail` is fit for a caller's eyes. */
  | { readonly type: "close"; readonly reason: CloseReason; readonly code: number | null; readonly detail: string }

/** An installable provider: its settings are declared beside it, like a plugin's. */
export interface ProviderAdapter<C extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly config: C
  /** Environment name → key of `config`. */
  readonly env: EnvMap<C>
  create(input: { readonly config: z.output<C>; readonly log: Logger; readonly clock: Clock }): Provider
}
