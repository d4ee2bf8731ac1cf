import type { Lines } from "../lines.ts"
import { createInstruments, type Instruments } from "../loading/instruments.ts"
import { createBacklog } from "../message/backlog.ts"
import type { MonitorView } from "../monitor.ts"
import { gaugesFor, showGauges } from "../monitor/gauges.ts"
import { createHouseMeter } from "../monitor/house-meter.ts"
import { createLatencyBook } from "../monitor/latencies.ts"
import type { Meter } from "../monitor/meter.ts"
import { meterLedger } from "../monitor/metered.ts"
import { createSlots } from "../monitor/slots.ts"
import { createTotalsBook, type TotalsBook } from "../monitor/totals-book.ts"
import { showTotals } from "../monitor/totals-metrics.ts"
import type { SealedLedger } from "../records/sealed-ledger.ts"
import { startStep } from "../settings/start-error.ts"
import type { HouseInput } from "./input.ts"
import { version } from "./version.ts"

/** What the house itself counts and measures; nothing but the totals' end of companies where metrics are off. */
export interface Monitoring {
  readonly instruments: Instruments
  /** Absent where nothing is measured. */
  readonly meter: Meter | undefined
  readonly view: MonitorView
  readonly totals: TotalsBook["ends"]
  /** The ledger through which everything goes that counts. */
  readonly ledger: SealedLedger
  /** Looks at the lines from now on. */
  watch(lines: Lines): void
}

const OWNER = "core"

export async function openMonitoring(input: HouseInput, sealed: SealedLedger): Promise<Monitoring> {
  const { prepared, system, clock, undo } = input
  const { core: settings, stores } = prepared.configured
  const { metricsEnabled: enabled, metricsCompanies: companies } = settings
  const slots = createSlots(companies)
  const instruments = createInstruments({ companies, slots })
  const latencies = createLatencyBook()
  const meter = enabled ? createHouseMeter(instruments, OWNER, latencies, [...stores.keys()]) : undefined
  const backlog = enabled ? createBacklog(sealed, clock) : undefined
  const totals = createTotalsBook(backlog?.ledger ?? sealed, { enabled, slots })
  await startStep("The totals cannot be read", () => totals.open())
  if (enabled) showTotals(instruments, OWNER, totals)
  if (enabled) instruments.declare(OWNER, gaugesFor(version, system))
  // Beside the start: a large outbox takes its time, and whoever asks meanwhile sees what has been counted so far.
  void backlog?.open()
  return {
    instruments,
    meter,
    totals: totals.ends,
    ledger: meterLedger({ ...sealed, ...totals.ledger }, meter, clock),
    view: {
      enabled,
      totals: totals.sum,
      of: totals.of,
      companies: totals.companies,
      latencies: latencies.read,
      clearLatencies: latencies.clear,
    },
    watch({ sessions, events }) {
      if (backlog === undefined) return
      const stop = showGauges(instruments, OWNER, { sessions, events, backlog, slots, system, clock, version })
      undo.push("figures of the process", async () => stop())
    },
  }
}
