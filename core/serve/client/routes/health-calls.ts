// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { Caller } from "../request.ts"
import type { Health } from "./health.ts"

export function health({ call }: Caller): Health {
  return {
    alive: async (options) => call({ method: "GET", path: "/healthz", repeat: "always", takes: "data" }, options),
    get: async (options) => call({ method: "GET", path: "/api/whatsapp/health", repeat: "always", takes: "data" }, options),
    metrics: async (options) => call({ method: "GET", path: "/api/whatsapp/health/metrics", repeat: "always", takes: "json" }, options),
    ready: async (options) => call({ method: "GET", path: "/readyz", repeat: "always", takes: "data" }, options),
  }
}
