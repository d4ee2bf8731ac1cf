// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { Caller } from "../request.ts"
import type { Encryption } from "./encryption.ts"

export function encryption({ call }: Caller): Encryption {
  return {
    progress: async (options) => call({ method: "GET", path: "/api/whatsapp/encryption/reseal", repeat: "always", takes: "data" }, options),
    reseal: async (options) => call({ method: "POST", path: "/api/whatsapp/encryption/reseal", repeat: "always", takes: "data" }, options),
  }
}
