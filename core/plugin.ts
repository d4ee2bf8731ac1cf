import { z } from "@hono/zod-openapi"
import type { AtomicStore, Quota, Receipt, Taken } from "./atomic.ts"
import type { Clock } from "./clock.ts"
import type { Egress, EgressAnswer, EgressRequest, UrlFault, UrlRules } from "./egress.ts"
import { isUrlRefused } from "./egress.ts"
import type { CoreCode, coreErrors, ErrorSpec } from "./errors.ts"
import { bool, count, list, ms, share } from "./settings/fields.ts"
import type { Fault, Refusal } from "./refusal.ts"
import type { ApiRoute, RouteSpec } from "./route.ts"
import type { PluginLogger as Logger } from "./log.ts"
import type { Foresight } from "./foresight.ts"
import type { OwnHooks, PluginContext, Undo } from "./plugin-context.ts"
import type { Latencies, LatencySummary, MonitorView, Totals } from "./monitor.ts"
import type { Metrics, MetricSnapshot, MetricSpec, MetricSpecs } from "./metrics.ts"
import type { EnvBinding, EnvMap, SettingProblem, Surroundings } from "./settings/setting.ts"
import type {
  Collect,
  CoreHookMap,
  DeliveryToSign,
  FailedItem,
  Finding,
  First,
  Guard,
  HealthItem,
  Hold,
  HoldContext,
  ImaginedSend,
  Knock,
  Observe,
  PersonOnTheLine,
  Transform,
  Undoing,
  Verified,
  WebhookKnock,
} from "./stages.ts"
import type {
  AtomicStores,
  Changes,
  CompaniesView,
  CompanyField,
  CompanyFields,
  DeliveriesView,
  Delivery,
  DeliveryAttempt,
  DeliveryChannel,
  DeliveryDraft,
  DeliveryPage,
  DeliveryRef,
  DeliveryTarget,
  DueRecord,
  EventsView,
  PluginRecords,
  PluginStorage,
  RecordChange,
  RecordPage,
  SessionsView,
} from "./views.ts"
import {
  KEY_ID_BYTES,
  type NamingOf,
  type RecordsControl,
  type RecordsOf,
  type ResealProgress,
  SEALED_ROOM,
} from "./records/sealing.ts"
import { parseRecipient } from "./message/recipient.ts"
import { NO_PROOF } from "./views.ts"
import { utf8 } from "./records/utf8.ts"
import type { Call, Draft, FaultInfo, Message, Principal, SessionStatus } from "./types.ts"

/** THE contract: all that a plugin's author has to know. */

/** Open: a plugin merges names of its own into it with `declare module`, and says their kinds in `hooks`. */
export interface HookMap extends CoreHookMap {}

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

type Asking<I> = Guard<I> | First<I, unknown> | Collect<I, unknown> | Observe<I>
export type InputOf<N extends HookName> = HookMap[N] extends Asking<infer I> ? I : never
export type AnswerOf<N extends HookName> = HookMap[N] extends First<infer _, infer A> ? A : never
export type ValueOf<N extends HookName> = HookMap[N] extends Transform<infer _, infer V> ? V : never
export type ContextOf<N extends HookName> = HookMap[N] extends Transform<infer C, infer _> ? C : never
export type ItemOf<N extends HookName> = HookMap[N] extends Collect<infer _, infer T> ? T : never

export interface PluginSpec<
  C extends z.ZodObject = z.ZodObject,
  E extends Record<string, ErrorSpec> = Record<string, ErrorSpec>,
  M extends MetricSpecs = MetricSpecs,
> {
  readonly name: string
  /** One sentence for the README and `npm run plugins`. */
  readonly description: string
  /** Settings with defaults; each key has `.describe()` text for the README. */
  readonly config?: C
  readonly env?: EnvMap<C>
  readonly errors?: E
  /** Settings of each company, by name: part of `GET` and `PUT /companies/{companyId}`, read with `companies.settings`. */
  readonly companySettings?: CompanyFields
  /** What it counts, by name; see `core/metrics.ts`. */
  readonly metrics?: M
  /** Services that `setup` offers with `provide`. */
  readonly provides?: readonly string[]
  /** Services that another plugin must list in `provides`; one that is missing stops the start. */
  readonly needs?: readonly string[]
  /** Services that it uses if another plugin provides them; `want` gives undefined for one that nobody does. */
  readonly wants?: readonly string[]
  /** Plugins that come earlier in every stage if they are there. */
  readonly after?: readonly string[]
  /** Hook names of the plugin's own, with their kinds. */
  readonly hooks?: Readonly<Record<string, HookKind>>
  /** True for a plugin that answers `request:identify` well enough for an address other than loopback. */
  readonly guardsPublicHost?: boolean
  /** Problems that span settings; each names the variable and what is accepted. Nothing may be started here. */
  check?(config: z.output<C>, surroundings: Surroundings): readonly SettingProblem[]
  setup(context: PluginContext<z.output<C>, CoreCode | (keyof E & string), M>): MaybePromise<Undo | void>
}

export interface Plugin extends PluginSpec {}

const noMetrics = {} satisfies MetricSpecs

/** Declares a plugin. The static part can be read without running anything. One without errors of its own has core's. */
export function definePlugin<
  C extends z.ZodObject = z.ZodObject,
  E extends Record<string, ErrorSpec> = typeof coreErrors,
  const M extends MetricSpecs = typeof noMetrics,
>(spec: PluginSpec<C, E, M>): Plugin {
  return spec
}

export { bool, count, isUrlRefused, KEY_ID_BYTES, list, ms, NO_PROOF, parseRecipient, SEALED_ROOM, share, utf8, z }
export type {
  ApiRoute,
  AtomicStore,
  AtomicStores,
  Call,
  Changes,
  Clock,
  Collect,
  CompaniesView,
  CompanyField,
  CoreHookMap,
  DeliveriesView,
  Delivery,
  DeliveryAttempt,
  DeliveryChannel,
  DeliveryDraft,
  DeliveryPage,
  DeliveryRef,
  DeliveryTarget,
  DeliveryToSign,
  Draft,
  DueRecord,
  Egress,
  EgressAnswer,
  EgressRequest,
  EnvBinding,
  EnvMap,
  ErrorSpec,
  EventsView,
  FailedItem,
  Fault,
  FaultInfo,
  Finding,
  First,
  Foresight,
  Guard,
  HealthItem,
  Hold,
  HoldContext,
  ImaginedSend,
  Knock,
  Latencies,
  LatencySummary,
  Logger,
  Message,
  Metrics,
  MetricSnapshot,
  MetricSpec,
  MetricSpecs,
  MonitorView,
  NamingOf,
  Observe,
  OwnHooks,
  PersonOnTheLine,
  PluginContext,
  PluginRecords,
  PluginStorage,
  Principal,
  Quota,
  Receipt,
  RecordChange,
  RecordPage,
  RecordsControl,
  RecordsOf,
  Refusal,
  ResealProgress,
  RouteSpec,
  SessionStatus,
  SessionsView,
  SettingProblem,
  Surroundings,
  Taken,
  Totals,
  Transform,
  Undo,
  Undoing,
  UrlFault,
  UrlRules,
  Verified,
  WebhookKnock,
}
