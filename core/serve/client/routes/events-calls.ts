// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Events } from "./events.ts"

export function events({ call }: Caller): Events {
  return {
    list: async (companyId, query, options) => call({ method: "GET", path: path`/api/whatsapp/events/${companyId}`, query, repeat: "always", takes: "json" }, options),
  }
}
