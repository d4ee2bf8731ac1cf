import { createNodeSystem } from "../../adapters/system/node.ts"
import { createBackground } from "../../core/background.ts"
import { companyFieldsOf } from "../../core/line/company-fields.ts"
import { setUpPlugin } from "../../core/loading/plugin-setup.ts"
import { createInstruments, type Instruments } from "../../core/loading/instruments.ts"
import type { OwnedRoute } from "../../core/http/table.ts"
import type { AtomicStore, Plugin, ResealProgress } from "../../core/plugin.ts"
import { createMemoryAtomic } from "../../core/records/memory-atomic.ts"
import type { House, HouseOptions } from "../lines/house.ts"
import { openStoredWeb, type Web, webOf } from "../lines/web.ts"
import { createTestEgress } from "../support/egress.ts"

/** Plugins on real lines, whose WhatsApp and whose time are in the test's hands. */
export interface PluginLines extends Web {
  readonly instruments: Instruments
  /** Ends the process and starts the next one on what was durable, with the same plugins. */
  reopen(how?: "stop" | "kill"): Promise<PluginLines>
}

export interface PluginLinesOptions extends HouseOptions {
  readonly plugins: readonly (readonly [Plugin, Readonly<Record<string, unknown>>])[]
  /** What processes share. */
  readonly shared?: AtomicStore
}

export async function openPluginLines(options: PluginLinesOptions): Promise<PluginLines> {
  const { fields } = companyFieldsOf(
    options.plugins.map(([plugin]) => plugin),
    [],
  )
  const web = await openStoredWeb({ ...options, companyFields: fields, stores: ["here"] })
  return withPlugins(web, options)
}

async function withPlugins({ house }: Web, options: PluginLinesOptions): Promise<PluginLines> {
  const instruments = createInstruments({ companies: 100 })
  const { undoings, routes } = await setUp(house, instruments, options)
  return {
    ...webOf(house, routes),
    instruments,
    async reopen(how = "kill") {
      const next = await house.reopen(how)
      for (const undo of undoings) await undo()
      return withPlugins(webOf(next), options)
    },
  }
}

const resting = (): ResealProgress => ({
  state: "idle",
  startedAt: null,
  endedAt: null,
  companies: { total: 0, done: 0, failed: 0 },
  records: 0,
  failures: [],
})

async function setUp(house: House, instruments: Instruments, { plugins, shared }: PluginLinesOptions) {
  const { hooks, log, clock, lines } = house
  const undoings: (() => unknown)[] = []
  const routes: OwnedRoute[] = []
  const services = new Map<string, unknown>()
  for (const [plugin] of plugins) {
    instruments.declare(plugin.name, plugin.metrics ?? {})
    for (const [hook, kind] of Object.entries(plugin.hooks ?? {})) hooks.declare(plugin.name, hook, kind)
  }
  for (const [plugin, given] of plugins) {
    const undo = await setUpPlugin(plugin, plugin.config?.parse(given) ?? {}, {
      hooks,
      log,
      clock,
      background: createBackground({
        onFault: ({ message }) => log.error({ error: message }, "Background work failed"),
      }),
      instruments,
      monitor: house.monitor,
      routes,
      system: createNodeSystem(),
      egress: createTestEgress({ clock, log }),
      atomic: { local: createMemoryAtomic(clock), shared },
      ...lines.views,
      records: { seal: () => undefined, reseal: resting, resealProgress: resting },
      provider: "fake",
      dataFolder: ".",
      probeStorage: async () => undefined,
      services,
      document: () => undefined,
    })
    if (undo !== undefined) undoings.push(undo)
  }
  return { undoings, routes }
}
