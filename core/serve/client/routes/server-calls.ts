// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { Caller } from "../request.ts"
import type { Server } from "./server.ts"

export function server({ call }: Caller): Server {
  return {
    openapi: async (options) => call({ method: "GET", path: "/openapi.json", repeat: "always", takes: "json" }, options),
    plugins: async (options) => call({ method: "GET", path: "/api/whatsapp/plugins", repeat: "always", takes: "data" }, options),
    settings: async (options) => call({ method: "GET", path: "/api/whatsapp/settings", repeat: "always", takes: "data" }, options),
  }
}
