// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Sessions } from "./sessions.ts"

export function sessions({ call, stream }: Caller): Sessions {
  return {
    delete: async (companyId, options) => call({ method: "DELETE", path: path`/api/whatsapp/sessions/${companyId}`, repeat: "refused", takes: "data" }, options),
    disconnect: async (companyId, options) => call({ method: "POST", path: path`/api/whatsapp/sessions/${companyId}/disconnect`, repeat: "always", takes: "data" }, options),
    events: (companyId, query, options) => stream(path`/api/whatsapp/sessions/${companyId}/events`, query, options),
    get: async (companyId, options) => call({ method: "GET", path: path`/api/whatsapp/sessions/${companyId}`, repeat: "always", takes: "data" }, options),
    initialize: async (companyId, body, options) => call({ method: "POST", path: path`/api/whatsapp/sessions/${companyId}/initialize`, body, repeat: "always", takes: "data" }, options),
    list: async (query, options) => call({ method: "GET", path: "/api/whatsapp/sessions", query, repeat: "always", takes: "json" }, options),
    logout: async (companyId, options) => call({ method: "POST", path: path`/api/whatsapp/sessions/${companyId}/logout`, repeat: "refused", takes: "data" }, options),
    pairingCode: async (companyId, body, options) => call({ method: "POST", path: path`/api/whatsapp/sessions/${companyId}/pairing-code`, body, repeat: "refused", takes: "data" }, options),
    qr: async (companyId, query, options) => call({ method: "GET", path: path`/api/whatsapp/sessions/${companyId}/qr`, query, repeat: "always", takes: "data" }, options),
    restart: async (companyId, options) => call({ method: "POST", path: path`/api/whatsapp/sessions/${companyId}/restart`, repeat: "refused", takes: "data" }, options),
    status: async (companyId, options) => call({ method: "GET", path: path`/api/whatsapp/sessions/${companyId}/status`, repeat: "always", takes: "data" }, options),
  }
}
