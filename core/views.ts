import type { z } from "@hono/zod-openapi"
import type { AtomicStore } from "./atomic.ts"
import type { Call, Contact, EventType, LineEvent, SessionStatus } from "./types.ts"

/** What plugins see of the house, and may do in it. */

type MaybePromise<T> = T | Promise<T>

/** Small state that changes at once: limits, counters, marks. */
export interface AtomicStores {
  /** This process's own; never fails. */
  readonly local: AtomicStore
  /** What processes share, where REDIS_URL names a server; its calls reject while that is away. */
  readonly shared: AtomicStore | undefined
}

/** The companies of this house. */
export interface CompaniesView {
  exists(company: string): Promise<boolean>
  /**
   * The settings that plugins declare, secrets among them: one frozen object that stays the same until one of them
   * changes, so that what is made from it can be kept by it. At once when it is remembered. Values were checked when set.
   */
  settings(company: string): MaybePromise<Readonly<Record<string, unknown>>>
  /** Changes settings of this plugin's own; null takes one away. What `change` throws comes out, with nothing changed. */
  change(
    call: Call,
    change: (now: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
  ): Promise<void>
  /** Makes the company if there is none. Throws FORBIDDEN then for anybody but the operator. */
  ensure(call: Call): Promise<void>
  /**
   * Another number is another company of the same id: the earlier one has been erased. Undefined from the moment an
   * erasure begins until a company of this id begins anew.
   */
  generation(company: string): number | undefined
}

/** Cause of the change of status of a line that did not answer, and what its `lastError` says in brackets. */
export const NO_PROOF = "no proof of life"

/** What a plugin may read of the lines. */
export interface SessionsView {
  list(): readonly SessionStatus[]
  get(company: string): SessionStatus | undefined
  /** As `get`, also of a line that is not in memory; undefined for a company never seen. Rejects when the ledger fails. */
  look(company: string): Promise<SessionStatus | undefined>
  /** As `look`, of every company that has or has had a session here, in order of their ids. */
  all(): Promise<readonly SessionStatus[]>
  /** A round trip to WhatsApp on a connected line; rejects when there is no answer within `timeoutMs`, or no connection. */
  prove(company: string, timeoutMs: number): Promise<void>
  /**
   * Ends the connection on which the last `prove` had no answer, so that the line reconnects by its own rules. False, with
   * nothing done, when that one is gone already, or something has been heard on it since.
   */
  heal(company: string): boolean
  /**
   * Whether a phone is on WhatsApp, and under which address; undefined when it is not. Each call asks WhatsApp, which
   * counts against the account. Rejects without a connection, without an answer within `timeoutMs`, and with
   * NOT_SUPPORTED where the provider cannot tell.
   */
  lookup(company: string, phone: string, timeoutMs: number): Promise<Contact | undefined>
}

/** What a plugin may read of a company's event log; company `""` is the house, which has one of its own. */
export interface EventsView {
  read(company: string, after: number, limit: number): Promise<LineEvent[]>
  /** Position of the last event; 0 when there is none. */
  tail(company: string): Promise<number>
}

/** A setting of companies that a plugin declares. */
export interface CompanyField {
  /** What a value must be; `null` and what is left out are core's own matter. Each fault is one sentence without an echo. */
  readonly schema: z.ZodType
  /** For the documentation. */
  readonly description: string
  /** Kept apart, shown as `***`, and left out of exports without credentials. */
  readonly secret?: boolean
  /** Only the admin key changes it; a company's own key may send back what is set. */
  readonly operatorSets?: boolean
}

export type CompanyFields = Readonly<Record<string, CompanyField>>

/** What a plugin keeps: records of its own for each company, and for the house as company `""`. */
export interface PluginStorage {
  of(company: string): PluginRecords
  /** Apart from those: left out of exports, unless credentials are asked for. */
  secretsOf(company: string): PluginRecords
  /** Records of `of`, over all companies, whose time has come; earliest first. */
  due(now: number, limit: number): Promise<readonly DueRecord[]>
}

/**
 * Records by key, any text of up to 1,000 characters; values are whatever JSON holds, and bytes. They end with the
 * company. Rejects with STORAGE_UNAVAILABLE when the ledger fails, and COMPANY_ERASED for a company that is gone.
 */
export interface PluginRecords {
  get<T>(key: string): Promise<T | undefined>
  put(key: string, value: unknown, options?: RecordOptions): Promise<void>
  /** False, with nothing written, when there is one already. */
  putIfAbsent(key: string, value: unknown, options?: RecordOptions): Promise<boolean>
  delete(key: string): Promise<void>
  /** All of it or nothing; false when a condition did not hold. */
  commit(changes: readonly RecordChange[]): Promise<boolean>
  /** In an order of no meaning. */
  list<T>(page?: { readonly after?: string; readonly limit?: number }): Promise<RecordPage<T>>
  /** Adds to a whole number (absent counts as 0). Numbers have keys of their own, which are never sealed. */
  increment(key: string, by: number): Promise<void>
  numbers(): Promise<Readonly<Record<string, number>>>
}

export interface RecordOptions {
  /** Epoch ms at which `due` reports it. */
  readonly due?: number
}

export type RecordChange =
  | ({ readonly op: "put" | "putIfAbsent"; readonly key: string; readonly value: unknown } & RecordOptions)
  | { readonly op: "delete"; readonly key: string }
  | { readonly op: "increment"; readonly key: string; readonly by: number }

export interface RecordPage<T> {
  readonly records: readonly { readonly key: string; readonly value: T }[]
  /** Hand back as `after`; null at the end. */
  readonly next: string | null
}

export interface DueRecord {
  readonly company: string
  readonly key: string
  readonly value: unknown
  readonly due: number
}

/** What is written at once, or not at all. Company `""` is the house. */
export interface Changes {
  /** Records of the plugin's own. */
  readonly changes?: readonly RecordChange[]
  /** For the company's event log. */
  readonly events?: readonly { readonly type: EventType; readonly data: Readonly<Record<string, unknown>> }[]
  readonly deliveries?: readonly DeliveryDraft[]
}

/** Which delivery of a company: an id may stand once for each endpoint. */
export interface DeliveryRef {
  /** The receiver's `webhook-id`, the same at each try: 1–200 visible ASCII characters, no full stop. */
  readonly id: string
  /** A channel of the plugin's own. */
  readonly channel: string
  /** `[A-Za-z0-9_:-]`, at most 100. Deliveries to other endpoints never wait for those to this one. */
  readonly endpoint: string
}

export interface DeliveryDraft extends DeliveryRef {
  /** Sent as JSON, the same bytes at each try; at most 512 KiB. */
  readonly body: object
}

/** Where deliveries go, and what becomes of them. */
export interface DeliveryChannel {
  /** An endpoint of that name is the same place for all companies, who share what it is tried at once. Default false. */
  readonly shared?: boolean
  /**
   * Asked at each try, so that a changed URL and a new secret count at once. Undefined: the endpoint is no more, and what
   * was to go there is cancelled. Has 10 s; a throw counts as a failed try.
   */
  target(to: { readonly company: string; readonly endpoint: string }): MaybePromise<DeliveryTarget | undefined>
  /**
   * The receiver answered 410, or nothing has got through for three days; the delivery is over when this has come to its
   * end, or after 10 s. A crash in between may bring it once more.
   */
  ended?(delivery: Delivery, why: "gone" | "given-up"): MaybePromise<void>
}

export interface DeliveryTarget {
  readonly url: string
  /** True: the operator gave this URL, who may name a private address. */
  readonly trusted?: boolean
  /** Each signs, the newest first; `server`: WHATSAPP_WEBHOOK_SECRET. Unsigned without one. */
  readonly secrets: readonly string[] | "server"
  readonly headers?: Readonly<Record<string, string>>
}

export type DeliveryState = "pending" | "delivered" | "gone" | "given-up" | "cancelled"

export interface DeliveryAttempt {
  /** Epoch ms. */
  readonly at: number
  readonly ms: number
  /** Null where there was no answer. */
  readonly status: number | null
  /**
   * `status`: an answer other than 2xx; `answer`: one that is not HTTP, or too large; `url`: it may not be reached;
   * `internal`: it could not be made here.
   */
  readonly error: "status" | "redirect" | "timeout" | "unreachable" | "answer" | "url" | "internal" | null
}

export interface Delivery extends DeliveryRef {
  readonly company: string
  readonly state: DeliveryState
  /** Epoch ms. */
  readonly createdAt: number
  /** When it is tried next; null once it is over. */
  readonly nextAt: number | null
  readonly endedAt: number | null
  readonly tries: number
  /** The latest 20, oldest first. */
  readonly attempts: readonly DeliveryAttempt[]
  /** The JSON that is sent. */
  readonly body: string
}

export interface DeliveryPage {
  /** Newest first. */
  readonly deliveries: readonly Delivery[]
  /** Hand back as `after`; null at the end. */
  readonly next: string | null
}

/**
 * Signed and lasting delivery to URLs, at least once, by Standard Webhooks. What is over can be seen for a week.
 * All reject with STORAGE_UNAVAILABLE when the ledger fails.
 */
export interface DeliveriesView {
  /** Declares one in setup; its name is the plugin's own. Throws later, and for one that is there. */
  channel(name: string, channel: DeliveryChannel): void
  /** Of one endpoint, or of the channel. */
  list(
    company: string,
    channel: string,
    page: { readonly endpoint?: string; readonly after?: string; readonly limit: number },
  ): Promise<DeliveryPage>
  find(company: string, ref: DeliveryRef): Promise<Delivery | undefined>
  /** Sends it again now, as if it were new; false when there is none. */
  replay(company: string, ref: DeliveryRef): Promise<boolean>
}
