import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { Webhook } from "standardwebhooks"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { temporaryFolder } from "../support/folder.ts"
import { type Platform, startPlatform, until } from "../support/platform.ts"

/** A server that is killed while an alert waits for a receiver that is down; over real sockets, on a clock that is faster. */

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`
const FASTER = 6
/** Receivers take stamps from five minutes ago to five minutes ahead; the clock begins behind and ends before. */
const BEHIND_MS = 240_000
const WAIT_MS = 60_000

interface Arrived {
  readonly id: string
  readonly type: string
  readonly alertId: string
}

const undo: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A port on which nobody listens yet. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Takes what is signed as it should be; the reference library says so. */
async function receive(port: number, arrived: Arrived[], faults: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { "webhook-id": id = "" } = request.headers
      try {
        const call = new Webhook(SECRET).verify(body, request.headers as Record<string, string>) as {
          readonly type: string
          readonly data: { readonly alertId: string }
        }
        arrived.push({ id: String(id), type: call.type, alertId: call.data.alertId })
        response.writeHead(204).end()
      } catch (thrown) {
        faults.push(String(thrown))
        response.writeHead(401).end()
      }
    })
  }).listen(port, "127.0.0.1")
  await once(server, "listening")
  undo.push(() => new Promise((resolve) => server.close(resolve)))
  return server
}

async function killedWhileItWaits(forgetful: boolean) {
  const folder = await temporaryFolder()
  undo.push(folder.remove)
  const port = await freePort()
  const arrived: Arrived[] = []
  const faults: string[] = []
  const start = async (memoryMb: number): Promise<Platform> => {
    const server = await startPlatform({
      env: {
        WHATSAPP_CONFIG: "test/plugins/alerting-quick.config.ts",
        SINCE: String(since),
        BEHIND_MS: String(BEHIND_MS),
        FASTER: String(FASTER),
        FORGETFUL: forgetful ? "1" : "0",
        WHATSAPP_SESSIONS_PATH: folder.path,
        WHATSAPP_ALERTING_ENABLED: "true",
        WHATSAPP_ALERT_WEBHOOK: `http://127.0.0.1:${port}/alerts`,
        WHATSAPP_ALERT_MEMORY_MB: String(memoryMb),
        WHATSAPP_WEBHOOK_SECRET: SECRET,
      },
    })
    undo.push(() => server.kill())
    return server
  }
  const since = Date.now()

  const first = await start(1)
  await until("the alert to be raised", WAIT_MS, async () => {
    const { body } = await first.call("GET", "/api/whatsapp/metrics/alerts/history")
    return (body["data"] as readonly unknown[]).length > 0 ? true : undefined
  })
  await first.kill()
  await receive(port, arrived, faults)
  const second = await start(1_000_000)
  await until("the end of the alert", WAIT_MS, async () =>
    arrived.some(({ type }) => type === "alert.resolved") ? true : undefined,
  )
  return { arrived, faults, second }
}

describe("an alert whose receiver is down when the server is killed", () => {
  let kept: Awaited<ReturnType<typeof killedWhileItWaits>>
  let lost: Awaited<ReturnType<typeof killedWhileItWaits>>
  beforeAll(async () => {
    const both = await Promise.all([killedWhileItWaits(false), killedWhileItWaits(true)])
    kept = both[0]
    lost = both[1]
  }, 180_000)

  it("arrives when both are back, once and signed, and so does its end", async () => {
    const { arrived, faults, second } = kept
    await until("both", WAIT_MS, async () => (arrived.length >= 2 ? true : undefined))
    expect(faults).toEqual([])
    expect(arrived.map(({ type }) => type).sort()).toEqual(["alert.raised", "alert.resolved"])
    expect(new Set(arrived.map(({ id }) => id)).size).toBe(2)
    expect(new Set(arrived.map(({ alertId }) => alertId)).size).toBe(1)
    const { body } = await second.call("GET", "/api/whatsapp/metrics/alerts")
    expect(body).toMatchObject({ success: true, alerts: [], hasAlerts: false })
  })

  it("would be lost if deliveries were kept in memory alone", () => {
    expect(lost.arrived.map(({ type }) => type)).toEqual(["alert.resolved"])
  })
})
