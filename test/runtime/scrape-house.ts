import standard from "../../config/switchboard.config.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { type App, createApp } from "../../core/app.ts"
import type { InboundMessage } from "../../core/provider.ts"
import { createFakeProvider, type FakeConnection, type FakeProvider } from "../support/fake-provider.ts"

/** The server as it is shipped, in this process, on a WhatsApp that takes and links everything at once. */
export interface ScrapeHouse {
  call(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }>
  /** Links the company, or wakes it, and waits until it is connected. */
  connect(company: string): Promise<void>
  /** One message out and one in. */
  talk(company: string): Promise<void>
  stop(): Promise<void>
}

const WAIT_MS = 60_000

export async function openScrapeHouse(folder: string, env: Readonly<Record<string, string>>): Promise<ScrapeHouse> {
  const provider = createFakeProvider(() => Date.now())
  const latest = new Map<string, FakeConnection>()
  provider.onConnect = (line) => {
    latest.set(line.company, line)
    // What a connection has to tell it tells once it is under way.
    setImmediate(() => void welcome(provider, line))
  }
  const app: App = createApp({
    config: { ...standard, providers: standard.providers.map((one) => ({ ...one, create: () => provider })) },
    system: createNodeSystem({
      folder,
      env: { WHATSAPP_SESSIONS_PATH: `${folder}/sessions`, WHATSAPP_LOG_LEVEL: "silent", ...env },
    }),
  })
  await app.start()
  let messages = 0

  const house: ScrapeHouse = {
    async call(method, path, body) {
      const headers = { host: "localhost", ...(body !== undefined && { "content-type": "application/json" }) }
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
      const answer = await app.fetch(new Request(`http://localhost${path}`, init), { remoteAddress: "127.0.0.1" })
      return { status: answer.status, text: await answer.text() }
    },
    async connect(company) {
      const path = `/api/whatsapp/sessions/${company}`
      const begun = await house.call("POST", `${path}/initialize`, {})
      if (begun.status > 202) throw new Error(`${company} is not initialized: ${begun.text}`)
      const end = performance.now() + WAIT_MS
      while (!(await house.call("GET", path)).text.includes('"connected":true')) {
        if (performance.now() > end) throw new Error(`${company} is not connected`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    async talk(company) {
      const body = { companyId: company, phone: "79001234567", message: "Hello" }
      const sent = await house.call("POST", "/api/whatsapp/send", body)
      if (sent.status !== 200) throw new Error(`${company} has not sent: ${sent.text}`)
      const line = latest.get(company)
      if (line === undefined) throw new Error(`${company} has no line`)
      await line.input.intake.message(inbound(`3A${process.pid}${Date.now()}${++messages}`))
    },
    stop: () => app.stop(),
  }
  return house
}

/** Links what is not linked, and opens what is. */
async function welcome(provider: FakeProvider, line: FakeConnection): Promise<void> {
  if (line.closed) return
  if (await provider.linked(line.input.auth)) return line.open()
  await line.link()
}

function inbound(wireId: string): InboundMessage {
  const person = { phone: "79007654321", lid: null }
  return {
    chat: { kind: "person", ...person },
    sender: person,
    fromMe: false,
    wireId,
    at: Date.now(),
    pushName: null,
    content: { type: "text", text: "Hello" },
    wire: new Uint8Array(),
    offline: false,
  }
}
