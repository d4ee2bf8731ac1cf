// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { Caller } from "../request.ts"
import type { Root } from "./root.ts"

export function root({ call }: Caller): Root {
  return {
    diagnose: async (body, options) => call({ method: "POST", path: "/api/whatsapp/diagnose", body, repeat: "always", takes: "data" }, options),
  }
}
