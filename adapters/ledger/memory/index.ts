import { appError } from "../../../core/errors.ts"
import type { DueRow, Ledger, LedgerAdapter, LogRow, Row } from "../../../core/ledger.ts"
import { commitOps } from "./commit.ts"
import { readDump } from "./dump.ts"
import { readPage } from "./page.ts"
import type { MemoryTable } from "./tables.ts"

/** The ledger in memory, for tests and runtimes without a disk. It ends with the process. */
export const memoryLedger: LedgerAdapter = { name: "memory", open: async () => createMemoryLedger() }

type Company = Map<string, MemoryTable>

export function createMemoryLedger(): Ledger {
  const companies = new Map<string, Company>()
  let closed = false

  function check(): void {
    if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The ledger is closed") })
  }

  function tableOf(company: string, table: string): MemoryTable | undefined {
    check()
    return companies.get(company)?.get(table)
  }

  return {
    async commit(company, ops) {
      check()
      const tables: Company = companies.get(company) ?? new Map()
      const result = commitOps(tables, ops)
      if (result.ok) companies.set(company, tables)
      return result
    },

    async get(company, table, keys) {
      const rows = tableOf(company, table)?.rows
      return keys.map((key) => {
        const row = rows?.get(key)
        return row && copyOf(row)
      })
    },

    async page(company, table, query) {
      const page = readPage(tableOf(company, table), query)
      return { ...page, rows: page.rows.map(copyOf) }
    },

    async log(company, table, after, limit) {
      const begin = Math.max(0, after)
      const part = tableOf(company, table)?.log.slice(begin, begin + limit) ?? []
      return part.map((value, index): LogRow => ({ position: begin + index + 1, value: Uint8Array.from(value) }))
    },

    async tail(company, table) {
      return tableOf(company, table)?.log.length ?? 0
    },

    async numbers(company, table) {
      const numbers: Record<string, number> = Object.create(null)
      for (const [key, value] of tableOf(company, table)?.numbers ?? []) numbers[key] = value
      return numbers
    },

    async due(table, now, limit) {
      check()
      const rows: DueRow[] = []
      for (const [company, tables] of companies) {
        for (const row of tables.get(table)?.rows.values() ?? []) {
          if (row.due !== undefined && row.due <= now) rows.push({ ...copyOf(row), company, due: row.due })
        }
      }
      return rows.sort((a, b) => a.due - b.due).slice(0, limit)
    },

    async dump(company, after, limit) {
      check()
      return readDump(companies.get(company), after, limit)
    },

    async companies() {
      check()
      return [...companies.keys()].filter((company) => company !== "")
    },

    async erase(company) {
      check()
      companies.delete(company)
    },

    async close() {
      closed = true
    },
  }
}

function copyOf(row: Row): Row {
  return { key: row.key, value: Uint8Array.from(row.value), version: row.version }
}
