// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Messages } from "./messages.ts"

export function messages({ call }: Caller): Messages {
  return {
    get: async (companyId, messageId, options) => call({ method: "GET", path: path`/api/whatsapp/messages/${companyId}/${messageId}`, repeat: "always", takes: "data" }, options),
    list: async (companyId, query, options) => call({ method: "GET", path: path`/api/whatsapp/messages/${companyId}`, query, repeat: "always", takes: "json" }, options),
    send: async (companyId, body, options) => call({ method: "POST", path: path`/api/whatsapp/companies/${companyId}/messages`, body, repeat: "keyed", takes: "data" }, options),
    sendShort: async (body, options) => call({ method: "POST", path: "/api/whatsapp/send", body, repeat: "keyed", takes: "data" }, options),
  }
}
