// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Batches } from "./batches.ts"

export function batches({ call }: Caller): Batches {
  return {
    get: async (batchId, options) => call({ method: "GET", path: path`/api/whatsapp/send/batch/${batchId}`, repeat: "always", takes: "data" }, options),
    send: async (body, options) => call({ method: "POST", path: "/api/whatsapp/send/batch", body, repeat: "keyed", takes: "data" }, options),
    stop: async (batchId, options) => call({ method: "DELETE", path: path`/api/whatsapp/send/batch/${batchId}`, repeat: "refused", takes: "data" }, options),
  }
}
