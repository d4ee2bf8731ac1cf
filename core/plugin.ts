import { z } from "@hono/zod-openapi"
import type { Clock } from "./clock.ts"
import type { CoreCode, coreErrors, ErrorExtra, ErrorSpec } from "./errors.ts"
import { bool, count, list, ms, share } from "./settings/fields.ts"
import type { Fault, Refusal } from "./refusal.ts"
import type { ApiRoute, RouteSpec } from "./route.ts"
import type { Logger } from "./log.ts"
import type { EnvBinding, EnvMap, SettingProblem, Surroundings } from "./settings/setting.ts"
import type { System } from "./system.ts"
import {
  KEY_ID_BYTES,
  type NamingOf,
  type RecordsControl,
  type RecordsOf,
  type ResealProgress,
  SEALED_ROOM,
} from "./records/sealing.ts"
import { utf8 } from "./records/utf8.ts"
import type { Call, Draft, Direction, FaultInfo, LineEvent, Message, Principal, SessionStatus } from "./types.ts"

/** THE contract: all that a plugin's author has to know. */

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
  readonly method: string
  readonly path: string
  readonly headers: Headers
  /** The peer's address as the socket gives it; undefined where the runtime does not tell. */
  readonly remoteAddress: string | undefined
  /** Whom to count by: the peer, or whom a trusted proxy names in X-Forwarded-For. */
  readonly clientAddress: string | undefined
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
  "message:validate": Guard<Call & { readonly message: Draft; readonly faults: readonly Fault[] }>
  "message:block": Guard<{
    readonly company: string
    readonly direction: Direction
    readonly person: PersonOnTheLine
    readonly message: Draft | null
  }>
  "message:limit": Guard<Call & { readonly message: Draft }>
  "outbox:hold": Transform<{ readonly company: string; readonly message: Message }, Hold>
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
  "health:check": Collect<Record<string, never>, HealthItem>
  "app:ready": Observe<{ readonly url: string }>
  "app:closing": Observe<Record<string, never>>
  "plugin:fault": Observe<{ readonly plugin: string; readonly hook: string; readonly message: string }>
}

/** Open: a plugin merges names of its own into it with `declare module`, and says their kinds in `hooks`. */
export interface HookMap extends CoreHookMap {}

/** The other side of a message, as far as it is known when a message is looked at. */
export interface PersonOnTheLine {
  readonly phone: string | null
  readonly lid: string | null
  readonly group: string | null
}

/** Why a queued message waits; the latest date wins. */
export interface Hold {
  readonly notBefore: number | null
  readonly reason: string | null
}

export type HookName = Extract<keyof HookMap, string>
export type HookKind = HookMap[HookName]["kind"]
type MaybePromise<T> = T | Promise<T>
export type NamesOf<K extends HookKind> = { [N in HookName]: HookMap[N]["kind"] extends K ? N : never }[HookName]

export type Handler<N extends HookName> =
  HookMap[N] extends Guard<infer I>
    ? (input: I) => MaybePromise<Refusal | undefined | void>
    : HookMap[N] extends First<infer I, infer A>
      ? (input: I) => MaybePromise<A | Refusal | undefined>
      : HookMap[N] extends Transform<infer C, infer V>
        ? (value: V, context: C) => MaybePromise<V>
        : HookMap[N] extends Collect<infer I, infer T>
          ? (input: I) => MaybePromise<T>
          : HookMap[N] extends Observe<infer I>
            ? (input: I) => MaybePromise<void>
            : never

export interface PluginSpec<
  C extends z.ZodObject = z.ZodObject,
  E extends Record<string, ErrorSpec> = Record<string, ErrorSpec>,
> {
  readonly name: string
  /** One sentence for the README and `npm run plugins`. */
  readonly description: string
  /** Settings with defaults; each key has `.describe()` text for the README. */
  readonly config?: C
  readonly env?: EnvMap<C>
  readonly errors?: E
  /** Services that `setup` offers with `provide`. */
  readonly provides?: readonly string[]
  /** Services that another plugin must list in `provides`; one that is missing stops the start. */
  readonly needs?: readonly string[]
  /** Plugins that come earlier in every stage if they are there. */
  readonly after?: readonly string[]
  /** Hook names of the plugin's own, with their kinds. */
  readonly hooks?: Readonly<Record<string, HookKind>>
  /** True for a plugin that answers `request:identify` well enough for an address other than loopback. */
  readonly guardsPublicHost?: boolean
  /** Problems that span settings; each names the variable and what is accepted. Nothing may be started here. */
  check?(config: z.output<C>, surroundings: Surroundings): readonly SettingProblem[]
  setup(context: PluginContext<z.output<C>, CoreCode | (keyof E & string)>): MaybePromise<Undo | void>
}

export type Undo = () => MaybePromise<void>

/** Functions as values, so that `setup` can take them apart. */
export interface PluginContext<C, Code extends string> {
  readonly config: C
  readonly on: <N extends HookName>(name: N, handler: Handler<N>) => void
  /** A refusal to return from a guard or first hook. */
  readonly reject: (code: Code, extra?: ErrorExtra) => Refusal
  /** Mounts a route under the house's rules: identified, scoped, validated, documented. */
  readonly route: <S extends RouteSpec>(route: ApiRoute<S>) => void
  /** Offers a service to plugins that name it in `needs`. */
  readonly provide: (name: string, service: unknown) => void
  readonly need: <T>(name: string) => T
  readonly log: Logger
  readonly clock: Clock
  readonly system: System
  readonly sessions: SessionsView
  readonly events: EventsView
  readonly records: RecordsControl
  /** Name of the provider in use. */
  readonly provider: string
  /** Writes a record and reads it again; rejects when the storage does not do that. */
  readonly probeStorage: () => Promise<void>
  /** The OpenAPI document of all routes mounted; complete once the app is ready. */
  readonly openapi: () => unknown
  /** Runs every `health:check` handler and names each by its plugin. */
  readonly healthChecks: () => Promise<Record<string, HealthItem>>
  /** Work that goes on beside requests; awaited at shutdown, its failure reported as `plugin:fault`. */
  readonly background: (name: string, task: (signal: AbortSignal) => Promise<void>) => void
}

/** What a plugin may read of the lines. */
export interface SessionsView {
  list(): readonly SessionStatus[]
  get(company: string): SessionStatus | undefined
  /** A round trip to WhatsApp on a connected line; rejects when there is no answer within `timeoutMs`, or no connection. */
  prove(company: string, timeoutMs: number): Promise<void>
}

/** What a plugin may read of a company's event log. */
export interface EventsView {
  read(company: string, after: number, limit: number): Promise<LineEvent[]>
}

export interface Plugin extends PluginSpec {}

/** Declares a plugin. The static part can be read without running anything. One without errors of its own has core's. */
export function definePlugin<
  C extends z.ZodObject = z.ZodObject,
  E extends Record<string, ErrorSpec> = typeof coreErrors,
>(spec: PluginSpec<C, E>): Plugin {
  return spec
}

export { bool, count, KEY_ID_BYTES, list, ms, SEALED_ROOM, share, utf8, z }
export type {
  ApiRoute,
  Call,
  Draft,
  EnvBinding,
  EnvMap,
  ErrorSpec,
  Fault,
  FaultInfo,
  Message,
  NamingOf,
  Principal,
  RecordsControl,
  RecordsOf,
  Refusal,
  ResealProgress,
  RouteSpec,
  SessionStatus,
  SettingProblem,
  Surroundings,
}
