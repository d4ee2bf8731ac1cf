import { memoryLedger } from "../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { notBuiltRoutes } from "../../config/not-built-routes.ts"
import { notYet } from "../../config/not-yet.ts"
import { type App, createApp } from "../../core/app.ts"
import { type Plugin, z } from "../../core/plugin.ts"
import { builtIn } from "../support/built-in.ts"
import { createTestEgress } from "../support/egress.ts"
import { createFakeProvider, type FakeProvider } from "../support/fake-provider.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type Answer, read } from "./harness.ts"

const PLUGINS = ["api-keys", "webhook-signature", "validation", "health", "docs"]

/** The whole server but for WhatsApp and the disk, started. */
export interface Whole {
  readonly app: App
  readonly provider: FakeProvider
  fetch(request: Request): Promise<Response>
  /** A call from this machine. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  stop(): Promise<void>
}

export async function startWhole(
  env: Readonly<Record<string, string>> = {},
  more: readonly Plugin[] = [],
): Promise<Whole> {
  const folder = await temporaryFolder()
  const provider = createFakeProvider(() => Date.now())
  // Shown at once: a QR code, or the pairing code that was asked for.
  provider.onConnect = (line) =>
    queueMicrotask(() => (line.input.link.method === "qr" ? line.qr("2@qr") : line.pairingCode("ABCD-EFGH")))
  const app = createApp({
    config: {
      system: () => createNodeSystem({ folder: folder.path }),
      clock: createClock,
      egress: createTestEgress,
      plugins: [...builtIn(...PLUGINS), ...more],
      providers: [{ name: "fake", config: z.object({}), env: {}, create: () => provider }],
      stores: [memoryStorage],
      ledger: memoryLedger,
      notYet,
      notBuiltRoutes,
    },
    env: { WHATSAPP_PROVIDER: "fake", WHATSAPP_STORAGE: "memory", WHATSAPP_LOG_LEVEL: "silent", ...env },
  })
  try {
    await app.start()
  } catch (thrown) {
    await folder.remove()
    throw thrown
  }
  const fetch = (request: Request): Promise<Response> => app.fetch(request, { remoteAddress: "127.0.0.1" })
  return {
    app,
    provider,
    fetch,
    async call(method, path, body, headers = {}) {
      const type = body === undefined ? {} : { "content-type": "application/json" }
      return read(
        await fetch(
          new Request(`http://localhost${path}`, {
            method,
            headers: { host: "localhost", ...type, ...headers },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          }),
        ),
      )
    },
    async stop() {
      await app.stop()
      await folder.remove()
    },
  }
}
