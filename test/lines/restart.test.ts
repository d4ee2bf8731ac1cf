import { describe, expect, it } from "vitest"
import { callOf, openHouse } from "./house.ts"

describe("after a crash", () => {
  it("every accepted message is sent, in order and under the id it was given", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const ids: unknown[] = []
    for (const message of ["1", "2", "3"])
      ids.push((await house.send("acme", { message }, { respondAsync: true })).data.messageId)
    await house.clock.settle()
    const next = await house.reopen("kill")
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(1_000)
    expect(next.provider.line("acme").sent.map(({ id }) => id)).toEqual(ids)
    expect((await next.lines.messages.list("acme", { status: "sent", limit: 10 })).data).toHaveLength(3)
    expect(await next.counted("acme")).toEqual({ sent: 3 })
  })

  it("loses what it accepted when the outbox is not durable: the write is what carries the promise", async () => {
    const house = openHouse({
      wrap: (ledger) => ({
        ...ledger,
        commit: (company, ops) =>
          ledger.commit(
            company,
            ops.filter((op) => op.op === "append" || op.table !== "outbox"),
          ),
      }),
    })
    await house.connect("acme")
    house.provider.policy = () => "hold"
    await house.send("acme", {}, { respondAsync: true })
    await house.clock.settle()
    const next = await house.reopen("kill")
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(600_000)
    expect(next.provider.line("acme").sent).toHaveLength(0)
  })

  it("new messages stand behind the old ones although the clock was set back", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.line("acme").end("unreachable")
    await house.clock.advance(1)
    const first = (await house.send("acme", { message: "first" })).data.messageId
    const behind = house.clock.now
    const next = await house.reopen("kill")
    Object.assign(next.clock, { now: () => behind() - 3_600_000 })
    const second = (await next.send("acme", { message: "second" })).data.messageId
    Object.assign(next.clock, { now: behind })
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(120_000)
    expect(next.provider.line("acme").sent.map(({ id }) => id)).toEqual([first, second])
  })

  it("holds back what may have gone out, where that is wanted, with the status unknown", async () => {
    const house = openHouse({ settings: { onUnknown: "hold" } })
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const tried = (await house.send("acme", { message: "tried" }, { respondAsync: true })).data.messageId
    const waiting = (await house.send("acme", { message: "waiting" }, { respondAsync: true })).data.messageId
    await house.clock.settle()
    const next = await house.reopen("kill")
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(1_000)
    expect(next.provider.line("acme").sent.map(({ id }) => id)).toEqual([waiting])
    expect(await next.lines.messages.find("acme", String(tried))).toMatchObject({ status: "unknown" })
  })

  it("a line that a receipt proves to have sent an unknown message says so", async () => {
    const house = openHouse({ settings: { onUnknown: "hold" } })
    await house.connect("acme")
    house.provider.policy = () => ({ outcome: "unknown", cause: new Error("no acknowledgement") })
    const answer = await house.send("acme", {})
    expect(answer).toMatchObject({ status: 202, data: { status: "unknown" } })
    const wireIds = [String(answer.data.messageId)]
    const chat = { kind: "person", phone: "79001234567", lid: null } as const
    await house.provider.line("acme").input.intake.receipt({ chat, wireIds, status: "delivered", at: 9 })
    expect(await house.lines.messages.find("acme", wireIds[0] ?? "")).toMatchObject({ status: "delivered" })
  })

  it("what was sent can still be said again word for word to a recipient who could not read it", async () => {
    const house = openHouse()
    await house.connect("acme")
    const { data } = await house.send("acme", { message: "say it again" })
    const next = await house.reopen("kill")
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(1_000)
    const wire = await next.provider.line("acme").input.sentContent(String(data.messageId))
    expect(new TextDecoder().decode(wire)).toBe("say it again")
  })
})

describe("a start", () => {
  it("brings back what was connected, within three seconds for ten lines, and nothing else", async () => {
    const house = openHouse()
    for (let n = 0; n < 10; n++) await house.connect(`c${n}`)
    await house.connect("gone")
    await house.lines.commands.disconnect(callOf("gone"))
    const next = await house.reopen("kill")
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(3_000)
    expect(next.lines.views.sessions.list().filter(({ connected }) => connected)).toHaveLength(10)
    expect(await next.lines.sessions.status("gone")).toMatchObject({ status: "disconnected" })
  })

  it("says of a linked line whose credentials are gone that they are missing, and links anew only when asked to", async () => {
    const house = openHouse()
    await house.connect("acme")
    const next = await house.reopen("kill")
    const kept = next.auths.stored.get("acme") ?? new Map<string, Uint8Array>()
    next.auths.stored.delete("acme")
    next.lines.start()
    await next.clock.advance(1_000)
    expect(await next.lines.sessions.status("acme")).toMatchObject({
      status: "failed",
      lastError: { code: "CREDENTIALS_MISSING" },
    })
    next.auths.stored.set("acme", kept)
    await next.lines.commands.restart(callOf("acme"))
    await next.clock.settle()
    await next.provider.line("acme").open()
    expect(await next.lines.sessions.status("acme")).toMatchObject({ status: "connected" })
  })

  it("brings back the most recently active up to the limit, and says that others stay idle", async () => {
    const house = openHouse()
    for (const company of ["a", "b", "c"]) {
      await house.connect(company)
      await house.clock.advance(1_000)
    }
    await house.reopen("stop").then(async (stopped) => {
      const next = await stopped.reopen("stop")
      Object.assign(next.settings, { maxSessions: 2 })
      next.provider.onConnect = (connection) => connection.open()
      next.lines.start()
      await next.clock.advance(3_000)
      expect(
        next.lines.views.sessions
          .list()
          .filter(({ connected }) => connected)
          .map(({ companyId }) => companyId)
          .sort(),
      ).toEqual(["b", "c"])
      expect(await next.lines.sessions.status("a")).toMatchObject({ status: "idle" })
      expect(next.log.text()).toContain("WHATSAPP_MAX_SESSIONS")
      await expect(next.send("a", {})).rejects.toMatchObject({ code: "SESSION_LIMIT_REACHED" })
      await expect(next.lines.commands.initialize(callOf("d"), {})).rejects.toMatchObject({
        code: "SESSION_LIMIT_REACHED",
      })
      expect(next.lines.views.sessions.list().filter(({ connected }) => connected)).toHaveLength(2)
    })
  })

  it("does not bring back a line that was logged out, replaced or banned, and remembers why", async () => {
    const house = openHouse()
    for (const reason of ["logged-out", "replaced", "banned"] as const) {
      await house.connect(reason)
      house.provider.line(reason).end(reason)
    }
    await house.clock.settle()
    const next = await house.reopen("kill")
    next.lines.start()
    await next.clock.advance(60_000)
    expect(next.provider.connections).toHaveLength(0)
    expect(await next.lines.sessions.status("logged-out")).toMatchObject({ status: "logged-out" })
    expect(await next.lines.sessions.status("replaced")).toMatchObject({ status: "replaced" })
    expect(await next.lines.sessions.status("banned")).toMatchObject({
      status: "failed",
      lastError: { code: "BANNED" },
    })
  })
})

describe("a stop", () => {
  it("logs nobody out, closes every socket, and keeps in the outbox what had no answer", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const asked = house.send("acme", {})
    await house.clock.settle()
    house.lines.release()
    expect(await asked).toMatchObject({ status: 202 })
    const next = await house.reopen("stop")
    const line = house.provider.line("acme")
    expect(line.closed).toBe(true)
    expect(line.loggedOut).toBe(false)
    expect((await next.ledger.page("acme", "outbox", { limit: 5 })).rows).toHaveLength(1)
    expect(house.clock.armed).toBe(0)
  })

  it("lets sends that are under way come back first", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    void house.send("acme", {}, { respondAsync: true })
    await house.clock.settle()
    const line = house.provider.line("acme")
    const stopped = house.lines.stop(5_000)
    await house.clock.settle()
    expect(line.closed).toBe(false)
    line.answer(line.held[0] ?? "", { outcome: "acknowledged", at: 1 })
    await house.clock.settle()
    await stopped
    expect(await house.counted("acme")).toEqual({ sent: 1 })
    expect((await house.ledger.page("acme", "outbox", { limit: 5 })).rows).toHaveLength(0)
  })

  it("leaves no timer behind", async () => {
    const house = openHouse()
    house.lines.start()
    await house.connect("acme")
    await house.connect("other")
    house.provider.line("other").end("unreachable")
    const asked = house.lines.commands.initialize(callOf("third"), {})
    await house.clock.settle()
    house.lines.release()
    await asked
    const stopped = house.lines.stop(1_000)
    await house.clock.settle()
    await stopped
    expect(house.clock.armed).toBe(0)
  })
})
