// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Companies } from "./companies.ts"

export function companies({ call }: Caller): Companies {
  return {
    delete: async (companyId, options) => call({ method: "DELETE", path: path`/api/whatsapp/companies/${companyId}`, repeat: "refused", takes: "data" }, options),
    export: async (companyId, query, options) => call({ method: "GET", path: path`/api/whatsapp/companies/${companyId}/export`, query, repeat: "always", takes: "response" }, options),
    get: async (companyId, options) => call({ method: "GET", path: path`/api/whatsapp/companies/${companyId}`, repeat: "always", takes: "data" }, options),
    import: async (companyId, body, query, options) => call({ method: "POST", path: path`/api/whatsapp/companies/${companyId}/import`, query, body, rawType: "application/x-ndjson", repeat: "refused", takes: "data" }, options),
    list: async (query, options) => call({ method: "GET", path: "/api/whatsapp/companies", query, repeat: "always", takes: "json" }, options),
    put: async (companyId, body, options) => call({ method: "PUT", path: path`/api/whatsapp/companies/${companyId}`, body, repeat: "always", takes: "data" }, options),
  }
}
