import { PROBE } from "../../../core/records/store-probe.ts"
import { type CompanyDriver, UNFENCED } from "../../../core/store.ts"
import type { Link } from "./link.ts"
import { checked, type Names } from "./names.ts"
import type { Orders } from "./orders.ts"

/** Companies on a Redis server: a load is one HMGET, a commit one script. */
export function createDriver(link: Link, names: Names, orders: Orders): CompanyDriver {
  return {
    async load(company, keys) {
      const key = names.company(checked(company))
      if (keys.length === 0) return []
      await orders.settle(company)
      const values = await link.run((client) => client.hmgetBuffer(key, ...keys), { repeat: true })
      // A copy: what the library gives is a view of all that came with it.
      return values.map((value) => (value === null ? undefined : Uint8Array.from(value)))
    },
    commit: async (company, writes, fence) => orders.commit(checked(company), writes, fence),
    async keys(company) {
      const key = names.company(checked(company))
      await orders.settle(company)
      const fields = await link.run((client) => client.hkeys(key), { repeat: true })
      return fields.filter((field) => field.includes("/"))
    },
    erase: async (company, fence = UNFENCED) => orders.erase(checked(company), fence),
    async companies() {
      const members = await link.run((client) => client.smembers(names.companies), { repeat: true })
      return members.filter((company) => !company.startsWith(PROBE))
    },
    async evict(company) {
      // Nothing of a company is kept here.
      checked(company)
    },
  }
}
