import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import type { Ledger } from "../../core/ledger.ts"
import type { MonitorView, Totals } from "../../core/monitor.ts"
import type { Principal, SessionStatus } from "../../core/types.ts"
import alerting from "../../plugins/alerting/index.ts"
import { createReceivers, type Receivers } from "../support/receivers.ts"
import { createTestMonitor } from "../support/monitor.ts"
import { createPluginHouse, type PluginHouse, session } from "./house.ts"

/** A server that is watched, with its figures in the test's hands. */
export interface Watched {
  readonly house: PluginHouse
  readonly ledger: Ledger
  readonly receivers: Receivers
  readonly totals: { -readonly [K in keyof Totals]: Totals[K] }
  /** Resident memory in MB. */
  rss: number
  /** So many sessions are connected, under ids of their own. */
  connect(sessions: number): void
  /** Types of all that has arrived, in order, with the alert of each and its number if it is a repetition. */
  told(): string[]
  /** Ends as a kill does; the next one begins where this one was. */
  restart(options?: Partial<WatchedOptions>): Promise<Watched>
}

export interface WatchedOptions {
  readonly settings?: Readonly<Record<string, unknown>>
  readonly metrics?: boolean
  /** Sessions that are not in memory. */
  readonly atRest?: readonly SessionStatus[]
}

const QUIET_MB = 100
const operator: Principal = { kind: "admin", scopes: new Set(["read", "operator"]) }

export const on = { enabled: true, webhook: "http://10.0.0.5:9000/alerts" }

export async function watch(
  { settings = on, metrics = true, atRest = [] }: WatchedOptions = {},
  kept?: { readonly ledger: Ledger; readonly start: number; readonly receivers?: Receivers },
): Promise<Watched> {
  const ledger = kept?.ledger ?? createMemoryLedger()
  const zero = createTestMonitor(ledger).monitor.totals()
  const totals = { ...zero }
  const monitor: MonitorView = {
    ...createTestMonitor(ledger).monitor,
    enabled: metrics,
    totals: () => ({ ...(metrics ? totals : zero) }),
  }
  const machine = createNodeSystem()
  const receivers = createReceivers({
    now: () => house.clock.now(),
    sleep: (ms, signal) => house.clock.sleep(ms, signal),
  })
  if (kept?.receivers !== undefined) receivers.react = kept.receivers.react
  const watched = { rss: QUIET_MB }
  const house = await createPluginHouse({
    ledger,
    monitor,
    egress: receivers.egress,
    plugins: [[alerting, settings]],
    prepare: (hooks) => hooks.add("test", "request:identify", () => operator),
    system: { ...machine, resources: () => ({ ...machine.resources(), rss: watched.rss * 1_048_576 }) },
    ...(kept !== undefined && { start: kept.start }),
  })
  house.all = async () => [...house.sessions, ...atRest]
  house.hooks.observe("app:ready", { url: "" })
  await house.clock.settle()
  return Object.assign(watched, {
    house,
    ledger,
    receivers,
    totals,
    connect(sessions: number) {
      house.sessions = Array.from({ length: sessions }, (_, at) => session(`salon-${at}`))
    },
    told: () =>
      receivers.got.map(({ json }) => {
        const { type, repeat } = json.data as { type: string; repeat?: number }
        return [json.type, type, ...(repeat === undefined ? [] : [repeat])].join(" ")
      }),
    async restart(options: Partial<WatchedOptions> = {}) {
      await house.stop()
      const next = await watch({ settings, metrics, ...options }, { ledger, start: house.clock.now(), receivers })
      next.house.sessions = house.sessions
      return next
    },
  })
}

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
