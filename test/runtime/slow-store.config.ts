import { existsSync } from "node:fs"
import { join } from "node:path"
import config from "../../config/switchboard.config.ts"
import { defineConfig } from "../../core/config.ts"
import { appError } from "../../core/errors.ts"
import type { Ledger, LedgerAdapter } from "../../core/ledger.ts"
import type { StorageAdapter } from "../../core/store.ts"
import { AUTH_FAILS, LEDGER_FAILS, SLOWEST_MS } from "./slow-store.ts"

/** The server on a store that takes its time, and fails for as long as a file in the data folder says so. */
export default defineConfig({
  ...config,
  stores: config.stores.map(slowStore),
  ledger: failingLedger(config.ledger),
})

const latency = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * SLOWEST_MS))

function failing(folder: string, name: string): void {
  if (existsSync(join(folder, name))) throw appError("STORAGE_UNAVAILABLE")
}

function slowStore(adapter: StorageAdapter): StorageAdapter {
  return {
    ...adapter,
    async open(options) {
      const opened = await adapter.open(options)
      const { driver } = opened
      return {
        ...opened,
        driver: {
          ...driver,
          async load(company, keys) {
            await latency()
            failing(options.folder, AUTH_FAILS)
            return driver.load(company, keys)
          },
          async commit(company, writes, fence) {
            await latency()
            failing(options.folder, AUTH_FAILS)
            return driver.commit(company, writes, fence)
          },
        },
      }
    },
  }
}

function failingLedger(adapter: LedgerAdapter): LedgerAdapter {
  return {
    ...adapter,
    async open(options) {
      const ledger: Ledger = await adapter.open(options)
      const check = (): void => failing(options.folder, LEDGER_FAILS)
      return {
        ...ledger,
        async commit(company, ops) {
          check()
          return ledger.commit(company, ops)
        },
        async get(company, table, keys) {
          check()
          return ledger.get(company, table, keys)
        },
        async page(company, table, query) {
          check()
          return ledger.page(company, table, query)
        },
        async due(table, now, limit) {
          check()
          return ledger.due(table, now, limit)
        },
        async dump(company, after, limit) {
          check()
          return ledger.dump(company, after, limit)
        },
      }
    },
  }
}
