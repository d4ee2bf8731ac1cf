// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Metrics } from "./metrics.ts"

export function metrics({ call }: Caller): Metrics {
  return {
    alertHistory: async (query, options) => call({ method: "GET", path: "/api/whatsapp/metrics/alerts/history", query, repeat: "always", takes: "json" }, options),
    alerts: async (options) => call({ method: "GET", path: "/api/whatsapp/metrics/alerts", repeat: "always", takes: "json" }, options),
    all: async (options) => call({ method: "GET", path: "/api/whatsapp/metrics", repeat: "always", takes: "json" }, options),
    companies: async (options) => call({ method: "GET", path: "/api/whatsapp/metrics/companies/all", repeat: "always", takes: "json" }, options),
    company: async (companyId, options) => call({ method: "GET", path: path`/api/whatsapp/metrics/${companyId}`, repeat: "always", takes: "json" }, options),
    export: async (options) => call({ method: "GET", path: "/api/whatsapp/metrics/export", repeat: "always", takes: "json" }, options),
    performance: async (options) => call({ method: "GET", path: "/api/whatsapp/metrics/performance", repeat: "always", takes: "json" }, options),
    prometheus: async (options) => call({ method: "GET", path: "/metrics", repeat: "always", takes: "text" }, options),
    rate: async (query, options) => call({ method: "GET", path: "/api/whatsapp/metrics/rate", query, repeat: "always", takes: "json" }, options),
    reset: async (options) => call({ method: "POST", path: "/api/whatsapp/metrics/reset", repeat: "refused", takes: "json" }, options),
    timeseries: async (query, options) => call({ method: "GET", path: "/api/whatsapp/metrics/timeseries", query, repeat: "always", takes: "json" }, options),
  }
}
