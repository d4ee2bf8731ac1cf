// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import { path, type Caller } from "../request.ts"
import type { Webhooks } from "./webhooks.ts"

export function webhooks({ call }: Caller): Webhooks {
  return {
    makeInboundSecret: async (companyId, body, options) => call({ method: "POST", path: path`/api/whatsapp/companies/${companyId}/webhook-secret`, body, repeat: "refused", takes: "data" }, options),
  }
}
