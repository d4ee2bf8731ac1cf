import { appError } from "../../../core/errors.ts"
import { PROBE, probeCompanies } from "../../../core/records/store-probe.ts"
import { asDriver, type CompanyDriver, type StorageAdapter, UNFENCED } from "../../../core/store.ts"

interface Company {
  readonly records: Map<string, Uint8Array>
  fence: number
}

/** Auth state in memory, for tests and runtimes without a disk. It ends with the process. */
export const memoryStorage: StorageAdapter = {
  name: "memory",
  onlyByName: true,
  async open() {
    let companies: Map<string, Company> | undefined = new Map()
    const driver = createMemoryDriver(() => {
      if (companies === undefined) throw appError("STORAGE_UNAVAILABLE")
      return companies
    })
    return {
      driver: asDriver("memory", driver),
      capabilities: { durable: false, atomic: true },
      async check() {
        await probeCompanies(driver)
        return []
      },
      async flush() {
        // Nothing is anywhere else.
      },
      async close() {
        companies = undefined
      },
    }
  },
}

function createMemoryDriver(opened: () => Map<string, Company>): CompanyDriver {
  return {
    async load(company, keys) {
      const records = opened().get(company)?.records
      return keys.map((key) => {
        const value = records?.get(key)
        return value === undefined ? undefined : Uint8Array.from(value)
      })
    },
    async commit(company, writes, fence) {
      const companies = opened()
      const state = companies.get(company) ?? { records: new Map<string, Uint8Array>(), fence: 0 }
      if (fence < state.fence) throw appError("FENCED")
      const copies = writes.map(({ key, value }) => ({ key, value: value === null ? null : Uint8Array.from(value) }))
      if (fence !== UNFENCED) state.fence = fence
      for (const { key, value } of copies) {
        if (value === null) state.records.delete(key)
        else state.records.set(key, value)
      }
      companies.set(company, state)
    },
    async keys(company) {
      return [...(opened().get(company)?.records.keys() ?? [])]
    },
    async erase(company) {
      opened().delete(company)
    },
    async companies() {
      return [...opened().keys()].filter((company) => company !== PROBE)
    },
    async evict() {
      // Everything this store has is in memory; dropping it would be losing it.
      opened()
    },
  }
}
