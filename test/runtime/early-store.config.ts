import config from "../../config/switchboard.config.ts"
import { defineConfig } from "../../core/config.ts"
import type { StorageAdapter } from "../../core/store.ts"

/** The server on stores that say of a copy that it is durable five seconds before it is; the standard store is sound. */
export default defineConfig({
  ...config,
  stores: config.stores.map(earlyStore),
})

const LATE_MS = 5_000

function earlyStore(adapter: StorageAdapter): StorageAdapter {
  return {
    ...adapter,
    async open(options) {
      const opened = await adapter.open(options)
      if (options.store === adapter.name) return opened
      const { driver } = opened
      const waiting = new Map<string, Map<string, Uint8Array | null>>()
      return {
        ...opened,
        driver: {
          ...driver,
          async commit(company, writes, fence) {
            const records = waiting.get(company) ?? new Map<string, Uint8Array | null>()
            waiting.set(company, records)
            for (const { key, value } of writes) records.set(key, value)
            setTimeout(() => void driver.commit(company, writes, fence), LATE_MS)
          },
          async load(company, keys) {
            const stored = await driver.load(company, keys)
            const late = waiting.get(company)
            return keys.map((key, index) => (late?.has(key) ? (late.get(key) ?? undefined) : stored[index]))
          },
          async keys(company) {
            const all = new Set(await driver.keys(company))
            for (const [key, value] of waiting.get(company) ?? []) {
              if (value === null) all.delete(key)
              else all.add(key)
            }
            return [...all]
          },
          async evict() {
            // What waits is all there is of it.
          },
        },
        async flush() {
          // This is the lie.
        },
      }
    },
  }
}
