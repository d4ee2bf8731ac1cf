import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { startSandbox, type Sandbox, type SandboxPhone } from "../sandbox/index.ts"
import { createTestLine, newId, type TestLine } from "./support.ts"

let sandbox: Sandbox
let nextNumber = 15557000

beforeAll(async () => {
  sandbox = await startSandbox()
})
afterEach(() => sandbox.clearFaults())
afterAll(() => sandbox.stop())

async function linked(options: Partial<Parameters<typeof createTestLine>[0]> = {}): Promise<[TestLine, SandboxPhone]> {
  const company = await sandbox.phone(String(nextNumber++))
  const line = createTestLine({ sandbox, company: company.number, ...options })
  await line.link(company)
  line.events.length = 0
  return [line, company]
}

describe("a line that WhatsApp turns away at login", () => {
  test.each([
    [401, "logged-out"],
    [402, "banned"],
    [403, "banned"],
    [405, "outdated"],
    [406, "banned"],
    [411, "not-accepted"],
    [500, "unknown"],
    [503, "unreachable"],
  ])("with %i closes as %s", async (code, reason) => {
    const [line, company] = await linked()
    await line.close()
    line.events.length = 0
    await sandbox.fault({ kind: "refuse-login", line: company.number, code })
    await line.connect()
    expect(await line.event("close")).toMatchObject({ reason, code })
    expect(await line.provider.linked(line.store)).toBe(true)
  })
})

describe("a line that is open", () => {
  test.each([
    [{ code: 503 }, "unreachable", 503],
    [{ code: 500 }, "unknown", 500],
    [{ conflict: "replaced" }, "replaced", 440],
    [{ code: 401, conflict: "device_removed" }, "logged-out", 401],
  ])("and gets the stream error %j closes as %s", async (error, reason, code) => {
    const [line, company] = await linked()
    await sandbox.line(company.number).streamError(error)
    expect(await line.event("close")).toMatchObject({ reason, code })
  })

  test("and is cut closes as unreachable", async () => {
    const [line, company] = await linked()
    await sandbox.line(company.number).cut()
    expect(await line.event("close")).toMatchObject({ reason: "unreachable" })
  })

  test("and is unlinked by its phone closes as logged out", async () => {
    const [line, company] = await linked()
    await company.unlink()
    expect(await line.event("close")).toMatchObject({ reason: "logged-out", code: 401 })
  })

  test("logs out: WhatsApp knows it no more", async () => {
    const [line, company] = await linked()
    await line.connection.logout()
    expect(await line.event("close")).toMatchObject({ reason: "logged-out" })
    expect((await company.view()).devices).toEqual([])
  })

  test("and is closed by us stays linked", async () => {
    const [line, company] = await linked()
    await line.close()
    expect(await line.event("close")).toMatchObject({ reason: "closed-by-us", code: null })
    expect((await company.view()).devices).toHaveLength(1)
    await line.close()
    expect(line.events.filter(({ type }) => type === "close")).toHaveLength(1)
  })

  test("and whose peer has gone silent is noticed within the keep-alive and closed at once", async () => {
    const [line, company] = await linked({ keepAliveMs: 500 })
    await sandbox.line(company.number).mute()
    expect(await line.event("close", 9000)).toMatchObject({ reason: "unreachable" })
  }, 15_000)

  test("settles what it was sending the moment it is cut", async () => {
    const [line, company] = await linked()
    const ann = await sandbox.phone(String(nextNumber++))
    await line.send(ann.number, "known contact")
    await sandbox.fault({ kind: "missing-ack", line: company.number })
    const id = newId()
    const outcome = line.send(ann.number, "never acknowledged", id)
    await ann.waitFor({ id })
    await sandbox.line(company.number).cut()
    expect(await outcome).toMatchObject({ outcome: "unknown" })
    expect(await line.send(ann.number, "afterwards")).toMatchObject({ outcome: "not-sent" })
  })

  test("gives up the connection when a send is not acknowledged within its deadline", async () => {
    const [line, company] = await linked({ limits: { sendDeadlineMs: 1000 } })
    const ann = await sandbox.phone(String(nextNumber++))
    await sandbox.fault({ kind: "missing-ack", line: company.number })
    expect(await line.send(ann.number, "never acknowledged")).toMatchObject({ outcome: "unknown" })
    expect(await line.event("close", 2000)).toMatchObject({ reason: "unreachable" })
  })

  test("knows that a message was not sent when WhatsApp never tells the recipient's devices", async () => {
    const [line, company] = await linked({ limits: { sendDeadlineMs: 1000 } })
    const ann = await sandbox.phone(String(nextNumber++))
    await sandbox.fault({ kind: "hang-iq", line: company.number, xmlns: "usync" })
    const id = newId()
    expect(await line.send(ann.number, "where to?", id)).toMatchObject({ outcome: "not-sent" })
    expect(await sandbox.line(company.number).sent(id)).toEqual([])
    await line.event("close", 2000)
  })
})

describe("a connection that does not come about", () => {
  test.each([503, 401, 404])("is refused with HTTP %i: unreachable, at once", async (code) => {
    const company = await sandbox.phone(String(nextNumber++))
    const line = createTestLine({ sandbox, company: company.number })
    const fault = await sandbox.fault({ kind: "refuse-upgrade", code })
    await line.connect()
    expect(await line.event("close", 3000)).toMatchObject({ reason: "unreachable", code })
    await fault.clear()
  })

  test("has nobody listening: unreachable", async () => {
    const line = createTestLine({ sandbox: { ...sandbox, url: "ws://127.0.0.1:9" } })
    await line.connect()
    expect(await line.event("close", 3000)).toMatchObject({ reason: "unreachable" })
  })

  test.each(["silent-handshake", "cut-handshake", "silent-login"] as const)(
    "meets a %s: unreachable in time",
    async (kind) => {
      const company = await sandbox.phone(String(nextNumber++))
      const line = createTestLine({ sandbox, company: company.number, connectTimeoutMs: 1500 })
      if (kind === "silent-login") {
        await line.link(company)
        await line.close()
        line.events.length = 0
      }
      await sandbox.fault({ kind, count: 1 })
      await line.connect()
      expect(await line.event("close", 3500)).toMatchObject({ reason: "unreachable" })
    },
  )

  test("meets a server with another root key: not trusted", async () => {
    const line = createTestLine({ sandbox: { ...sandbox, rootKey: "ab".repeat(32) } })
    await line.connect()
    const { detail } = await line.event("close", 3000)
    expect(detail).toContain("root key")
    expect(line.events.some(({ type }) => type === "qr")).toBe(false)
  })
})

describe("a store that stays away", () => {
  test.each(["fails", "hangs"])(
    "and %s for too long ends the line, so that WhatsApp keeps what comes",
    async (how) => {
      const [line, company] = await linked({ limits: { outageLimitMs: 1000 } })
      const ann = await sandbox.phone(String(nextNumber++))
      if (how === "fails") line.store.failing = true
      else line.store.hang()
      const { id } = await ann.send(company.number, "while the store is away")
      expect(await line.event("close", 4000)).toMatchObject({ reason: "storage-unavailable" })
      line.store.failing = false
      line.store.release()
      await line.connect()
      await line.until("the message", () => line.messages.some(({ wireId }) => wireId === id))
      await line.close()
    },
    15_000,
  )
})
