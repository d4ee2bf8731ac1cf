import { describe, expect, it } from "vitest"
import { readKey } from "../../core/message/idempotency.ts"
import { callOf, openHouse } from "./house.ts"

const HOUR = 3_600_000

describe("an Idempotency-Key", () => {
  it("gives the first answer again for the same body, however it is written, and sends once", async () => {
    const house = openHouse()
    await house.connect("acme")
    const first = await house.send("acme", { message: "hi", extra: { a: 1, b: 2 } }, { key: "k" })
    await house.clock.advance(10_000)
    const again = await house.send("acme", { extra: { b: 2, a: 1 }, message: "hi" }, { key: "k" })
    expect(again).toEqual({ ...first, replayed: true })
    expect(house.provider.line("acme").sent).toHaveLength(1)
  })

  it("is refused for another body, and is another key in another company", async () => {
    const house = openHouse()
    await house.connect("acme")
    await house.connect("other")
    await house.send("acme", { message: "one" }, { key: "k" })
    await expect(house.send("acme", { message: "two" }, { key: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
      spec: { status: 422 },
    })
    expect(await house.send("other", { message: "two" }, { key: "k" })).toMatchObject({ status: 200, replayed: false })
  })

  it("is in progress while the first request is running", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const first = house.send("acme", {}, { key: "k" })
    await house.clock.settle()
    await expect(house.send("acme", {}, { key: "k" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_IN_PROGRESS",
      spec: { status: 409, retryable: true },
    })
    await house.clock.advance(15_000)
    expect((await first).status).toBe(202)
  })

  it("says queued again, with the time of then, although the message has been sent since", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const asked = house.send("acme", {}, { key: "k" })
    await house.clock.advance(15_000)
    const first = await asked
    house.provider.line("acme").answer(String(first.data.messageId), { outcome: "acknowledged", at: 1 })
    await house.clock.settle()
    expect(await house.send("acme", {}, { key: "k" })).toEqual({ ...first, replayed: true })
  })

  it("tells a failure again, also after a restart", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => ({ outcome: "refused", code: "479", reason: "no" })
    await expect(house.send("acme", {}, { key: "k" })).rejects.toMatchObject({ code: "MESSAGE_SEND_ERROR" })
    const next = await house.reopen()
    await next.connect("acme")
    await expect(next.send("acme", {}, { key: "k" })).rejects.toMatchObject({
      code: "MESSAGE_SEND_ERROR",
      details: { whatsappCode: "479" },
    })
    expect(next.provider.line("acme").sent).toHaveLength(0)
  })

  it("of a request that a crash cut off is answered from what has become of the message", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    void house.send("acme", {}, { key: "k" })
    await house.clock.settle()
    const [id] = house.provider.line("acme").held
    const next = await house.reopen()
    expect(await next.send("acme", {}, { key: "k" })).toMatchObject({
      status: 202,
      replayed: true,
      data: { messageId: id, status: "queued" },
    })
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await next.clock.advance(1_000)
    expect(await next.send("acme", {}, { key: "k" })).toMatchObject({
      status: 200,
      replayed: true,
      data: { messageId: id, status: "sent" },
    })
    expect(next.provider.line("acme").sent).toHaveLength(1)
  })

  it("is not spent by a refused request", async () => {
    const house = openHouse()
    await house.connect("acme")
    await expect(house.send("acme", { message: "" }, { key: "k" })).rejects.toThrow()
    expect(await house.send("acme", { message: "hi" }, { key: "k" })).toMatchObject({ status: 200, replayed: false })
  })

  it("is kept for a day and then removed", async () => {
    const house = openHouse()
    await house.connect("acme")
    await house.send("acme", {}, { key: "k" })
    await house.lines.commands.disconnect(callOf("acme"))
    await house.clock.advance(24 * HOUR - 120_000)
    house.lines.start()
    expect((await house.send("acme", {}, { key: "k" })).replayed).toBe(true)
    await house.clock.advance(180_000)
    expect(await house.ledger.get("acme", "idempotency", ["k"])).toEqual([undefined])
    await expect(house.send("acme", {}, { key: "k" })).rejects.toMatchObject({ code: "NO_ACTIVE_SESSION" })
  })
})

describe("the header", () => {
  it("is taken bare and as a quoted string of structured headers", () => {
    expect(readKey(null)).toBeUndefined()
    expect(readKey("abc")).toBe("abc")
    expect(readKey('"abc"')).toBe("abc")
    expect(readKey('"a \\"b\\" \\\\c"')).toBe('a "b" \\c')
    expect(readKey("x".repeat(255))).toHaveLength(255)
    expect(() => readKey("x".repeat(256))).toThrow()
    expect(() => readKey("")).toThrow()
    expect(() => readKey('""')).toThrow()
  })
})
