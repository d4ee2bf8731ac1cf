import type { Ledger, LedgerAdapter } from "../../core/ledger.ts"
import { isCount } from "../../core/monitor/totals.ts"

/**
 * A ledger that writes what a commit counts in a commit of its own, `lateMs` afterwards, as a server does that counts what
 * it has heard of. It loses nothing else, and ends well when it is closed.
 */
export function lateTotals(adapter: LedgerAdapter, lateMs: number): LedgerAdapter {
  return {
    ...adapter,
    async open(options) {
      const ledger: Ledger = await adapter.open(options)
      const late = new Set<Promise<unknown>>()
      return {
        ...ledger,
        async commit(company, ops) {
          const counts = ops.filter(isCount)
          if (counts.length === 0) return ledger.commit(company, ops)
          const result = await ledger.commit(
            company,
            ops.filter((op) => !isCount(op)),
          )
          if (!result.ok) return result
          const written = new Promise((resolve) => setTimeout(resolve, lateMs)).then(() =>
            ledger.commit(company, counts),
          )
          late.add(written)
          void written.finally(() => late.delete(written))
          return result
        },
        async close() {
          await Promise.all(late)
          await ledger.close()
        },
      }
    },
  }
}
