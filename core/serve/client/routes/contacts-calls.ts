// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Contacts } from "./contacts.ts"

export function contacts({ call }: Caller): Contacts {
  return {
    check: async (companyId, query, options) => call({ method: "GET", path: path`/api/whatsapp/contacts/${companyId}/check`, query, repeat: "always", takes: "data" }, options),
  }
}
