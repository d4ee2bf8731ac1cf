// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Blocklist } from "./blocklist.ts"

export function blocklist({ call }: Caller): Blocklist {
  return {
    add: async (companyId, body, options) => call({ method: "POST", path: path`/api/whatsapp/companies/${companyId}/blocklist`, body, repeat: "always", takes: "data" }, options),
    import: async (companyId, body, query, options) => call({ method: "POST", path: path`/api/whatsapp/companies/${companyId}/blocklist/import`, query, body, rawType: "text/plain", repeat: "always", takes: "data" }, options),
    list: async (companyId, query, options) => call({ method: "GET", path: path`/api/whatsapp/companies/${companyId}/blocklist`, query, repeat: "always", takes: "json" }, options),
    remove: async (companyId, phone, options) => call({ method: "DELETE", path: path`/api/whatsapp/companies/${companyId}/blocklist/${phone}`, repeat: "refused", takes: "data" }, options),
  }
}
