import { describe, expect, it } from "vitest"
import { refuse } from "../../core/refusal.ts"
import { type House, callOf, openHouse } from "./house.ts"

const messageOf = async (house: House, id: unknown) => house.lines.messages.find("acme", String(id))

describe("a send on a connected line", () => {
  it("is answered 200 once WhatsApp has acknowledged it, under the id that travelled", async () => {
    const house = openHouse()
    await house.connect("acme")
    const answer = await house.send("acme", { phone: "+7 900 123-45-67", message: "Good morning" })
    expect(answer.status).toBe(200)
    expect(answer.data).toMatchObject({ companyId: "acme", to: "79001234567", status: "sent" })
    const [wire] = house.provider.line("acme").sent
    expect(wire?.id).toBe(answer.data.messageId)
    expect(wire?.id).toMatch(/^3EB0[0-9A-F]{18}$/)
    expect(new TextDecoder().decode(wire?.wire)).toBe("Good morning")
  })

  it("is answered 202 when no acknowledgement comes in 15 s, and becomes sent when it does come", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const asked = house.send("acme", {})
    await house.clock.advance(14_999)
    await house.clock.advance(1)
    const answer = await asked
    expect(answer).toMatchObject({ status: 202, data: { status: "queued" } })
    const id = String(answer.data.messageId)
    house.provider.line("acme").answer(id, { outcome: "acknowledged", at: house.clock.now() })
    await house.clock.settle()
    expect(await messageOf(house, id)).toMatchObject({ status: "sent", times: { sent: house.clock.now() } })
  })

  it("answers at once with 202 when the caller prefers that, and is sent all the same", async () => {
    const house = openHouse()
    await house.connect("acme")
    const answer = await house.send("acme", {}, { respondAsync: true })
    expect(answer.status).toBe(202)
    await house.clock.settle()
    expect(await messageOf(house, answer.data.messageId)).toMatchObject({ status: "sent" })
  })

  it("is stored before it is tried, and leaves nothing in the outbox once it is sent", async () => {
    const house = openHouse()
    await house.connect("acme")
    let stored = 0
    house.provider.policy = () => {
      stored++
      return "hold"
    }
    const asked = house.send("acme", {})
    await house.clock.settle()
    expect(stored).toBe(1)
    const [id] = house.provider.line("acme").held
    expect(await messageOf(house, id)).toMatchObject({ status: "queued" })
    expect((await house.ledger.page("acme", "outbox", { limit: 5 })).rows).toHaveLength(1)
    house.provider.line("acme").answer(String(id), { outcome: "acknowledged", at: house.clock.now() })
    await asked
    expect((await house.ledger.page("acme", "outbox", { limit: 5 })).rows).toHaveLength(0)
    expect(await house.counted("acme")).toEqual({ sent: 1 })
  })

  it("tells a refusal by WhatsApp as 502 with its code, and never tries again", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => ({ outcome: "refused", code: "479", reason: "rejected" })
    await expect(house.send("acme", {})).rejects.toMatchObject({
      code: "MESSAGE_SEND_ERROR",
      spec: { status: 502 },
      details: { whatsappCode: "479" },
    })
    await house.clock.advance(120_000)
    expect(house.provider.line("acme").sent).toHaveLength(1)
    const failed = (await house.events("acme")).find(({ type }) => type === "message.failed")
    expect(failed?.data).toMatchObject({ status: "failed", error: { code: "MESSAGE_SEND_ERROR" } })
    expect(await house.counted("acme")).toEqual({ failed: 1, "error:NETWORK": 1 })
  })

  it("tells of a number that is not on WhatsApp as 422", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => ({ outcome: "not-on-whatsapp" })
    await expect(house.send("acme", {})).rejects.toMatchObject({ code: "NOT_ON_WHATSAPP", spec: { status: 422 } })
  })

  it("under a restriction refuses new chats with its end, without trying, and goes on in open ones", async () => {
    const house = openHouse()
    await house.connect("acme")
    await house.send("acme", { phone: "79001111111" })
    const until = house.clock.now() + 3_600_000
    house.provider.policy = () => ({
      outcome: "refused",
      code: "463",
      reason: "reach-out",
      restriction: { kind: "new-chats", until },
    })
    await expect(house.send("acme", { phone: "79002222222" })).rejects.toMatchObject({ code: "ACCOUNT_RESTRICTED" })
    house.provider.policy = () => ({ outcome: "acknowledged", at: house.clock.now() })
    await expect(house.send("acme", { phone: "79003333333" })).rejects.toMatchObject({
      code: "ACCOUNT_RESTRICTED",
      details: { until: new Date(until).toISOString() },
      retryAfter: 3_600,
    })
    await expect(house.send("acme", { phone: "79002222222" })).rejects.toMatchObject({ code: "ACCOUNT_RESTRICTED" })
    expect((await house.send("acme", { phone: "79001111111" })).status).toBe(200)
    expect(house.provider.line("acme").sent).toHaveLength(3)
    expect(house.lines.views.sessions.get("acme")).toMatchObject({
      connected: true,
      restriction: { kind: "new-chats" },
    })
    await house.clock.advance(3_600_001)
    expect((await house.send("acme", { phone: "79003333333" })).status).toBe(200)
  })

  it("tries again what never reached the socket, and counts it once", async () => {
    const house = openHouse()
    await house.connect("acme")
    let tries = 0
    house.provider.policy = () =>
      ++tries < 3
        ? { outcome: "not-sent", cause: new Error("query timed out") }
        : { outcome: "acknowledged", at: house.clock.now() }
    const asked = house.send("acme", {})
    await house.clock.advance(4_000)
    expect((await asked).status).toBe(200)
    expect(new Set(house.provider.line("acme").sent.map(({ id }) => id)).size).toBe(1)
    expect(await house.counted("acme")).toEqual({ sent: 1 })
  })

  it("fails with EXPIRED what has waited longer than its ttl, in the event log as well", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.lines.start()
    house.provider.line("acme").end("unreachable")
    const answer = await house.send("acme", { ttl: 60 })
    expect(answer.status).toBe(202)
    house.provider.onConnect = (connection) => connection.end("unreachable")
    await house.clock.advance(70_000)
    expect(await messageOf(house, answer.data.messageId)).toMatchObject({
      status: "failed",
      error: { code: "EXPIRED" },
    })
    expect((await house.events("acme")).filter(({ type }) => type === "message.failed")).toHaveLength(1)
    expect((await house.ledger.page("acme", "outbox", { limit: 5 })).rows).toHaveLength(0)
  })
})

describe("what a send meets", () => {
  const refused = { code: "NO_ACTIVE_SESSION", spec: { status: 409 }, message: "No active session for company" }

  it("is 409 for a company never initialized, and leaves no trace of it", async () => {
    const house = openHouse()
    await expect(house.send("acme", {})).rejects.toMatchObject(refused)
    expect(await house.ledger.companies()).toEqual([])
  })

  it("is 409 as long as the credentials are not complete", async () => {
    const house = openHouse()
    const asked = house.lines.commands.initialize(callOf("acme"), {})
    await house.clock.settle()
    await expect(house.send("acme", {})).rejects.toMatchObject(refused)
    house.provider.line("acme").qr("qr")
    await asked
    await expect(house.send("acme", {})).rejects.toMatchObject(refused)
  })

  for (const reason of ["logged-out", "replaced", "banned", "not-accepted"] as const) {
    it(`is 409 once the line has ended as ${reason}`, async () => {
      const house = openHouse()
      await house.connect("acme")
      house.provider.line("acme").end(reason)
      await expect(house.send("acme", {})).rejects.toMatchObject(refused)
    })
  }

  it("is 409 after a disconnect that was asked for", async () => {
    const house = openHouse()
    await house.connect("acme")
    await house.lines.commands.disconnect(callOf("acme"))
    await expect(house.send("acme", {})).rejects.toMatchObject(refused)
  })

  for (const reason of ["unreachable", "unknown", "outdated", "restart-required"] as const) {
    it(`is 202 while the line heals by itself after ${reason}, and it is sent when it is back`, async () => {
      const house = openHouse()
      await house.connect("acme")
      house.provider.line("acme").end(reason)
      const answer = await house.send("acme", {})
      expect(answer).toMatchObject({ status: 202, data: { status: "queued" } })
      house.provider.onConnect = (connection) => connection.open()
      await house.clock.advance(360_000)
      expect(await messageOf(house, answer.data.messageId)).toMatchObject({ status: "sent" })
    })
  }

  it("starts a line that rests with credentials", async () => {
    const house = openHouse()
    await house.connect("acme")
    const next = await house.reopen("stop")
    next.provider.onConnect = (connection) => connection.open()
    const answer = await next.send("acme", {})
    expect(answer.status).toBe(202)
    await next.clock.settle()
    expect(await messageOf(next, answer.data.messageId)).toMatchObject({ status: "sent" })
  })

  it("is 503 when the ledger cannot take it, and then it never goes out", async () => {
    let broken = false
    const house = openHouse({
      wrap: (ledger) => ({
        ...ledger,
        commit: (company, ops) => (broken ? Promise.reject(new Error("disk full")) : ledger.commit(company, ops)),
      }),
    })
    await house.connect("acme")
    broken = true
    await expect(house.send("acme", {})).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", spec: { status: 503 } })
    broken = false
    await house.clock.advance(60_000)
    expect(house.provider.line("acme").sent).toHaveLength(0)
  })

  it("is never a 5xx of ours once it has been written: a ledger that fails after it is waited for", async () => {
    let broken = false
    const house = openHouse({
      wrap: (ledger) => ({
        ...ledger,
        commit: (company, ops) => (broken ? Promise.reject(new Error("disk full")) : ledger.commit(company, ops)),
      }),
    })
    await house.connect("acme")
    house.provider.policy = () => {
      broken = true
      return { outcome: "acknowledged", at: house.clock.now() }
    }
    const asked = house.send("acme", {})
    await house.clock.advance(15_000)
    const answer = await asked
    expect(answer.status).toBe(202)
    broken = false
    await house.clock.advance(6_000)
    expect(await messageOf(house, answer.data.messageId)).toMatchObject({ status: "sent" })
    expect(house.provider.line("acme").sent).toHaveLength(1)
  })
})

describe("the stages of a send", () => {
  it("come in their order, and a refusal at any of them costs neither quota nor a row", async () => {
    const stages: string[] = []
    const house = openHouse({
      hooks: (hooks) => {
        hooks.add("probe", "message:prepare", (draft) => {
          stages.push("prepare")
          return draft
        })
        hooks.add("probe", "message:validate", () => void stages.push("validate"))
        hooks.add("probe", "message:address", (draft) => {
          stages.push("address")
          return draft
        })
        hooks.add("probe", "message:block", ({ direction }) => void stages.push(`block ${direction}`))
        hooks.add("probe", "message:limit", () => void stages.push("limit"))
        hooks.add("probe", "outbox:hold", (hold) => {
          stages.push("hold")
          return hold
        })
      },
    })
    await house.connect("acme")
    await house.send("acme", {})
    expect(stages).toEqual(["prepare", "validate", "address", "block outbound", "limit", "hold"])
    stages.length = 0
    await house.lines.commands.disconnect(callOf("acme"))
    await expect(house.send("acme", {})).rejects.toThrow()
    expect(stages).toEqual(["prepare", "validate", "address", "block outbound"])
    expect((await house.lines.messages.list("acme", { limit: 10 })).data).toHaveLength(1)
  })

  it("ask for the address of no message that is refused anyway", async () => {
    const asked: unknown[] = []
    const house = openHouse({
      hooks: (hooks) => {
        hooks.add("guardian", "message:validate", ({ message }) =>
          message.content.type === "text" && message.content.text === "rude" ? refuse("INVALID_MESSAGE") : undefined,
        )
        hooks.add("probe", "message:address", (draft) => {
          asked.push(draft.to)
          return { ...draft, to: { kind: "phone", phone: "79007654321" } }
        })
      },
    })
    await house.connect("acme")
    for (const body of [{ message: "rude" }, { ttl: 0 }, { replyTo: "3EB0AA" }])
      await expect(house.send("acme", body)).rejects.toThrow()
    expect(asked).toEqual([])
    expect((await house.send("acme", {})).data).toMatchObject({ to: "79007654321" })
    expect(house.provider.line("acme").sent.map(({ to }) => to)).toMatchObject([{ phone: "79007654321" }])
  })

  it("names the plugin that refused to those who watch", async () => {
    const seen: unknown[] = []
    const house = openHouse({
      hooks: (hooks) => {
        hooks.add("guardian", "message:block", () => refuse("FORBIDDEN"))
        hooks.add("watcher", "message:rejected", (told) => void seen.push(told))
      },
    })
    await house.connect("acme")
    await expect(house.send("acme", {})).rejects.toMatchObject({ code: "FORBIDDEN" })
    await house.clock.settle()
    expect(seen).toEqual([{ company: "acme", plugin: "guardian", code: "FORBIDDEN" }])
  })

  it("names every faulty field at once, and none of what was given", async () => {
    const house = openHouse()
    await house.connect("acme")
    const refusal = await house
      .send("acme", { phone: "<script>", message: 7, ttl: -1, type: "telegram" })
      .catch((e) => e)
    expect(refusal).toMatchObject({ code: "VALIDATION_ERROR" })
    expect(refusal.details.map(({ path }: { path: string }) => path).sort()).toEqual(["phone", "ttl", "type"])
    expect(JSON.stringify(refusal.details)).not.toContain("script>")
    await expect(house.send("acme", { message: "" })).rejects.toMatchObject({ code: "INVALID_MESSAGE" })
    await expect(house.send("acme", { message: "x".repeat(65_537) })).rejects.toMatchObject({ code: "INVALID_MESSAGE" })
    expect((await house.send("acme", { message: "😀".repeat(65_536) })).status).toBe(200)
  })

  it("say 501 for what is not built, after the checks", async () => {
    const house = openHouse()
    await house.connect("acme")
    const image = { type: "image", message: null, media: { url: "https://files.example/a.png" } }
    await expect(house.send("acme", image)).rejects.toMatchObject({ code: "NOT_SUPPORTED" })
    await expect(house.send("acme", { replyTo: "3EB0AA" })).rejects.toMatchObject({ code: "NOT_SUPPORTED" })
    await expect(house.send("acme", { ...image, phone: "no" })).rejects.toMatchObject({ code: "INVALID_PHONE" })
  })

  it("hold a message back until the latest date a plugin gives", async () => {
    const house = openHouse({
      hooks: (hooks) => {
        let asked = 0
        hooks.add("pacing", "outbox:hold", (hold) => (asked++ === 0 ? { ...hold, notBefore: start + 5_000 } : hold))
      },
    })
    await house.connect("acme")
    const start = house.clock.now()
    const asked = house.send("acme", {})
    await house.clock.advance(4_990)
    expect(house.provider.line("acme").sent).toHaveLength(0)
    await house.clock.advance(20)
    expect((await asked).status).toBe(200)
  })
})

describe("order", () => {
  it("is kept within a chat: one is out at a time, and the next starts with the acknowledgement", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const all = ["a", "b", "c"].map((message) => house.send("acme", { message }))
    await house.clock.settle()
    const line = house.provider.line("acme")
    const texts = (): string[] => line.sent.map(({ wire }) => new TextDecoder().decode(wire))
    expect(texts()).toEqual(["a"])
    line.answer(line.held[0] ?? "", { outcome: "acknowledged", at: 1 })
    await house.clock.settle()
    expect(texts()).toEqual(["a", "b"])
    line.answer(line.held[0] ?? "", { outcome: "acknowledged", at: 2 })
    await house.clock.settle()
    line.answer(line.held[0] ?? "", { outcome: "acknowledged", at: 3 })
    await Promise.all(all)
    expect(texts()).toEqual(["a", "b", "c"])
  })

  it("leaves other chats alone, up to 32 of them side by side", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    for (let n = 0; n < 40; n++) await house.send("acme", { phone: `7900000${1000 + n}` }, { respondAsync: true })
    await house.clock.settle()
    const line = house.provider.line("acme")
    expect(line.sent).toHaveLength(32)
    line.answer(line.held[5] ?? "", { outcome: "acknowledged", at: 1 })
    await house.clock.settle()
    expect(line.sent).toHaveLength(33)
  })

  it("is kept over a reconnect, under the same ids, and nothing that was acknowledged goes twice", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = ({ wire }) =>
      new TextDecoder().decode(wire) === "0" ? { outcome: "acknowledged", at: house.clock.now() } : "hold"
    for (const n of [0, 1, 2, 3]) await house.send("acme", { message: String(n) }, { respondAsync: true })
    await house.clock.settle()
    const before = house.provider.line("acme")
    expect(before.sent).toHaveLength(2)
    const lost = before.sent[1]?.id
    house.provider.policy = () => ({ outcome: "acknowledged", at: house.clock.now() })
    house.provider.onConnect = (connection) => connection.open()
    before.end("unreachable")
    await house.clock.advance(10_000)
    const after = house.provider.line("acme")
    expect(after.sent.map(({ wire }) => new TextDecoder().decode(wire))).toEqual(["1", "2", "3"])
    expect(after.sent[0]?.id).toBe(lost)
  })

  it("serves a long backlog from disk, in order and completely", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.line("acme").end("unreachable")
    for (let n = 0; n < 2_500; n++) await house.send("acme", { phone: `7900000100${n % 5}`, message: String(n) })
    house.provider.onConnect = (connection) => connection.open()
    await house.clock.advance(10_000)
    for (let turn = 0; turn < 100 && house.provider.line("acme").sent.length < 2_500; turn++) await house.clock.settle()
    const byChat = new Map<string, number[]>()
    for (const { to, wire } of house.provider.line("acme").sent) {
      const chat = JSON.stringify(to)
      byChat.set(chat, [...(byChat.get(chat) ?? []), Number(new TextDecoder().decode(wire))])
    }
    expect([...byChat.values()].flat()).toHaveLength(2_500)
    for (const numbers of byChat.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })
})
