import standard from "../../config/switchboard.config.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { createApp } from "../../core/app.ts"
import type { ProviderAdapter } from "../../core/provider.ts"
import { listenNode } from "../../core/serve/listen-node.ts"
import { createFakeProvider, type FakeProvider } from "../support/fake-provider.ts"
import { temporaryFolder } from "../support/folder.ts"

/** The server as it is shipped, on a port and in a folder of its own; only WhatsApp is the test's. */
export interface GuideHouse {
  /** With `localhost`, as users write it. */
  readonly url: string
  readonly folder: string
  readonly provider: FakeProvider
  /** As code in a page of this server calls it: with a path alone. */
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  /** The JSON of an answer, and its status. */
  ask(method: string, path: string, body?: unknown): Promise<Told>
  /** Links the company and waits until it is connected. */
  connect(company: string): Promise<void>
  stop(): Promise<void>
}

export interface Told {
  readonly status: number
  // Tests read whatever a route answers.
  readonly json: Record<string, unknown> & { readonly data: Record<string, unknown>; readonly error: Refusal }
}

interface Refusal {
  readonly code: string
  readonly message: string
}

export interface GuideOptions {
  /** What the users' shell exports. */
  readonly env?: Readonly<Record<string, string>>
  /** Where their `.env` is, and what paths are relative to. */
  readonly folder?: string
}

/** Nothing is set but what the test exports: a free port, the data folder, and no log between the lines of the tests. */
export async function openGuideHouse({ env = {}, folder }: GuideOptions = {}): Promise<GuideHouse> {
  const own = await temporaryFolder()
  const at = folder ?? own.path
  const provider = createFakeProvider(() => Date.now())
  // Shown at once: a QR code, or the pairing code that was asked for.
  provider.onConnect = (line) =>
    queueMicrotask(() => (line.input.link.method === "qr" ? line.qr("2@qr") : line.pairingCode("ABCD-EFGH")))
  const app = createApp({
    config: { ...standard, providers: standard.providers.map((adapter) => played(adapter, provider)) },
    system: quiet(at, { WHATSAPP_SESSIONS_PATH: `${own.path}/sessions`, PORT: "0", ...env }),
    listen: listenNode,
  })
  const { url: bound = "" } = await app.start().catch(async (thrown: unknown) => {
    await own.remove()
    throw thrown
  })
  const url = bound.replace("127.0.0.1", "localhost")

  const house: GuideHouse = {
    url,
    folder: own.path,
    provider,
    fetch: (path, init) => fetch(new URL(path, bound), init),
    async ask(method, path, body) {
      const headers: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" }
      const answer = await house.fetch(path, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: answer.status, json: (await answer.json()) as Told["json"] }
    },
    async connect(company) {
      await house.ask("POST", `/api/whatsapp/sessions/${company}/initialize`, {})
      const linking = provider.line(company)
      await linking.link()
      // Once it is linked, the line comes back by itself.
      await reached(() => provider.line(company) !== linking)
      await provider.line(company).open()
      await reached(async () => {
        const { json } = await house.ask("GET", `/api/whatsapp/sessions/${company}`)
        return json.data.connected === true
      })
    },
    async stop() {
      await app.stop()
      await own.remove()
    },
  }
  return house
}

/** The provider's own name and settings, and the test behind them. */
function played(adapter: ProviderAdapter, provider: FakeProvider): ProviderAdapter {
  return { ...adapter, create: () => provider }
}

/** This machine, with an environment of its own, whose log says nothing: its level is a setting that tests look at. */
function quiet(folder: string, env: Readonly<Record<string, string>>) {
  const system = createNodeSystem({ folder, env })
  return { ...system, openLog: () => system.openLog({ level: "silent" }) }
}

const PATIENCE_MS = 15_000

/** Waits on a condition that what was asked for brings about. */
export async function reached(holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Not within ${PATIENCE_MS} ms: ${holds.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
