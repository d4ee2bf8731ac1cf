import config from "../../config/switchboard.config.ts"
import { defineConfig } from "../../core/config.ts"
import type { Connection, Provider, ProviderAdapter } from "../../core/provider.ts"

/** The server as most are: sent means written to the socket, whatever WhatsApp says to it. */
export default defineConfig({ ...config, providers: config.providers.map(hasty) })

function hasty(adapter: ProviderAdapter): ProviderAdapter {
  return {
    ...adapter,
    create(input) {
      const provider: Provider = adapter.create(input)
      return {
        ...provider,
        connect: async (call) => acknowledgeAtOnce(await provider.connect(call), input.clock.now),
      }
    },
  }
}

function acknowledgeAtOnce(connection: Connection, now: () => number): Connection {
  return {
    ...connection,
    async send(message) {
      // Its outcome is what this server does not wait for.
      void connection.send(message)
      return { outcome: "acknowledged", at: now() }
    },
  }
}
