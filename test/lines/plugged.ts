import { createMemoryAtomic } from "../../core/records/memory-atomic.ts"
import { createStorageProbe } from "../../core/records/storage-probe.ts"
import { createBackground } from "../../core/background.ts"
import type { OwnedRoute } from "../../core/http/table.ts"
import { createInstruments } from "../../core/loading/instruments.ts"
import { setUpPlugin } from "../../core/loading/plugin-setup.ts"
import type { Plugin, ResealProgress } from "../../core/plugin.ts"
import { createTestEgress } from "../support/egress.ts"
import { createTestSystem } from "../support/system.ts"
import type { House } from "./house.ts"

/** Nothing is sealed here. */
const resting = (): ResealProgress => ({
  state: "idle",
  startedAt: null,
  endedAt: null,
  companies: { total: 0, done: 0, failed: 0 },
  records: 0,
  failures: [],
})

/** Sets a plugin up on lines that are open already, as the house does. Gives the routes that it has mounted. */
export async function plug(
  house: House,
  plugin: Plugin,
  given: Readonly<Record<string, unknown>> = {},
): Promise<readonly OwnedRoute[]> {
  const { hooks, lines, log, clock } = house
  const routes: OwnedRoute[] = []
  const instruments = createInstruments({ companies: 100 })
  instruments.declare(plugin.name, plugin.metrics ?? {})
  for (const [hook, kind] of Object.entries(plugin.hooks ?? {})) hooks.declare(plugin.name, hook, kind)
  await setUpPlugin(plugin, plugin.config?.parse(given) ?? {}, {
    ...lines.views,
    hooks,
    log,
    clock,
    routes,
    instruments,
    monitor: house.monitor,
    system: createTestSystem(),
    egress: createTestEgress({ clock, log }),
    background: createBackground({ onFault: ({ message }) => log.error({}, message) }),
    atomic: { local: createMemoryAtomic(clock), shared: undefined },
    records: { seal: () => undefined, reseal: resting, resealProgress: resting },
    provider: "fake",
    dataFolder: ".",
    probeStorage: createStorageProbe(house.ledger, clock),
    services: new Map(),
    document: () => ({}),
  })
  return routes
}
