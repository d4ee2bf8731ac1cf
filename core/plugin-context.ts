import type { Clock } from "./clock.ts"
import type { Egress } from "./egress.ts"
import type { ErrorExtra } from "./errors.ts"
import type { Foresight } from "./foresight.ts"
import type { PluginLogger } from "./log.ts"
import type { Metrics, MetricSpecs } from "./metrics.ts"
import type { MonitorView } from "./monitor.ts"
import type { AnswerOf, ContextOf, Handler, HookName, InputOf, ItemOf, NamesOf, ValueOf } from "./plugin.ts"
import type { RecordsControl } from "./records/sealing.ts"
import type { Refusal } from "./refusal.ts"
import type { ApiRoute, RouteSpec } from "./route.ts"
import type { FailedItem, HealthItem } from "./stages.ts"
import type { System } from "./system.ts"
import type { Call } from "./types.ts"
import type {
  AtomicStores,
  Changes,
  CompaniesView,
  DeliveriesView,
  EventsView,
  PluginStorage,
  SessionsView,
} from "./views.ts"

type MaybePromise<T> = T | Promise<T>

/** The runners of a plugin's own hooks; see `Hooks` for what each does with a fault. */
export interface OwnHooks {
  guard<N extends NamesOf<"guard">>(
    name: N,
    input: InputOf<N>,
  ): MaybePromise<(Refusal & { plugin: string }) | undefined>
  first<N extends NamesOf<"first">>(
    name: N,
    input: InputOf<N>,
  ): MaybePromise<AnswerOf<N> | (Refusal & { plugin: string }) | undefined>
  transform<N extends NamesOf<"transform">>(name: N, value: ValueOf<N>, context: ContextOf<N>): MaybePromise<ValueOf<N>>
  collect<N extends NamesOf<"collect">>(name: N, input: InputOf<N>): Promise<Record<string, ItemOf<N> | FailedItem>>
  observe<N extends NamesOf<"observe">>(name: N, input: InputOf<N>): void
}

export type Undo = () => MaybePromise<void>

/** Functions as values, so that `setup` can take them apart. */
export interface PluginContext<C, Code extends string, M extends MetricSpecs = MetricSpecs> {
  readonly config: C
  readonly on: <N extends HookName>(name: N, handler: Handler<N>) => void
  /** A refusal to return from a guard or first hook. */
  readonly reject: (code: Code, extra?: ErrorExtra) => Refusal
  /** Mounts a route under the house's rules: identified, scoped, validated, documented. */
  readonly route: <S extends RouteSpec>(route: ApiRoute<S>) => void
  /** Offers a service to plugins that name it in `needs`. */
  readonly provide: (name: string, service: unknown) => void
  readonly need: <T>(name: string) => T
  /** A service of `wants`; undefined when no plugin provides it. */
  readonly want: <T>(name: string) => T | undefined
  readonly log: PluginLogger
  /** The instruments that this plugin declares. */
  readonly metrics: Metrics<M>
  /** The house's own figures. */
  readonly monitor: MonitorView
  readonly clock: Clock
  readonly system: System
  /** The way out to URLs that users gave; nothing else connects to one. */
  readonly egress: Egress
  /** Records of the plugin's own. */
  readonly storage: PluginStorage
  readonly atomic: AtomicStores
  readonly companies: CompaniesView
  readonly sessions: SessionsView
  readonly events: EventsView
  readonly deliveries: DeliveriesView
  /**
   * Writes everything at once. False, with nothing written, when a condition of a change did not hold, or a delivery of
   * that id is there already. Rejects with STORAGE_UNAVAILABLE, COMPANY_ERASED, PAYLOAD_TOO_LARGE for a body, and
   * SERVER_BUSY while 10,000 deliveries wait for the endpoint.
   */
  readonly commit: (company: string, changes: Changes) => Promise<boolean>
  readonly records: RecordsControl
  /** Runs hooks that this plugin declares in `hooks`, and no others. */
  readonly run: OwnHooks
  /** What a send to that recipient, as a caller writes it, would meet; costs nothing but time. */
  readonly foresee: (call: Call, recipient: unknown) => Promise<Foresight>
  /** Name of the provider in use. */
  readonly provider: string
  /** Path of the data folder, which the ledger is in. */
  readonly dataFolder: string
  /** Writes a record and reads it again; rejects when the storage does not do that. */
  readonly probeStorage: () => Promise<void>
  /** The OpenAPI document of all routes mounted; complete once the app is ready. */
  readonly openapi: () => unknown
  /** Runs every `health:check` handler and names each by its plugin. */
  readonly healthChecks: () => Promise<Record<string, HealthItem>>
  /** Work that goes on beside requests; awaited at shutdown, its failure reported as `plugin:fault`. */
  readonly background: (name: string, task: (signal: AbortSignal) => Promise<void>) => void
}
