// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Keys } from "./keys.ts"

export function keys({ call }: Caller): Keys {
  return {
    create: async (companyId, body, options) => call({ method: "POST", path: path`/api/whatsapp/companies/${companyId}/keys`, body, repeat: "refused", takes: "data" }, options),
    list: async (companyId, query, options) => call({ method: "GET", path: path`/api/whatsapp/companies/${companyId}/keys`, query, repeat: "always", takes: "json" }, options),
    revoke: async (companyId, keyId, options) => call({ method: "DELETE", path: path`/api/whatsapp/companies/${companyId}/keys/${keyId}`, repeat: "refused", takes: "data" }, options),
  }
}
