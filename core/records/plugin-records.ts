import { appError } from "../errors.ts"
import type { Ledger, Op } from "../ledger.ts"
import { pluginTable } from "./ledger/names.ts"
import type { PluginRecords, PluginStorage, RecordChange } from "../views.ts"
import { decodeRecord, encodeRecord } from "./values.ts"

const PAGE = 100

export function createPluginStorage(ledger: Ledger, plugin: string): PluginStorage {
  const plain = pluginTable(plugin, false)
  return {
    of: (company) => recordsOf(ledger, plain, company),
    secretsOf: (company) => recordsOf(ledger, pluginTable(plugin, true), company),
    async due(now, limit) {
      const rows = await ledger.due(plain, now, limit)
      return rows.map(({ company, key, value, due }) => ({ company, key, due, value: decodeRecord(value, plain) }))
    },
  }
}

/** What changes mean to the ledger, for a commit in which more is written. */
export function pluginOps(plugin: string, changes: readonly RecordChange[]): Op[] {
  const table = pluginTable(plugin, false)
  return changes.map((change) => opOf(table, change))
}

function opOf(table: string, change: RecordChange): Op {
  const { key } = change
  if (change.op === "increment") return { op: "increment", table, key, by: change.by }
  if (change.op === "delete") return { op: "delete", table, key }
  const { op, value, due } = change
  return { op, table, key, value: encodeRecord(value), ...(due === undefined ? {} : { due }) }
}

function recordsOf(ledger: Ledger, table: string, company: string): PluginRecords {
  const commit = async (changes: readonly RecordChange[]): Promise<boolean> => {
    const ops = changes.map((change) => opOf(table, change))
    return (await ledger.commit(company, ops)).ok
  }
  const insist = async (change: RecordChange): Promise<void> => {
    if (!(await commit([change]))) throw appError("STORAGE_UNAVAILABLE")
  }

  return {
    commit,
    async get<T>(key: string) {
      const [row] = await ledger.get(company, table, [key])
      return row === undefined ? undefined : decodeRecord<T>(row.value, table)
    },
    put: (key, value, options) => insist({ op: "put", key, value, ...options }),
    putIfAbsent: (key, value, options) => commit([{ op: "putIfAbsent", key, value, ...options }]),
    delete: (key) => insist({ op: "delete", key }),
    async list<T>({ after, limit = PAGE }: { readonly after?: string; readonly limit?: number } = {}) {
      const page = await ledger.page(company, table, { limit, ...(after === undefined ? {} : { after }) })
      const records = page.rows.map(({ key, value }) => ({ key, value: decodeRecord<T>(value, table) }))
      return { records, next: page.next }
    },
    increment: (key, by) => insist({ op: "increment", key, by }),
    numbers: () => ledger.numbers(company, table),
  }
}
