import { createServer, type AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { until } from "../support/platform.ts"
import { openStage, session, type Stage } from "./stage.ts"
import { startInVain } from "./starts.ts"

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
  await stage.link(1)
})
afterAll(() => stage.close())

describe("a second server on the same data folder", () => {
  test.each(["0", "the same port"])("ends at once with one line, on port %s", async (port) => {
    const before = await stage.sandbox.totals()
    const { code, lines } = await startInVain({
      ...stage.sandbox.env,
      WHATSAPP_SESSIONS_PATH: stage.folder,
      PORT: port === "0" ? port : new URL(stage.platform.url).port,
    })
    expect(code).toBe(1)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(stage.folder)
    expect(lines[0]).toContain(`process ${stage.platform.pid}`)
    const after = await stage.sandbox.totals()
    expect([after.upgrades, after.loginAttempts]).toEqual([before.upgrades, before.loginAttempts])
    expect((await session(stage.platform, { id: "company-1" })).connected).toBe(true)
  })
})

test("no way to WhatsApp: the session says so, and the server stays up", { timeout: 90_000 }, async () => {
  const gone = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
  await stage.platform.stop()
  await stage.start({ WHATSAPP_SOCKET_URL: `ws://127.0.0.1:${gone}` })
  const found = await until("the session's last error", 30_000, async () => {
    const seen = await session(stage.platform, { id: "company-1" })
    return seen.lastError === null ? undefined : seen
  })
  expect(found).toMatchObject({ connected: false, status: "reconnecting", lastError: { code: "UNREACHABLE" } })
  expect(found.lastError?.message).not.toMatch(/\n|node:|at .*\.js/)
  expect((await stage.platform.call("GET", "/healthz")).status).toBe(200)
})
