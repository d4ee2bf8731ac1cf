import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import type { CloseReason } from "../../core/provider.ts"
import { type House, callOf, openHouse } from "./house.ts"

const statusOf = (house: House, company = "acme") => house.lines.views.sessions.get(company)?.status

const statuses = async (house: House, company = "acme"): Promise<unknown[]> =>
  (await house.events(company)).filter(({ type }) => type === "session.status").map(({ data }) => data.status)

describe("a line's way to a connection", () => {
  it("tells each step once and in order, and keeps the credentials between the steps", async () => {
    const house = openHouse()
    await house.connect("acme")
    expect(await statuses(house)).toEqual(["connecting", "qr", "connecting", "reconnecting", "connected"])
    expect(house.provider.connections).toHaveLength(2)
    expect(house.auths.stored.get("acme")?.size).toBe(1)
    expect(house.lines.views.sessions.get("acme")).toMatchObject({
      connected: true,
      user: { name: "acme" },
      connectedAt: house.clock.now(),
      reconnectAttempts: 0,
      lastError: null,
      provider: "fake",
      storage: "filesystem",
    })
  })

  it("gives up an attempt that hangs, behind the transport's own deadline", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.line("acme").end("unreachable")
    await house.clock.advance(2_500)
    expect(house.provider.connections).toHaveLength(3)
    await house.clock.advance(69_000)
    expect(house.provider.connections).toHaveLength(3)
    await house.clock.advance(6_000)
    expect(house.provider.connections).toHaveLength(4)
    expect(house.provider.connections[2]?.closed).toBe(true)
  })

  it("opens no second connection while the one before is not gone", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.auths.faults.set("acme", "hang")
    house.provider.line("acme").end("unreachable")
    await house.clock.advance(300_000)
    expect(house.provider.connections).toHaveLength(2)
    expect(statusOf(house)).toBe("reconnecting")
  })

  it("leaves other companies alone while one company's store hangs", async () => {
    const house = openHouse()
    house.auths.faults.set("stuck", "hang")
    void house.lines.commands.initialize(callOf("stuck"), {})
    await house.clock.settle()
    await house.connect("acme")
    expect((await house.send("acme", {})).status).toBe(200)
  })

  it("does not take an early `open` for a line that can send", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.onConnect = (connection) => connection.open()
    house.provider.line("acme").end("restart-required")
    await house.clock.settle()
    await house.clock.advance(1)
    expect((await house.send("acme", {})).status).toBe(200)
  })
})

describe("what follows when a line closes", () => {
  interface Row {
    readonly reason: CloseReason
    readonly state: string
    /** Connects in the ten minutes after. */
    readonly connects: number | "many"
    readonly keepsCredentials?: boolean
    readonly code?: string
  }
  const table: readonly Row[] = [
    { reason: "restart-required", state: "connected", connects: 1 },
    { reason: "logged-out", state: "logged-out", connects: 0, keepsCredentials: false, code: "LOGGED_OUT" },
    { reason: "banned", state: "failed", connects: 0, code: "BANNED" },
    { reason: "not-accepted", state: "failed", connects: 0, code: "NOT_ACCEPTED" },
    { reason: "replaced", state: "replaced", connects: 0, code: "REPLACED" },
    { reason: "credentials-damaged", state: "failed", connects: 0, code: "CREDENTIALS_DAMAGED" },
    { reason: "outdated", state: "connected", connects: 1 },
    { reason: "unreachable", state: "connected", connects: 1 },
    { reason: "unknown", state: "connected", connects: 1 },
    { reason: "storage-unavailable", state: "connected", connects: 1 },
    { reason: "closed-by-us", state: "connected", connects: 1 },
  ]
  for (const { reason, state, connects, keepsCredentials = true, code } of table) {
    it(`${reason}: ${state}, ${connects} connects`, async () => {
      const house = openHouse()
      await house.connect("acme")
      const before = house.provider.connections.length
      house.provider.onConnect = (connection) => connection.open()
      house.provider.line("acme").end(reason, 123, "detail")
      await house.clock.advance(600_000)
      expect(statusOf(house)).toBe(state)
      expect(house.provider.connections.length - before).toBe(connects)
      expect(house.auths.stored.has("acme")).toBe(keepsCredentials)
      if (code !== undefined) expect(house.lines.views.sessions.get("acme")?.lastError).toMatchObject({ code })
    })
  }

  it("names WHATSAPP_WEB_VERSION when the version is outdated, and tries only every five minutes", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.onConnect = (connection) => connection.end("outdated", 405)
    house.provider.line("acme").end("outdated", 405)
    expect(house.lines.views.sessions.get("acme")?.lastError?.message).toContain("WHATSAPP_WEB_VERSION")
    await house.clock.advance(3_600_000)
    expect(statusOf(house)).toBe("outdated")
    expect(house.provider.connections.length - 2).toBeLessThanOrEqual(13)
  })

  it("does not hurry for ever after a server that asks for restarts for ever", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.onConnect = (connection) => connection.end("restart-required", 515)
    house.provider.line("acme").end("restart-required", 515)
    await house.clock.advance(60_000)
    expect(house.provider.connections.length).toBeLessThan(20)
  })

  it("keeps the queue of a line that was logged out, where everybody can see it", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    for (const n of [1, 2]) await house.send("acme", { message: `m${n}` }, { respondAsync: true })
    house.provider.line("acme").end("logged-out", 401)
    await house.clock.advance(60_000)
    const { data } = await house.lines.messages.list("acme", { status: "queued", limit: 10 })
    expect(data.map(({ message }) => message).sort()).toEqual(["m1", "m2"])
    house.provider.policy = () => ({ outcome: "acknowledged", at: 1 })
    await house.connect("acme")
    expect((await house.lines.messages.list("acme", { status: "queued", limit: 10 })).data).toEqual([])
  })
})

describe("reconnecting", () => {
  it("meets 503 at every login for 45 s with at most 12 logins, whatever luck the jitter has", async () => {
    for (const luck of [0.2, 0.5, 0.9]) {
      const house = openHouse({ random: () => luck })
      await house.connect("acme")
      house.provider.onConnect = (connection) => connection.end("unreachable", 503)
      house.provider.line("acme").end("unreachable", 503)
      await house.clock.advance(45_000)
      expect(house.provider.connections.length - 2).toBeLessThanOrEqual(12)
    }
  })

  it("lets the delay grow from a small first one as well", async () => {
    const house = openHouse({ settings: { reconnectDelayMs: 100 } })
    await house.connect("acme")
    const at: number[] = []
    house.provider.onConnect = (connection) => {
      at.push(house.clock.now())
      connection.end("unreachable", 503)
    }
    house.provider.line("acme").end("unreachable", 503)
    await house.clock.advance(120_000)
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    expect(Math.max(...gaps)).toBeGreaterThan(10_000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000)
  })

  it("does not count while no line at all can reach WhatsApp", async () => {
    const house = openHouse({ settings: { maxReconnectAttempts: 2 } })
    await house.connect("acme")
    await house.connect("other")
    house.provider.onConnect = (connection) => connection.end("unreachable")
    house.provider.line("acme").end("unreachable")
    house.provider.line("other").end("unreachable")
    await house.clock.advance(1_200_000)
    expect(statusOf(house)).toBe("reconnecting")
    expect(statusOf(house, "other")).toBe("reconnecting")
  })

  it("fails after the last attempt while others get through, goes on every five minutes, and starts afresh on success", async () => {
    const house = openHouse({ settings: { maxReconnectAttempts: 3 } })
    await house.connect("other")
    await house.connect("acme")
    const line = house.provider.line("acme")
    house.provider.onConnect = (connection) => connection.end("unreachable")
    line.end("unreachable")
    await house.clock.advance(60_000)
    expect(house.lines.views.sessions.get("acme")).toMatchObject({ status: "failed", reconnectAttempts: 3 })
    const failedAfter = house.provider.connections.length
    expect(await house.send("acme", {})).toMatchObject({ status: 202 })
    await house.clock.advance(200_000)
    expect(house.provider.connections).toHaveLength(failedAfter)
    house.provider.onConnect = (connection) => connection.open()
    await house.clock.advance(140_000)
    expect(house.lines.views.sessions.get("acme")).toMatchObject({ status: "connected", reconnectAttempts: 0 })
  })

  it("is hastened when another line gets through first after an outage", async () => {
    const house = openHouse()
    await house.connect("acme")
    await house.connect("other")
    house.provider.onConnect = (connection) => connection.end("unreachable")
    house.provider.line("acme").end("unreachable")
    house.provider.line("other").end("unreachable")
    await house.clock.advance(300_000)
    house.provider.onConnect = (connection) => connection.open()
    const back = (): boolean => [statusOf(house), statusOf(house, "other")].includes("connected")
    while (!back()) await house.clock.advance(100)
    await house.clock.advance(2_000)
    expect([statusOf(house), statusOf(house, "other")]).toEqual(["connected", "connected"])
  })

  it("begins from the first delay again after a connection that held", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.onConnect = (connection) => connection.end("unreachable")
    house.provider.line("acme").end("unreachable")
    await house.clock.advance(120_000)
    house.provider.onConnect = (connection) => connection.open()
    await house.clock.advance(30_000)
    expect(statusOf(house)).toBe("connected")
    await house.clock.advance(10_000)
    house.provider.line("acme").end("unreachable")
    await house.clock.advance(2_500)
    expect(statusOf(house)).toBe("connected")
  })
})

describe("proof of life", () => {
  it("is asked for when nothing has been heard for the keep-alive interval, and counts", async () => {
    const house = openHouse()
    await house.connect("acme")
    const line = house.provider.line("acme")
    await house.clock.advance(29_000)
    expect(line.proofs).toBe(0)
    await house.clock.advance(2_000)
    expect(line.proofs).toBe(1)
    expect(house.lines.views.sessions.get("acme")?.lastProofAt).toBeGreaterThan(house.clock.now() - 3_000)
    line.emit({ type: "proof" })
    await house.clock.advance(29_000)
    expect(line.proofs).toBe(1)
  })

  it("ends a connection that gives none", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.line("acme").alive = false
    await house.clock.advance(30_000)
    expect(statusOf(house)).toBe("reconnecting")
    expect(house.provider.connections[1]?.closed).toBe(true)
  })
})

describe("stored credentials", () => {
  it("that are damaged are said to be so, and never become a new identity", async () => {
    const house = openHouse()
    await house.connect("acme")
    const next = await house.reopen("stop")
    next.auths.faults.set("acme", appError("CREDENTIALS_DAMAGED"))
    await expect(next.lines.commands.initialize(callOf("acme"), {})).rejects.toMatchObject({
      code: "CREDENTIALS_DAMAGED",
    })
    expect(statusOf(next)).toBe("failed")
    expect(next.provider.connections).toHaveLength(0)
    expect(next.auths.stored.has("acme")).toBe(true)
    await expect(next.send("acme", {})).rejects.toMatchObject({ code: "NO_ACTIVE_SESSION" })
  })

  it("that cannot be read now are tried again, and pair with nobody meanwhile", async () => {
    const house = openHouse()
    await house.connect("acme")
    const next = await house.reopen("stop")
    next.auths.faults.set("acme", appError("STORAGE_UNAVAILABLE"))
    next.lines.start()
    await next.clock.advance(60_000)
    expect(next.provider.connections).toHaveLength(0)
    expect(statusOf(next)).toBe("reconnecting")
    next.auths.faults.clear()
    next.provider.onConnect = (connection) => connection.open()
    await next.clock.advance(30_000)
    expect(statusOf(next)).toBe("connected")
  })

  it("that are gone leave the line failed: only somebody who asks for it may pair anew", async () => {
    const house = openHouse()
    await house.connect("acme")
    const next = await house.reopen("stop")
    next.auths.stored.clear()
    next.lines.start()
    await next.clock.advance(1_000)
    expect(statusOf(next)).toBe("failed")
    expect(next.provider.connections).toHaveLength(0)
    await expect(next.send("acme", {})).rejects.toMatchObject({ code: "NO_ACTIVE_SESSION" })
  })

  it("of a logged-out line are erased later when storage fails now", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.auths.faults.set("acme", appError("STORAGE_UNAVAILABLE"))
    house.provider.line("acme").end("logged-out")
    await house.clock.settle()
    expect(house.auths.stored.has("acme")).toBe(true)
    house.auths.faults.clear()
    const asked = house.lines.commands.initialize(callOf("acme"), {})
    await house.clock.settle()
    expect(house.auths.stored.has("acme")).toBe(false)
    house.provider.line("acme").qr("new identity")
    expect(await asked).toMatchObject({ code: { text: "new identity" } })
  })

  it("of a logged-out line are erased by themselves once storage is back, also after a restart", async () => {
    for (const restart of [false, true]) {
      const house = openHouse()
      await house.connect("acme")
      house.lines.start()
      house.auths.faults.set("acme", appError("STORAGE_UNAVAILABLE"))
      house.provider.line("acme").end("logged-out")
      await house.clock.advance(1_000)
      const next = restart ? await house.reopen() : house
      expect(next.auths.stored.has("acme")).toBe(true)
      next.auths.faults.clear()
      if (restart) next.lines.start()
      await next.clock.advance(61_000)
      expect(next.auths.stored.has("acme")).toBe(false)
    }
  })
})
