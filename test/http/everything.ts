import { memoryLedger } from "../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import standard from "../../config/switchboard.config.ts"
import { type App, createApp } from "../../core/app.ts"
import type { Logger } from "../../core/log.ts"
import { type Plugin, z } from "../../core/plugin.ts"
import { createTestEgress } from "../support/egress.ts"
import { createFakeProvider, type FakeConnection, type FakeProvider } from "../support/fake-provider.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type Answer, read } from "./harness.ts"

/** The server with every plugin that it is delivered with, on a machine without a disk and a WhatsApp that always answers. */
export interface Everything {
  readonly app: App
  readonly provider: FakeProvider
  fetch(request: Request): Promise<Response>
  /** As the operator. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Erases every company, and what the provider remembers of them. */
  empty(): Promise<void>
  stop(): Promise<void>
}

export const ADMIN_KEY = "an-admin-key-of-more-than-24-characters"

export interface EverythingOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly log: Logger
  /** Companies that link themselves as soon as a QR code could be shown. */
  readonly linking: readonly string[]
  /** Beside those of the config. */
  readonly plugins?: readonly Plugin[]
}

export async function startEverything({
  env = {},
  log,
  linking,
  plugins = [],
}: EverythingOptions): Promise<Everything> {
  const folder = await temporaryFolder()
  const provider = createFakeProvider(() => Date.now())
  const follow = async (line: FakeConnection): Promise<void> => {
    if (await provider.linked(line.input.auth)) return line.open()
    if (line.input.link.method === "qr") line.qr("2@canary-qr")
    else line.pairingCode("ABCD-EFGH")
    if (linking.includes(line.company)) await line.link()
  }
  // A store that erases a company meanwhile rejects; the line then ends for that.
  provider.onConnect = (line) => queueMicrotask(() => void follow(line).catch(() => undefined))
  const app = createApp({
    config: {
      ...standard,
      plugins: [...standard.plugins, ...plugins],
      system: () => ({
        ...createNodeSystem({ folder: folder.path }),
        openLog: () => ({ log, close: () => undefined }),
      }),
      clock: createClock,
      egress: createTestEgress,
      providers: [{ name: "fake", config: z.object({}), env: {}, create: () => provider }],
      stores: [memoryStorage],
      ledger: memoryLedger,
    },
    env: { WHATSAPP_PROVIDER: "fake", WHATSAPP_STORAGE: "memory", WHATSAPP_API_KEY: ADMIN_KEY, ...env },
  })
  try {
    await app.start()
  } catch (thrown) {
    await folder.remove()
    throw thrown
  }
  const fetch = (request: Request): Promise<Response> => app.fetch(request, { remoteAddress: "127.0.0.1" })
  const call: Everything["call"] = async (method, path, body, headers = {}) => {
    const type = body === undefined ? {} : { "content-type": "application/json" }
    return read(
      await fetch(
        new Request(`http://localhost${path}`, {
          method,
          headers: { "x-api-key": ADMIN_KEY, ...type, ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      ),
    )
  }
  return {
    app,
    provider,
    fetch,
    call,
    async empty() {
      for (;;) {
        const { json } = await call("GET", "/api/whatsapp/companies?limit=200")
        const companies = json.data as unknown as readonly { readonly companyId: string }[]
        if (companies.length === 0) break
        for (const { companyId } of companies) {
          const { status, text } = await call("DELETE", `/api/whatsapp/companies/${encodeURIComponent(companyId)}`)
          if (status !== 200) throw new Error(`A company could not be erased: ${status} ${text}`)
        }
      }
      // The double keeps every connection that it ever had.
      const connections = provider.connections as FakeConnection[]
      connections.length = 0
    },
    async stop() {
      await app.stop()
      await folder.remove()
    },
  }
}
