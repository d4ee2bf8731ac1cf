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
    expect(told(lines)).toHaveLength(1)
    expect(told(lines)[0]).toContain(stage.folder)
    expect(told(lines)[0]).toContain(`process ${stage.platform.pid}`)
    const after = await stage.sandbox.totals()
    expect([after.upgrades, after.loginAttempts]).toEqual([before.upgrades, before.loginAttempts])
    expect((await session(stage.platform, { id: "company-1" })).connected).toBe(true)
  })
})

describe("a newcomer's first error is one line", () => {
  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => other.once("listening", resolve))
    const { port } = other.address() as AddressInfo
    const { code, lines } = await startInVain({ PORT: String(port), WHATSAPP_SESSIONS_PATH: `${stage.folder}-other` })
    other.close()
    expect(code).toBe(1)
    expect(told(lines)).toEqual([expect.stringMatching(new RegExp(`PORT: ${port} .*is taken`))])
  })

  test("settings that make no sense, all of them by name and none of them with its value", async () => {
    const secret = "0123456789abcdef"
    const { code, lines } = await startInVain({
      WHATSAPP_SESSIONS_PATH: `${stage.folder}-other`,
      WHATSAPP_MAX_SESSIONS: "many",
      WHATSAPP_LOG_LEVEL: "loud",
      WHATSAPP_MULTI_TENANT: "perhaps",
      WHATSAPP_SOCKET_ROOT_KEY: secret,
    })
    expect(code).toBe(1)
    const text = told(lines).join("\n")
    const names = ["WHATSAPP_MAX_SESSIONS", "WHATSAPP_LOG_LEVEL", "WHATSAPP_MULTI_TENANT", "WHATSAPP_SOCKET_ROOT_KEY"]
    expect(names.filter((name) => !text.includes(name))).toEqual([])
    expect(told(lines)).toHaveLength(names.length)
    expect(text).not.toContain(secret)
  })

  test("no way to WhatsApp: the session says so, and the server stays up", async () => {
    const gone = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        server.close(() => resolve(port))
      })
    })
    await stage.platform.stop()
    await stage.start({ WHATSAPP_SOCKET_URL: `ws://127.0.0.1:${gone}` })
    const found = await until("the session's last error", 10_000, async () => {
      const seen = await session(stage.platform, { id: "company-1" })
      return seen.lastError === null ? undefined : seen
    })
    expect(found).toMatchObject({ connected: false, status: "reconnecting", lastError: { code: "UNREACHABLE" } })
    expect(found.lastError?.message).not.toMatch(/\n|node:|at .*\.js/)
    expect((await stage.platform.call("GET", "/healthz")).status).toBe(200)
  })
})

/** Without the line that only says that the start has failed. */
const told = (lines: readonly string[]): string[] => lines.filter((line) => line !== "Switchboard cannot start:")
