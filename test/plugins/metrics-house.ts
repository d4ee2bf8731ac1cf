import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { Ledger } from "../../core/ledger.ts"
import { count, type TotalKey } from "../../core/monitor/totals.ts"
import metrics from "../../plugins/metrics/index.ts"
import type { Answer } from "../http/harness.ts"
import { principals } from "../http/harness.ts"
import { createTestMonitor, type TestMonitor } from "../support/monitor.ts"
import { createPluginHouse, type PluginHouse, type PluginHouseOptions } from "./house.ts"

/** The plugin in a house whose figures are real ones, counted through the ledger. */
export interface MetricsHouse extends PluginHouse {
  count(company: string, counts: Partial<Record<TotalKey, number>>): Promise<void>
  /** What takes time. */
  readonly meter: TestMonitor["meter"]
  erase(company: string): Promise<void>
  /** An answer of `/api/whatsapp/metrics…` to the admin's key, or another one. */
  read(path: string, key?: string): Promise<Answer>
}

export interface MetricsOptions extends Partial<PluginHouseOptions> {
  readonly intervalMs?: number
  readonly enabled?: boolean
  /** What stands between the plugin and what is kept. */
  readonly wrap?: (ledger: Ledger) => Ledger
}

export async function openMetrics(options: MetricsOptions = {}): Promise<MetricsHouse> {
  const { intervalMs = 60_000, enabled = true, plugins = [], ledger = createMemoryLedger(), prepare } = options
  const { book, monitor, meter } = createTestMonitor(ledger, enabled)
  await book.open()
  const house = await createPluginHouse({
    monitor,
    ...options,
    ledger: (options.wrap ?? ((same) => same))(ledger),
    plugins: [...plugins, [metrics, { intervalMs }]],
    prepare(hooks) {
      prepare?.(hooks)
      hooks.add("keys", "request:identify", ({ headers }) => principals[headers.get("x-api-key") ?? ""])
    },
  })
  return Object.assign(house, {
    meter,
    async count(company: string, counts: Partial<Record<TotalKey, number>>) {
      const ops = Object.entries(counts).map(([key, by]) => count(key as TotalKey, by))
      await book.ledger.commit(company, ops)
      house.companies[company] ??= {}
    },
    async erase(company: string) {
      await book.ledger.erase(company)
      delete house.companies[company]
      house.generations[company] = (house.generations[company] ?? 0) + 1
      house.hooks.observe("company:erased", { company })
      await house.hooks.drain()
      await house.clock.settle()
    },
    read: (path: string, key = "admin") =>
      house.call("GET", `/api/whatsapp/metrics${path}`, { headers: { "x-api-key": key } }),
  })
}
