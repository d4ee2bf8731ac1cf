import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { Ledger, Op } from "../../core/ledger.ts"

/** A ledger that keeps some tables in memory alone: what is lost without it shows what it is for. */
export function forgetful(ledger: Ledger, tables: ReadonlySet<string>): Ledger {
  const memory = createMemoryLedger()
  const at = (table: string): Ledger => (tables.has(table) ? memory : ledger)
  const isLost = ({ table }: Op): boolean => tables.has(table)
  return {
    ...ledger,
    async commit(company, ops) {
      const lost = ops.filter(isLost)
      const kept = ops.filter((op) => !isLost(op))
      const result = await (kept.length > 0 ? ledger : memory).commit(company, kept.length > 0 ? kept : lost)
      if (result.ok && kept.length > 0 && lost.length > 0) await memory.commit(company, lost)
      return result
    },
    get: (company, table, keys) => at(table).get(company, table, keys),
    page: (company, table, query) => at(table).page(company, table, query),
    numbers: (company, table) => at(table).numbers(company, table),
    due: (table, now, limit) => at(table).due(table, now, limit),
  }
}

/** All that deliveries keep. */
export const DELIVERIES: ReadonlySet<string> = new Set(["delivery", "delivery-lane", "delivery-waiting"])
