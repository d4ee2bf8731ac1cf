// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Presence } from "./presence.ts"

export function presence({ call }: Caller): Presence {
  return {
    set: async (companyId, body, options) => call({ method: "POST", path: path`/api/whatsapp/presence/${companyId}`, body, repeat: "always", takes: "data" }, options),
  }
}
