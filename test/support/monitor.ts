import { createLatencyBook } from "../../core/monitor/latencies.ts"
import { createTotalsBook, type TotalsBook } from "../../core/monitor/totals-book.ts"
import { createInstruments } from "../../core/loading/instruments.ts"
import { createHouseMeter } from "../../core/monitor/house-meter.ts"
import type { Meter } from "../../core/monitor/meter.ts"
import type { Ledger } from "../../core/ledger.ts"
import type { MonitorView } from "../../core/monitor.ts"

export interface TestMonitor {
  readonly book: TotalsBook
  readonly meter: Meter
  readonly monitor: MonitorView
}

/** The figures of a house over this ledger; what is to count is written through `book.ledger`. */
export function createTestMonitor(ledger: Ledger, enabled = true): TestMonitor {
  const book = createTotalsBook(ledger, { enabled })
  const latencies = createLatencyBook()
  const { read, clear } = latencies
  const meter = createHouseMeter(createInstruments({ companies: 0 }), "core", latencies, [])
  const { sum: totals, of, companies } = book
  return { book, meter, monitor: { enabled, totals, of, companies, latencies: read, clearLatencies: clear } }
}
