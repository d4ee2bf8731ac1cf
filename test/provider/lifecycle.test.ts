import { spawn } from "node:child_process"
import { AsyncLocalStorage } from "node:async_hooks"
import { getEventListeners } from "node:events"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import baileys from "../../adapters/provider/baileys/index.ts"
import type { ProviderEvent } from "../../core/provider.ts"
import { createTestLog } from "../support/log.ts"
import { createBareClient } from "../sandbox/bare-client.ts"
import { startSandbox, type Sandbox, type SandboxPhone } from "../sandbox/index.ts"
import { createProvider, createTestLine, realClock, type TestLine } from "./support.ts"

let sandbox: Sandbox
let company: SandboxPhone
let line: TestLine
let nextNumber = 15559000

beforeAll(async () => {
  sandbox = await startSandbox()
  company = await sandbox.phone(String(nextNumber++))
  line = createTestLine({ sandbox })
  await line.link(company)
}, 20_000)
afterAll(async () => {
  await line.close()
  await sandbox.stop()
})

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")

async function heapAfterCollection(): Promise<number> {
  for (let pass = 0; pass < 4; pass++) {
    if (typeof collect === "function") collect()
    await realClock.sleep(20)
  }
  return process.memoryUsage().heapUsed
}

const timers = () =>
  process.getActiveResourcesInfo().filter((kind) => kind === "Timeout" || kind === "Immediate").length

describe("a line that connects again and again", () => {
  test("leaves no memory, no timer and no listener behind, 120 times over", async () => {
    const { signal } = new AbortController()
    const before = timers()
    async function reconnect(times: number): Promise<void> {
      for (let turn = 0; turn < times; turn++) {
        const events: ProviderEvent[] = []
        const connection = await line.provider.connect({
          company: "acme",
          auth: line.store,
          signal,
          link: { method: "qr" },
          intake: line.intake,
          emit: (event) => events.push(event),
          sentContent: async () => undefined,
          options: { keepAliveMs: 30_000, connectTimeoutMs: 10_000, log: createTestLog(), clock: realClock },
        })
        await expect.poll(() => events.some(({ type }) => type === "open"), { timeout: 10_000 }).toBe(true)
        await connection.close()
      }
    }
    await line.close()
    await reconnect(40)
    const after40 = await heapAfterCollection()
    await reconnect(80)
    const after120 = await heapAfterCollection()
    // A line takes about 200 KB; one kept in ten would show.
    expect(after120 - after40).toBeLessThan(80 * 20 * 1024)
    expect(timers()).toBeLessThanOrEqual(before)
    expect(getEventListeners(signal, "abort")).toHaveLength(0)
  }, 60_000)

  test("ends at once when its owner aborts", async () => {
    const owner = new AbortController()
    const events: ProviderEvent[] = []
    await line.provider.connect({
      company: "acme",
      auth: line.store,
      signal: owner.signal,
      link: { method: "qr" },
      intake: line.intake,
      emit: (event) => events.push(event),
      sentContent: async () => undefined,
      options: { keepAliveMs: 30_000, connectTimeoutMs: 10_000, log: createTestLog(), clock: realClock },
    })
    await expect.poll(() => events.some(({ type }) => type === "open"), { timeout: 10_000 }).toBe(true)
    owner.abort()
    await expect.poll(() => events.at(-1), { timeout: 2000 }).toMatchObject({ type: "close", reason: "closed-by-us" })
    expect((await company.view()).devices).toHaveLength(1)
  })
})

describe("many lines in one process", () => {
  /** How often anybody entered an AsyncLocalStorage while `task` ran. */
  async function entries(task: () => Promise<unknown>): Promise<number> {
    const run = vi.spyOn(AsyncLocalStorage.prototype, "run")
    await task()
    const { length } = run.mock.calls
    run.mockRestore()
    return length
  }

  test("enter no asynchronous context: below Node 24 each line's would make every promise dearer", async () => {
    const ann = await sandbox.phone(String(nextNumber++))
    await line.connect()
    await line.event("open")
    expect(await entries(() => line.send(ann.number, "ours"))).toBe(0)
    await line.close()

    // The library by itself does.
    const other = await sandbox.phone(String(nextNumber++))
    const bare = createBareClient(sandbox.url)
    // It prints whole sessions, keys included.
    vi.spyOn(console, "info").mockReturnValue()
    bare.connect()
    await other.link(await bare.until("a QR code", () => bare.qrs[0]))
    await bare.opened()
    const jid = `${ann.number}@s.whatsapp.net`
    expect(await entries(() => bare.socket.sendMessage(jid, { text: "theirs" }))).toBeGreaterThan(0)
    bare.end()
    vi.restoreAllMocks()
  })
})

describe("a process with a line", () => {
  /** Links, talks with a contact whose session is renewed, closes, and ends by itself. */
  function run(debug: boolean): Promise<{ output: string; code: number | null; afterCloseMs: number }> {
    const script = fileURLToPath(new URL("./fixtures/talk.ts", import.meta.url))
    const number = String(nextNumber++)
    const child = spawn(process.execPath, ["--import", "tsx", script, sandbox.control, number, String(debug)])
    let output = ""
    let closedAt = 0
    const hear = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes("all closed") && closedAt === 0) closedAt = Date.now()
    }
    child.stdout.on("data", hear)
    child.stderr.on("data", hear)
    return new Promise((resolve) => {
      child.on("close", (code) => resolve({ output, code, afterCloseMs: Date.now() - closedAt }))
    })
  }

  test.each([false, true])(
    "prints nothing of keys, codes or numbers and ends when the line is closed (debug: %s)",
    async (debug) => {
      const { output, code, afterCloseMs } = await run(debug)
      expect(output).toContain("all closed")
      expect(code).toBe(0)
      expect(afterCloseMs).toBeLessThan(2000)
      expect(output).not.toMatch(/privKey|rootKey|ephemeralKey|registrationId|Closing session|wa\.me/)
      expect(output).not.toMatch(/\d{6,}/)
      expect(output).not.toMatch(/hello from the test/)
      if (debug) expect(output).toContain("connected to WA")
      else expect(output.trim()).toBe("all closed")
    },
    20_000,
  )
})

describe("the settings", () => {
  test.each([
    [{ socketUrl: "ws://example.org" }, "socketUrl"],
    [{ socketUrl: "http://localhost" }, "socketUrl"],
    [{ socketUrl: "nonsense" }, "socketUrl"],
    [{ rootKey: "abc" }, "rootKey"],
    [{ rootKey: `06${"ab".repeat(32)}` }, "rootKey"],
    [{ webVersion: "2.2000.1" }, "webVersion"],
    [{ debug: "maybe" }, "debug"],
  ])("refuse %j", (values, key) => {
    const parsed = baileys.config.safeParse(values)
    expect(parsed.error?.issues.map(({ path }) => path.join("."))).toEqual([key])
  })

  test("take what they promise", () => {
    const key = "AB".repeat(32)
    const values = { socketUrl: "ws://[::1]:80/x", rootKey: `05${key}`, webVersion: "2.3000.5", debug: "on" }
    expect(baileys.config.parse(values)).toEqual({
      socketUrl: "ws://[::1]:80/x",
      rootKey: key.toLowerCase(),
      webVersion: [2, 3000, 5],
      debug: true,
    })
    expect(baileys.config.parse({})).toEqual({ debug: false })
  })

  test("allow one root key for a process at a time", async () => {
    await line.connect()
    await line.event("open")
    const other = { ...sandbox, rootKey: "cd".repeat(32) }
    expect(() => createProvider(other)).toThrow("WHATSAPP_SOCKET_ROOT_KEY")
    await line.close()
  })
})
