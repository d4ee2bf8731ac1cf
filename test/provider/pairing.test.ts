import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { startSandbox, type Sandbox, type SandboxPhone } from "../sandbox/index.ts"
import { createTestLine, realClock, type TestLine } from "./support.ts"

let sandbox: Sandbox
let company: SandboxPhone
let line: TestLine
let nextNumber = 15558000

beforeAll(async () => {
  sandbox = await startSandbox()
})
afterEach(async () => {
  await sandbox.clearFaults()
  await line.close()
})
afterAll(() => sandbox.stop())

async function unlinked(options: Partial<Parameters<typeof createTestLine>[0]> = {}): Promise<void> {
  company = await sandbox.phone(String(nextNumber++), { name: "Acme" })
  line = createTestLine({ sandbox, company: company.number, ...options })
}

describe("linking by QR code", () => {
  test("shows a code with its end, and tells the link only when it is stored", async () => {
    await unlinked()
    await line.connect()
    const shown = await line.event("qr")
    expect(shown.refreshed).toBe(false)
    expect(shown.expiresAt - Date.now()).toBeGreaterThan(50_000)
    line.store.latencyMs = 50
    await company.link(shown.qr)
    const { user } = await line.event("linked")
    expect(await line.provider.linked(line.store.copy())).toBe(true)
    const { lid } = await company.view()
    expect(user).toEqual({ id: `${company.number}@s.whatsapp.net`, phone: company.number, lid, name: "Acme" })
    expect((await line.event("open")).user).toEqual(user)
    expect(line.events.map(({ type }) => type).filter((type) => type !== "proof" && type !== "person")).toEqual([
      "qr",
      "linked",
      "close",
      "open",
    ])
  })

  test("is told to WhatsApp only when the store has taken the credentials", async () => {
    await unlinked()
    await line.connect()
    const { qr } = await line.event("qr")
    line.store.failing = true
    let accepted = false
    const linking = company.link(qr).finally(() => {
      accepted = true
    })
    await realClock.sleep(1500)
    expect(accepted).toBe(false)
    expect(line.events.map(({ type }) => type)).toEqual(["qr"])
    line.store.failing = false
    await linking
    await line.event("linked")
    await line.event("open")
  })

  test("draws the current code again with a fresh secret when WhatsApp retires the old one", async () => {
    await unlinked()
    await line.connect()
    const first = await line.event("qr")
    await sandbox.fault({ kind: "companion-reg-refresh", line: company.number, count: 1 })
    await expect(company.link(first.qr)).rejects.toMatchObject({ code: "secret-retired" })
    const second = await line.until("the second drawing", () =>
      line.events.flatMap((event) => (event.type === "qr" && event.refreshed ? [event] : [])).at(0),
    )
    expect(second.qr).not.toBe(first.qr)
    expect(second.qr.split(",").toSpliced(3, 1)).toEqual(first.qr.split(",").toSpliced(3, 1))
    await company.link(second.qr)
    await line.event("open")
  })

  test("ends with guidance when WhatsApp wants a passkey", async () => {
    await unlinked()
    await line.connect()
    const { qr } = await line.event("qr")
    await sandbox.fault({ kind: "passkey", line: company.number, count: 1 })
    await expect(company.link(qr)).rejects.toMatchObject({ code: "passkey-demanded" })
    expect(await line.event("close")).toMatchObject({ reason: "passkey-required" })
  })

  test("starts anew after a connection that ended before the scan", async () => {
    await unlinked()
    await line.connect()
    await line.event("qr")
    await line.close()
    expect(await line.provider.linked(line.store)).toBe(false)
    line.events.length = 0
    await line.link(company)
  })
})

describe("linking by pairing code", () => {
  test("shows only a code that WhatsApp has taken in, and links with it", async () => {
    await unlinked()
    await line.connect({ method: "pairing-code", phone: company.number })
    const { code, expiresAt } = await line.event("pairing-code")
    expect(code).toMatch(/^[1-9A-HJ-NP-Z]{4}-[1-9A-HJ-NP-Z]{4}$/)
    expect(expiresAt - Date.now()).toBeGreaterThan(100_000)
    expect(line.events.some(({ type }) => type === "qr")).toBe(false)
    await company.enterCode(code)
    await line.event("linked")
    await line.event("open")
  })

  test("tells WhatsApp's reason when it refuses the code", async () => {
    await unlinked()
    await sandbox.fault({ kind: "refuse-pairing-code", line: company.number, count: 2 })
    await line.connect({ method: "pairing-code", phone: company.number })
    expect((await line.event("pairing-refused")).reason).toContain("bad-request")
    await expect(line.connection.pairingCode?.(company.number)).rejects.toMatchObject({ code: "PAIRING_REFUSED" })
    expect(line.events.some(({ type }) => type === "pairing-code")).toBe(false)
    // A later request is taken in.
    const given = await line.connection.pairingCode?.(company.number)
    await company.enterCode(given?.code ?? "")
    await line.event("open")
  })

  test("is asked for beside a QR code, and either links", async () => {
    await unlinked()
    await line.connect()
    await line.event("qr")
    const given = await line.connection.pairingCode?.(company.number)
    await company.enterCode(given?.code ?? "")
    await line.event("open")
  })

  test("that was broken off is no logout: the next connection pairs anew", async () => {
    await unlinked()
    await line.connect({ method: "pairing-code", phone: company.number })
    await line.event("pairing-code")
    await line.close()
    line.events.length = 0
    await line.connect()
    const { qr } = await line.event("qr")
    await company.link(qr)
    await line.event("open")
  })
})
