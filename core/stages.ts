import type { Draft, Call, Direction, Message, Principal, SessionStatus } from "./types.ts"
import type { Fault } from "./refusal.ts"
import type { NamingOf, RecordsOf } from "./records/sealing.ts"

/** The stages of the house: their kinds, what each is given and gives. */

/* Kinds of hooks: what a handler may return, and what its throw means (see `core/hooks.ts`). */

/** Runs in order and stops at the first refusal. A throw closes: the operation is refused with PLUGIN_FAULT. */
export interface Guard<I> {
  readonly kind: "guard"
  readonly input: I
}
/** Runs in order and stops at the first answer or refusal; no answer at all is a refusal. */
export interface First<I, A> {
  readonly kind: "first"
  readonly input: I
  readonly answer: A
}
/** Hands the value on from handler to handler. A throw fails the operation. */
export interface Transform<C, V> {
  readonly kind: "transform"
  readonly context: C
  readonly value: V
}
/** All in parallel with a deadline; each gives one item, a failing one a failed item. */
export interface Collect<I, T> {
  readonly kind: "collect"
  readonly input: I
  readonly item: T
}
/** After the fact, off the caller's path. A throw is logged as `plugin:fault` and harms nobody. */
export interface Observe<I> {
  readonly kind: "observe"
  readonly input: I
}

/** What the identifying plugin sees of a request. */
export interface Knock {
  /** By which lines of the log about it are found; likewise below. */
  readonly requestId?: string
  readonly method: string
  readonly path: string
  readonly headers: Headers
  /** The peer's address as the socket gives it; undefined where the runtime does not tell. */
  readonly remoteAddress: string | undefined
  /** Whom to count by: the peer, or whom a trusted proxy names in X-Forwarded-For. */
  readonly clientAddress: string | undefined
}

/** A signed call from another system, as the verifying plugin sees it: before anything has parsed it. */
export interface WebhookKnock {
  readonly requestId?: string
  readonly company: string
  /** As they came; whoever changes them spoils the signature for those that come after. */
  readonly body: Uint8Array
  readonly headers: Headers
}

/** What a verifier says of a call that it lets in. */
export interface Verified {
  /** By whom it was verified, such as `standard-webhooks`; `unsigned` needs a key of scope `send` beside it. */
  readonly scheme: string
  /** What a repeat of the call, and no other call, has in common with it; null where nothing tells a repeat. */
  readonly id: string | null
  /** Further ids under which the same call could be made to come again. */
  readonly also?: readonly string[]
  /** How long a repeat is known as one, in ms. */
  readonly rememberMs: number
}

/** A delivery that is about to go out. */
export interface DeliveryToSign {
  readonly company: string
  readonly id: string
  /** Seconds since the epoch. */
  readonly timestamp: number
  readonly body: Uint8Array
  /** Each signs, the newest first; `server`: WHATSAPP_WEBHOOK_SECRET. */
  readonly secrets: readonly string[] | "server"
}

export interface HealthItem {
  readonly ok: boolean
  readonly detail?: string
}

/** The stages of the house. */
export interface CoreHookMap {
  "request:identify": First<Knock, Principal>
  "company:validate": Guard<{ readonly company: string }>
  "session:start": Guard<{ readonly company: string }>
  "message:prepare": Transform<Call, Draft>
  "message:validate": Guard<
    Call & { readonly message: Draft; readonly faults: readonly Fault[]; readonly paths: FieldPaths }
  >
  /** To which number a message goes that nothing is wrong with: the one stage before acceptance that may ask WhatsApp. */
  "message:address": Transform<Call, Draft>
  "message:block": Guard<{
    readonly company: string
    readonly requestId?: string
    readonly direction: Direction
    readonly person: PersonOnTheLine
    readonly message: Draft | null
  }>
  /** Asked last, of single sends; what is taken here is given back by `undo` when the message is refused after all. */
  "message:limit": Guard<Call & { readonly message: Draft; readonly undo: Undoing }>
  /** Asked before each try, and again when the time has come. */
  "outbox:hold": Transform<HoldContext, Hold>
  /** Each record sealed, in their order: SEALED_ROOM free bytes, then the id of its key, and whatever else opens it. */
  "record:seal": Transform<RecordsOf, readonly Uint8Array[]>
  /** What was sealed, without the free bytes. Throws for a record that does not open; the error names it. */
  "record:open": Transform<RecordsOf, readonly Uint8Array[]>
  /**
   * The names under which records are stored, `[a-z0-9]+`, at most 64: no phone number shows in them, and they stay the
   * same for the same name whatever key is the newest.
   */
  "record:name": Transform<NamingOf, readonly string[]>
  "message:accepted": Observe<{ readonly message: Message; readonly requestId: string }>
  "message:sent": Observe<{ readonly message: Message }>
  "message:status": Observe<{ readonly message: Message }>
  "message:failed": Observe<{ readonly message: Message }>
  "message:received": Observe<{ readonly message: Message }>
  "message:rejected": Observe<{ readonly company: string; readonly plugin: string; readonly code: string }>
  "session:status": Observe<{ readonly session: SessionStatus; readonly cause: string }>
  "session:pairing": Observe<{
    readonly company: string
    readonly kind: "qr" | "pairing-code"
    readonly attempt: number
  }>
  "webhook:verify": First<WebhookKnock, Verified>
  /** Headers by name, to which a signer adds its own. A throw puts the try off: nothing goes unsigned by mistake. */
  "webhook:sign": Transform<DeliveryToSign, Readonly<Record<string, string>>>
  "webhook:received": Observe<{ readonly company: string; readonly scheme: string; readonly type: string }>
  /** Its records are going, those of plugins among them; what a plugin keeps of it in the house is the plugin's to remove. */
  "company:erased": Observe<{ readonly company: string }>
  /** An export stands in the place of all that the company had, with its records of plugins. */
  "company:imported": Observe<{ readonly company: string }>
  /** What stands in the way of a message that is only thought of: nothing may be taken, kept or counted for it. */
  "message:diagnose": Collect<ImaginedSend, Finding>
  "health:check": Collect<Record<string, never>, HealthItem>
  "app:ready": Observe<{ readonly url: string }>
  "app:closing": Observe<Record<string, never>>
  "plugin:fault": Observe<{ readonly plugin: string; readonly hook: string; readonly message: string }>
}

/** Where the caller wrote what can stand in several places, for the path of a fault. */
export interface FieldPaths {
  readonly recipient: "phone" | "to"
  readonly media: "media.url" | "mediaUrl"
}

/** The other side of a message, as far as it is known when a message is looked at. */
export interface PersonOnTheLine {
  readonly phone: string | null
  readonly lid: string | null
  readonly group: string | null
}

/** Registers how to take back what a handler has taken for a message, should it not go after all. Tasks must not throw. */
export type Undoing = (task: () => void) => void

/** What is known of a queued message when it is about to be tried. */
export interface HoldContext {
  readonly company: string
  readonly message: Message
  /** It came in a batch, which waits for room where a single send is refused. */
  readonly batched: boolean
  /** Nothing has gone to or come from this chat before. */
  readonly opensChat: boolean
  /** Runs when the message does not go now: another handler holds it, it has been stopped, or the connection was gone. */
  readonly undo: Undoing
}

/** Why a queued message waits; the latest date wins. */
export interface Hold {
  readonly notBefore: number | null
  readonly reason: string | null
  /**
   * The line in which the message stands, for something that all in it wait for. When the time has come the first alone
   * is asked again, and the next as soon as that one goes. Without it each message is asked by itself.
   */
  readonly queue?: string | null
}

/** A message that somebody asks about and nobody sends. */
export interface ImaginedSend {
  readonly company: string
  /** As it would go out; its text stands for any. */
  readonly message: Draft
  readonly person: PersonOnTheLine
  readonly chatId: string
  /** Nothing has gone to or come from this chat before. */
  readonly opensChat: boolean
}

/** What a plugin says to such a message. */
export interface Finding {
  /** What was looked at, in a word: `phone`, `blocked`, `rate`, `pace`, or one of the plugin's own. */
  readonly check: string
  readonly ok: boolean
  /** In plain words, with the remedy, and without an echo of the input. */
  readonly detail: string
  /** Not ok, and yet no refusal: the message would be accepted and wait, to this moment at least (epoch ms). */
  readonly waitsUntil?: number
  /** The phone that a message would go to instead of the one given. */
  readonly phone?: string
  /** Whether that one is on WhatsApp, where it is known without a question. */
  readonly onWhatsApp?: boolean
}

/** In place of the item of a plugin whose handler failed. */
export interface FailedItem {
  readonly ok: false
  readonly detail: string
}
