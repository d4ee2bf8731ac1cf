import type { Connection, Provider, ProviderAdapter } from "../../../core/provider.ts"
import { z } from "@hono/zod-openapi"

/** A line that is linked as soon as it is asked for, and acknowledges everything. It keeps what it was given to send. */
export function createEdgeProvider(sent: string[]): ProviderAdapter {
  const user = { id: "4915112340000@s.whatsapp.net", phone: "4915112340000", lid: null, name: "Edge" }
  const provider: Provider = {
    name: "edge",
    encode: (content) => new TextEncoder().encode(JSON.stringify(content)),
    linked: async () => false,
    async connect({ emit, options }) {
      const connection: Connection = {
        async send({ id, wire }) {
          sent.push(`${id} ${new TextDecoder().decode(wire)}`)
          return { outcome: "acknowledged", at: options.clock.now() }
        },
        prove: async () => undefined,
        logout: async () => undefined,
        close: async () => undefined,
      }
      options.clock.after(0, () => {
        emit({ type: "linked", user })
        emit({ type: "open", user })
      })
      return connection
    },
  }
  return { name: "edge", config: z.object({}), env: {}, create: () => provider }
}
