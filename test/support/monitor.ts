import { createLatencyBook } from "../../core/monitor/latencies.ts"
import { createTotalsBook, type TotalsBook } from "../../core/monitor/totals.ts"
import type { Ledger } from "../../core/ledger.ts"
import type { MonitorView } from "../../core/monitor.ts"

/** The figures of a house over this ledger; what is to count is written through `book.ledger`. */
export function createTestMonitor(ledger: Ledger, enabled = true): { book: TotalsBook; monitor: MonitorView } {
  const book = createTotalsBook(ledger, { enabled })
  const { read, clear } = createLatencyBook()
  const { sum: totals, of, companies } = book
  return { book, monitor: { enabled, totals, of, companies, latencies: read, clearLatencies: clear } }
}
