import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import standard from "../../config/switchboard.config.ts"
import { type App, createApp } from "../../core/app.ts"
import { temporaryFolder } from "./folder.ts"
import { createQuickProvider, type QuickProvider } from "./quick-provider.ts"

/** The whole server in this process, every plugin included, with a WhatsApp that acknowledges at once. */
export interface QuickHouse {
  readonly app: App
  readonly provider: QuickProvider
  /** The text of an answer. Throws for any other status than 200. */
  get(path: string): Promise<string>
  /** The `data` of an answer. Throws for any other status than 200. */
  post(path: string, body: object): Promise<Readonly<Record<string, unknown>>>
  /** Connects lines. */
  connect(companies: readonly string[]): Promise<void>
  stop(): Promise<void>
}

/** The ledger is LMDB without its flush: what is stored is in files, and none of the time is the disk's. */
export async function openQuickHouse(env: Readonly<Record<string, string>> = {}): Promise<QuickHouse> {
  const folder = await temporaryFolder()
  const provider = createQuickProvider()
  const app = createApp({
    config: {
      ...standard,
      system: () => createNodeSystem({ folder: folder.path, env: {} }),
      providers: [provider.adapter],
      stores: [memoryStorage],
      ledger: { name: "lmdb", open: (place) => openLmdb({ folder: place.folder, durable: false }) },
    },
    env: {
      WHATSAPP_PROVIDER: "quick",
      WHATSAPP_STORAGE: "memory",
      WHATSAPP_SESSIONS_PATH: folder.path,
      WHATSAPP_LOG_LEVEL: "silent",
      WHATSAPP_PACING_ENABLED: "false",
      WHATSAPP_RATE_LIMIT_PER_COMPANY: "1000000",
      ...env,
    },
  })
  const stop = async (): Promise<void> => {
    await app.stop()
    await folder.remove()
  }
  try {
    await app.start()
  } catch (thrown) {
    await stop()
    throw thrown
  }
  const ask = async (request: Request): Promise<Response> => {
    const answer = await app.fetch(request, { remoteAddress: "127.0.0.1" })
    if (answer.status !== 200) throw new Error(`${request.url} was answered ${answer.status}: ${await answer.text()}`)
    return answer
  }
  const house: QuickHouse = {
    app,
    provider,
    async get(path) {
      return (await ask(new Request(`http://localhost${path}`, { headers: { host: "localhost" } }))).text()
    },
    async post(path, body) {
      const headers = { host: "localhost", "content-type": "application/json" }
      const url = `http://localhost/api/whatsapp${path}`
      const answer = await ask(new Request(url, { method: "POST", headers, body: JSON.stringify(body) }))
      return ((await answer.json()) as { readonly data: Readonly<Record<string, unknown>> }).data
    },
    async connect(companies) {
      for (const company of companies) await house.post(`/sessions/${company}/initialize`, {})
    },
    stop,
  }
  return house
}
