import { memoryLedger } from "../../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../../adapters/storage/memory/index.ts"
import { createClock } from "../../../adapters/system/clock.ts"
import { createApp } from "../../../core/app.ts"
import { defineConfig } from "../../../core/config.ts"
import type { Plugin } from "../../../core/plugin.ts"
import { createEdgeEgress } from "./egress.ts"
import { createEdgeProvider } from "./provider.ts"
import { createEdgeSystem } from "./system.ts"

export interface Edge {
  fetch(request: Request): Promise<Response>
  stop(): Promise<void>
  /** What was handed to the provider. */
  readonly sent: readonly string[]
}

/** The server as an edge runtime would hold it: no port, no disk, requests come in by themselves. */
export async function openEdge(env: Readonly<Record<string, string>>, plugins: readonly Plugin[]): Promise<Edge> {
  const sent: string[] = []
  const app = createApp({
    config: defineConfig({
      plugins,
      providers: [createEdgeProvider(sent)],
      stores: [memoryStorage],
      ledger: memoryLedger,
      system: () => createEdgeSystem(env),
      clock: createClock,
      egress: createEdgeEgress,
    }),
  })
  await app.start()
  return { fetch: (request) => app.fetch(request), stop: () => app.stop(), sent }
}
