import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import { type House, callOf, openHouse } from "./house.ts"

const stateOf = (house: House, company = "acme") => house.lines.views.sessions.get(company)?.status

/** Asks for a session and lets everything settle that can. */
const ask = async (house: House, how: Record<string, unknown> = {}) => {
  const asked = house.lines.commands.initialize(callOf("acme"), how)
  asked.catch(() => undefined)
  await house.clock.settle()
  return asked
}

const begun = async (house: House, how: Record<string, unknown> = {}) => {
  const asked = house.lines.commands.initialize(callOf("acme"), how)
  asked.catch(() => undefined)
  await house.clock.settle()
  return { asked, line: house.provider.line("acme") }
}

describe("linking by QR code", () => {
  it("shows the code as soon as there is one, and the same one when asked again", async () => {
    const house = openHouse()
    const { asked, line } = await begun(house)
    line.qr("qr-1")
    expect(await asked).toMatchObject({ ready: true, code: { kind: "qr", text: "qr-1", attempt: 1, maxAttempts: 3 } })
    expect(await ask(house)).toMatchObject({ code: { text: "qr-1" } })
    expect(house.provider.connections).toHaveLength(1)
    expect(await house.lines.commands.qr("acme", 0)).toMatchObject({ text: "qr-1" })
  })

  it("answers that there is nothing yet after 30 s", async () => {
    const house = openHouse()
    const { asked } = await begun(house)
    await house.clock.advance(30_000)
    expect(await asked).toMatchObject({ ready: false, status: { status: "connecting" } })
  })

  it("says at once that storage fails, goes on trying, and shows the code when asked again later", async () => {
    const house = openHouse()
    house.auths.faults.set("acme", appError("STORAGE_UNAVAILABLE"))
    await expect(ask(house)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", spec: { status: 503 } })
    const asked = house.lines.commands.pairingCode(callOf("acme"), "79001234567")
    await expect(asked).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" })
    house.auths.faults.clear()
    const { asked: again, line } = await begun(house, { usePairingCode: false })
    line.qr("qr-1")
    expect(await again).toMatchObject({ ready: true, code: { text: "qr-1" } })
  })

  it("gives up after the last code, and starts again when asked", async () => {
    const house = openHouse()
    const { asked, line } = await begun(house)
    for (const n of [1, 2, 3]) {
      line.qr(`qr-${n}`, 20_000)
      await house.clock.advance(20_000)
    }
    await asked
    expect(stateOf(house)).toBe("qr-expired")
    expect(line.closed).toBe(true)
    await expect(house.lines.commands.qr("acme", 0)).rejects.toMatchObject({ code: "QR_NOT_AVAILABLE" })
    const again = await begun(house)
    again.line.qr("qr-4")
    expect(await again.asked).toMatchObject({ code: { text: "qr-4", attempt: 1 } })
  })

  it("draws a refreshed code again without counting it", async () => {
    const house = openHouse()
    const { line } = await begun(house)
    line.qr("qr-1")
    line.qr("qr-1 with a fresh secret", 60_000, true)
    await house.clock.settle()
    expect(house.lines.sessions.peek("acme")?.code).toMatchObject({ text: "qr-1 with a fresh secret", attempt: 1 })
    expect((await house.events("acme")).filter(({ type }) => type === "session.qr")).toHaveLength(1)
  })

  it("goes on with new codes when WhatsApp's own have run out before the last attempt", async () => {
    const house = openHouse({ settings: { maxQrAttempts: 8 } })
    const { line } = await begun(house)
    for (const n of [1, 2, 3, 4, 5, 6]) line.qr(`qr-${n}`)
    line.end("qr-ended", 408)
    await house.clock.advance(1)
    expect(house.provider.connections).toHaveLength(2)
    house.provider.line("acme").qr("qr-7")
    expect(house.lines.sessions.peek("acme")?.code).toMatchObject({ text: "qr-7", attempt: 7 })
  })

  it("takes a code away once the line is linked, and stores none of it anywhere", async () => {
    const house = openHouse({ settings: { debugSessions: true } })
    const { line } = await begun(house)
    line.qr("SECRET-QR-TEXT")
    await house.clock.settle()
    await line.link()
    await house.clock.advance(1)
    await house.provider.line("acme").open()
    await house.clock.settle()
    await expect(house.lines.commands.qr("acme", 0)).rejects.toMatchObject({ code: "ALREADY_CONNECTED" })
    expect(JSON.stringify(await house.events("acme"))).not.toContain("SECRET-QR")
    expect(house.log.text()).not.toContain("SECRET-QR")
    const told = (await house.events("acme")).find(({ type }) => type === "session.qr")
    expect(told?.data).toMatchObject({ attempt: 1, maxAttempts: 3 })
  })

  it("treats a refusal before the pairing is complete as no logout: nothing is erased, a new pairing begins", async () => {
    for (const reason of ["pairing-incomplete", "logged-out"] as const) {
      const house = openHouse()
      const { line } = await begun(house)
      line.qr("qr-1")
      await line.input.auth.save({ "pre-key": { "1": Uint8Array.of(7) } })
      line.end(reason, 401)
      await house.clock.advance(1)
      expect(house.provider.connections).toHaveLength(2)
      expect(house.auths.stored.get("acme")?.size).toBe(1)
    }
  })

  it("waits with guidance when a passkey is demanded, rather than with a loop of codes", async () => {
    const house = openHouse()
    const { asked, line } = await begun(house)
    line.qr("qr-1")
    await asked
    line.end("passkey-required")
    await house.clock.advance(600_000)
    expect(stateOf(house)).toBe("passkey-required")
    expect(house.lines.views.sessions.get("acme")?.lastError?.message).toContain("passkey")
    expect(house.provider.connections).toHaveLength(1)
  })

  it("is given up when WhatsApp cannot be reached for minutes: nobody is waiting any more", async () => {
    const house = openHouse()
    house.provider.onConnect = (connection) => connection.end("unreachable")
    await begun(house)
    await house.clock.advance(400_000)
    expect(stateOf(house)).toBe("failed")
    const tries = house.provider.connections.length
    await house.clock.advance(3_600_000)
    expect(house.provider.connections).toHaveLength(tries)
  })

  it("long-polls for the code", async () => {
    const house = openHouse()
    const { line } = await begun(house)
    const waiting = house.lines.commands.qr("acme", 20_000)
    await house.clock.advance(5_000)
    line.qr("qr-late")
    expect(await waiting).toMatchObject({ text: "qr-late" })
    await expect(house.lines.commands.qr("nobody", 0)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" })
  })
})

describe("linking by pairing code", () => {
  it("needs the phone number, in any spelling", async () => {
    const house = openHouse()
    const bad = { usePairingCode: true }
    await expect(ask(house, bad)).rejects.toMatchObject({ spec: { status: 400 } })
    await expect(ask(house, { ...bad, phoneNumber: "hello" })).rejects.toMatchObject({ code: "INVALID_PHONE" })
    const { asked, line } = await begun(house, { ...bad, phoneNumber: "+7 (900) 123-45-67" })
    expect(line.input.link).toEqual({ method: "pairing-code", phone: "79001234567" })
    line.pairingCode("ABCDEFGH")
    expect(await asked).toMatchObject({ code: { kind: "pairing-code", text: "ABCD-EFGH" } })
  })

  it("ignores the number when a QR code is asked for", async () => {
    const house = openHouse()
    const { line } = await begun(house, { usePairingCode: false, phoneNumber: 12 })
    expect(line.input.link).toEqual({ method: "qr" })
  })

  it("tells a refused registration as 502 with WhatsApp's reason", async () => {
    const house = openHouse()
    const asked = house.lines.commands.pairingCode(callOf("acme"), "79001234567")
    asked.catch(() => undefined)
    await house.clock.settle()
    house.provider.line("acme").emit({ type: "pairing-refused", reason: "too many attempts" })
    await expect(asked).rejects.toMatchObject({ code: "PAIRING_REFUSED", details: { reason: "too many attempts" } })
    expect(stateOf(house)).toBe("idle")
  })

  it("takes the place of a QR code that is being shown", async () => {
    const house = openHouse()
    const { line } = await begun(house)
    line.qr("qr-1")
    const asked = house.lines.commands.pairingCode(callOf("acme"), "79001234567")
    await house.clock.settle()
    expect(line.closed).toBe(true)
    house.provider.line("acme").pairingCode("WXYZ1234")
    expect(await asked).toEqual({ text: "WXYZ-1234", expiresIn: 160, phone: "79001234567" })
    expect(stateOf(house)).toBe("pairing-code")
  })

  it("is refused for a line that is connected", async () => {
    const house = openHouse()
    await house.connect("acme")
    await expect(house.lines.commands.pairingCode(callOf("acme"), "79001234567")).rejects.toMatchObject({
      code: "ALREADY_CONNECTED",
    })
  })
})

describe("a pairing that nobody finishes", () => {
  it("keeps its credentials for their time, then they go", async () => {
    const house = openHouse({ settings: { authStateTtlMs: 600_000 } })
    house.lines.start()
    const { line } = await begun(house)
    await line.input.auth.save({ "pre-key": { "1": Uint8Array.of(7) } })
    line.qr("qr-1", 10_000)
    await house.clock.advance(500_000)
    expect(house.auths.stored.get("acme")?.size).toBe(1)
    await house.clock.advance(200_000)
    expect(house.auths.stored.get("acme")?.size ?? 0).toBe(0)
  })

  it("that was finished in the moment before a crash is not erased but taken up", async () => {
    const house = openHouse({ settings: { authStateTtlMs: 600_000 } })
    const { line } = await begun(house)
    line.qr("qr-1")
    await house.clock.settle()
    await line.input.auth.save({ creds: { creds: Uint8Array.of(1) } })
    const next = await house.reopen()
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(1_000)
    expect(stateOf(next)).toBe("connected")
    await next.clock.advance(3_600_000)
    expect(next.auths.stored.get("acme")?.size).toBe(1)
  })
})
