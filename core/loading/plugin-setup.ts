import type { Background } from "../background.ts"
import type { Clock } from "../clock.ts"
import type { Egress } from "../egress.ts"
import { coreErrors, type ErrorSpec } from "../errors.ts"
import type { Foresight } from "../foresight.ts"
import type { HookRegistry } from "../hooks.ts"
import type { OwnedRoute } from "../http/table.ts"
import type { Instruments } from "./instruments.ts"
import type { Logger } from "../log.ts"
import type { MonitorView } from "../monitor.ts"
import type {
  AtomicStores,
  Changes,
  CompaniesView,
  DeliveriesView,
  EventsView,
  Plugin,
  PluginContext,
  PluginStorage,
  RecordsControl,
  SessionsView,
  Undo,
} from "../plugin.ts"
import { ownHooks } from "./own-hooks.ts"
import { refuseWith } from "../refusal.ts"
import type { System } from "../system.ts"
import type { Call } from "../types.ts"

/** What every plugin's context is made from. */
export interface PluginHost {
  readonly hooks: HookRegistry
  readonly log: Logger
  readonly clock: Clock
  readonly system: System
  readonly egress: Egress
  readonly background: Background
  readonly instruments: Instruments
  readonly monitor: MonitorView
  readonly atomic: AtomicStores
  /** `plugin` owns the settings named `own`. */
  companies(own: readonly string[]): CompaniesView
  storage(plugin: string): PluginStorage
  readonly sessions: SessionsView
  readonly events: EventsView
  deliveries(plugin: string): DeliveriesView
  commit(plugin: string, company: string, changes: Changes): Promise<boolean>
  readonly records: RecordsControl
  foresee(call: Call, recipient: unknown): Promise<Foresight>
  readonly provider: string
  readonly dataFolder: string
  probeStorage(): Promise<void>
  /** Routes mounted so far, in order; `setUpPlugin` adds to it. */
  readonly routes: OwnedRoute[]
  /** Services offered so far, by name; `setUpPlugin` adds to it. */
  readonly services: Map<string, unknown>
  document(): unknown
}

/**
 * Runs a plugin's `setup` and returns its undo. Rejects with the plugin's name in front when it fails, or when it does
 * not keep to what its static part says.
 */
export async function setUpPlugin(plugin: Plugin, config: unknown, host: PluginHost): Promise<Undo | undefined> {
  const errors: Readonly<Record<string, ErrorSpec>> = { ...coreErrors, ...plugin.errors }
  const { name } = plugin
  let open = true
  const early = (what: string): void => {
    if (!open) throw new Error(`Plugin ${name}: ${what} came after its setup`)
  }

  const deliveries = host.deliveries(name)

  const context: PluginContext<unknown, string> = {
    config,
    on(hook, handler) {
      early(`on("${hook}")`)
      host.hooks.add(name, hook, handler)
    },
    reject(code, extra) {
      const spec = Object.hasOwn(errors, code) ? errors[code] : undefined
      if (spec === undefined) throw new Error(`Plugin ${name}: there is no error code ${code}; declare it in errors`)
      return refuseWith(code, spec, extra)
    },
    route(route) {
      early("route()")
      host.routes.push({ owner: name, route })
    },
    provide(service, value) {
      early("provide()")
      if (plugin.provides?.includes(service) !== true) throw new Error(`${service} is not among its provides`)
      host.services.set(service, value)
    },
    need<T>(service: string): T {
      if (plugin.needs?.includes(service) !== true) throw new Error(`${service} is not among its needs`)
      return host.services.get(service) as T
    },
    want<T>(service: string): T | undefined {
      if (plugin.wants?.includes(service) !== true) throw new Error(`${service} is not among its wants`)
      return host.services.get(service) as T | undefined
    },
    log: host.log.child({ plugin: name }),
    metrics: host.instruments.of(name),
    monitor: host.monitor,
    clock: host.clock,
    system: host.system,
    egress: host.egress,
    storage: host.storage(name),
    atomic: host.atomic,
    companies: host.companies(Object.keys(plugin.companySettings ?? {})),
    run: ownHooks(plugin, host.hooks),
    sessions: host.sessions,
    events: host.events,
    deliveries: {
      ...deliveries,
      channel(channel, how) {
        early("deliveries.channel()")
        deliveries.channel(channel, how)
      },
    },
    commit: (company, changes) => host.commit(name, company, changes),
    records: {
      ...host.records,
      seal(purposes) {
        early("records.seal()")
        host.records.seal(purposes)
      },
    },
    foresee: (call, recipient) => host.foresee(call, recipient),
    provider: host.provider,
    dataFolder: host.dataFolder,
    probeStorage: () => host.probeStorage(),
    openapi: () => host.document(),
    healthChecks: () => host.hooks.collect("health:check", {}),
    background: (task, work) => host.background.run(name, task, work),
  }

  const undo = (await plugin.setup(context as never)) ?? undefined
  open = false
  const owed = (plugin.provides ?? []).filter((service) => !host.services.has(service))
  if (owed.length > 0) throw new Error(`it did not provide ${owed.join(", ")}`)
  return undo
}
