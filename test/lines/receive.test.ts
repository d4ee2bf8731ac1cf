import { describe, expect, it } from "vitest"
import type { ChatRef, InboundMessage } from "../../core/provider.ts"
import { refuse } from "../../core/refusal.ts"
import { type House, openHouse } from "./house.ts"

const phoneChat: ChatRef = { kind: "person", phone: "79001234567", lid: null }
const lidChat: ChatRef = { kind: "person", phone: null, lid: "555" }
const bothChat: ChatRef = { kind: "person", phone: "79001234567", lid: "555" }

const inbound = (text: string, more: Partial<InboundMessage> = {}): InboundMessage => ({
  chat: phoneChat,
  sender: { phone: "79001234567", lid: null },
  fromMe: false,
  wireId: `WIRE-${text}`,
  at: 1_000,
  pushName: null,
  content: { type: "text", text },
  wire: Uint8Array.of(1, 2, 3),
  offline: false,
  ...more,
})

const connected = async (options: Parameters<typeof openHouse>[0] = {}): Promise<House> => {
  const house = openHouse(options)
  await house.connect("acme")
  return house
}

const intake = (house: House) => house.provider.line("acme").input.intake
const list = async (house: House, filter: object = {}) =>
  (await house.lines.messages.list("acme", { limit: 50, ...filter })).data
const typesOf = async (house: House) =>
  (await house.events("acme")).map(({ type }) => type).filter((type) => type.startsWith("message"))

describe("a received message", () => {
  it("is stored and in the event log before the provider may acknowledge it, and only then announced", async () => {
    const seen: string[] = []
    const house = await connected({
      hooks: (hooks) =>
        hooks.add("watcher", "message:received", ({ message }) => void seen.push(message.message ?? "")),
    })
    await intake(house).message(inbound("hi"))
    expect(await list(house)).toMatchObject([
      { direction: "inbound", origin: "contact", status: "received", message: "hi", phone: "79001234567", lid: null },
    ])
    expect(await typesOf(house)).toEqual(["message.received"])
    expect(await house.counted("acme")).toEqual({ received: 1 })
    await house.clock.settle()
    expect(seen).toEqual(["hi"])
  })

  it("counts as one with an attachment, where the provider tells of one", async () => {
    const house = await connected()
    const content = { type: "unsupported" } as const
    await intake(house).message(inbound("a", { content, attachment: "voice" }))
    await intake(house).message(inbound("b", { content, attachment: "voice", fromMe: true }))
    await intake(house).message(inbound("c", { content }))
    expect(await house.counted("acme")).toEqual({ received: 2, mediaReceived: 1 })
    expect(house.monitor.of("acme")).toMatchObject({ received: 2, mediaReceived: 1, mediaSent: 0 })
  })

  it("counts once however often it is delivered, also after a restart", async () => {
    const house = await connected()
    await intake(house).message(inbound("hi"))
    await intake(house).message(inbound("hi"))
    const next = await house.reopen()
    await next.connect("acme")
    await intake(next).message(inbound("hi", { offline: true }))
    expect(await list(next)).toHaveLength(1)
    expect(await next.counted("acme")).toEqual({ received: 1 })
    expect(await typesOf(next)).toEqual(["message.received"])
  })

  it("is told apart from another one with the same id in another chat or from another side", async () => {
    const house = await connected()
    await intake(house).message(inbound("x", { wireId: "SAME" }))
    const other: ChatRef = { kind: "person", phone: "79007654321", lid: null }
    await intake(house).message(inbound("y", { wireId: "SAME", chat: other }))
    await intake(house).message(inbound("z", { wireId: "SAME", fromMe: true }))
    expect((await list(house)).map(({ message }) => message).sort()).toEqual(["x", "y", "z"])
  })

  it("waits for a ledger that fails, and is neither lost nor doubled", async () => {
    let broken = true
    const house = await connected()
    const broke = house.ledger.commit
    Object.assign(house.ledger, {
      commit: (...input: Parameters<typeof broke>) => (broken ? Promise.reject(new Error("disk")) : broke(...input)),
    })
    let done = false
    const stored = intake(house)
      .message(inbound("hi"))
      .then(() => {
        done = true
      })
    await house.clock.advance(10_000)
    expect(done).toBe(false)
    broken = false
    await house.clock.advance(5_000)
    await stored
    expect(await list(house)).toHaveLength(1)
  })

  it("is given back to WhatsApp when the house closes before it could be stored", async () => {
    const house = await connected()
    Object.assign(house.ledger, { commit: () => Promise.reject(new Error("disk")) })
    const stored = intake(house).message(inbound("hi"))
    stored.catch(() => undefined)
    await house.clock.settle()
    void house.lines.stop(100)
    await expect(stored).rejects.toMatchObject({ code: "SHUTTING_DOWN" })
  })

  it("is stored in the order in which it came, chat by chat", async () => {
    const house = await connected()
    await Promise.all(["1", "2", "3", "4", "5"].map((text) => intake(house).message(inbound(text))))
    expect(
      (await house.events("acme")).filter(({ type }) => type === "message.received").map(({ data }) => data.message),
    ).toEqual(["1", "2", "3", "4", "5"])
  })

  it("of a type that is not built yet is kept as such, with what came", async () => {
    const house = await connected()
    await intake(house).message(inbound("x", { content: { type: "unsupported" } }))
    const [message] = await list(house)
    expect(message).toMatchObject({ type: "unsupported", message: null })
    expect((await house.lines.messages.wire("acme", [message?.messageId ?? ""]))[0]).toEqual(Uint8Array.of(1, 2, 3))
  })

  it("with an odd or overlong id is known by a hash of it", async () => {
    const house = await connected()
    const wireId = `x\u0000${"é".repeat(3_000)}`
    await intake(house).message(inbound("hi", { wireId }))
    await intake(house).message(inbound("hi", { wireId }))
    const all = await list(house)
    expect(all).toHaveLength(1)
    expect(all[0]?.providerMessageId).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it("in a group names the group and who wrote it", async () => {
    const house = await connected()
    const chat: ChatRef = { kind: "group", group: "12036300000001@g.us" }
    await intake(house).message(inbound("hi all", { chat, sender: { phone: null, lid: "777" } }))
    expect(await list(house, { person: chat })).toMatchObject([
      { group: "12036300000001@g.us", phone: null, lid: "777", message: "hi all" },
    ])
  })

  it("written on the own phone is outbound and sent, with the origin said", async () => {
    const house = await connected()
    await intake(house).message(inbound("from my phone", { fromMe: true }))
    expect(await list(house)).toMatchObject([{ direction: "outbound", origin: "phone", status: "sent" }])
    expect(await typesOf(house)).toEqual(["message.sent"])
    expect(await house.counted("acme")).toEqual({})
  })

  it("is found by our id and by WhatsApp's", async () => {
    const house = await connected()
    await intake(house).message(inbound("hi"))
    const [message] = await list(house)
    expect(await house.lines.messages.find("acme", message?.messageId ?? "")).toEqual(message)
    expect(await house.lines.messages.find("acme", "WIRE-hi")).toEqual(message)
    expect(await house.lines.messages.find("acme", "WIRE-h")).toBeUndefined()
    expect(await house.lines.messages.find("other", "WIRE-hi")).toBeUndefined()
  })
})

describe("blocking what comes in", () => {
  it("drops and counts what a plugin refuses", async () => {
    const house = await connected({
      hooks: (hooks) => hooks.add("blocking", "message:block", () => refuse("FORBIDDEN")),
    })
    await intake(house).message(inbound("spam"))
    expect(await list(house)).toEqual([])
    expect(await house.counted("acme")).toEqual({ blocked: 1 })
  })

  it("keeps a message that a plugin fails on, held and with the plugin's name, and announces it to nobody", async () => {
    const house = await connected({
      hooks: (hooks) =>
        hooks.add("clumsy", "message:block", () => {
          throw new Error("oops")
        }),
    })
    await intake(house).message(inbound("precious"))
    expect(await list(house)).toMatchObject([
      { message: "precious", error: { code: "PLUGIN_FAULT", details: { plugin: "clumsy" } } },
    ])
    expect(await typesOf(house)).toEqual([])
  })
})

describe("receipts", () => {
  const RECEIVED_AT = Date.UTC(2026, 0, 2)
  const receipt = (wireIds: readonly string[], status: "delivered" | "read", chat = phoneChat, at = RECEIVED_AT) => ({
    chat,
    wireIds,
    status,
    at,
  })

  it("move a message forward only", async () => {
    const house = await connected()
    const { data } = await house.send("acme", {})
    const id = String(data.messageId)
    await intake(house).receipt(receipt([id], "read"))
    await intake(house).receipt(receipt([id], "delivered"))
    expect(await house.lines.messages.find("acme", id)).toMatchObject({
      status: "read",
      times: { read: RECEIVED_AT, delivered: RECEIVED_AT },
    })
    expect(await typesOf(house)).toEqual(["message.sent", "message.status"])
  })

  it("bear no time before the step they follow, though WhatsApp's clock counts whole seconds", async () => {
    const house = await connected()
    house.provider.policy = () => ({ outcome: "acknowledged", at: house.clock.now() - 700 })
    const { data } = await house.send("acme", {})
    const id = String(data.messageId)
    const now = house.clock.now()
    await intake(house).receipt(receipt([id], "read", phoneChat, now - 700))
    await intake(house).receipt(receipt([id], "delivered", phoneChat, now + 9_000))
    const message = await house.lines.messages.find("acme", id)
    expect(message?.times).toEqual({ queued: now, sent: now, delivered: now, read: now })
    expect(data.timestamp).toBe(new Date(now).toISOString())
  })

  it("for many messages at once reach each of them", async () => {
    const house = await connected()
    const ids: string[] = []
    for (let n = 0; n < 150; n++) ids.push(String((await house.send("acme", { message: String(n) })).data.messageId))
    await intake(house).receipt(receipt(ids, "delivered"))
    expect((await list(house, { status: "delivered", limit: 200 })).length).toBe(150)
  })

  it("that are quicker than the acknowledgement count as one, and the message is not sent again", async () => {
    const house = await connected()
    house.provider.policy = () => "hold"
    const asked = house.send("acme", {})
    await house.clock.settle()
    const line = house.provider.line("acme")
    const [id = ""] = line.held
    await line.input.intake.receipt(receipt([id], "delivered"))
    const answer = await asked
    expect(answer).toMatchObject({ status: 200, data: { status: "sent" } })
    expect(await house.ledger.page("acme", "outbox", { limit: 1 })).toMatchObject({ rows: [] })
    line.answer(id, { outcome: "acknowledged", at: 1_234 })
    await house.clock.settle()
    expect(await house.lines.messages.find("acme", id)).toMatchObject({ status: "delivered" })
    expect(await typesOf(house)).toEqual(["message.sent", "message.status"])
    expect(await house.counted("acme")).toEqual({ sent: 1 })
  })

  it("for a message that has not come yet are kept until it does", async () => {
    const house = await connected()
    await intake(house).receipt(receipt(["LATER"], "delivered"))
    await intake(house).receipt(receipt(["LATER"], "read", phoneChat, RECEIVED_AT + 1_000))
    await intake(house).message(inbound("mine", { fromMe: true, wireId: "LATER" }))
    expect(await list(house)).toMatchObject([
      { status: "read", times: { delivered: RECEIVED_AT, read: RECEIVED_AT + 1_000 } },
    ])
  })

  it("of the own phone mark what a contact wrote as read", async () => {
    const house = await connected()
    await intake(house).message(inbound("hi"))
    await intake(house).receipt(receipt(["WIRE-hi"], "read"))
    expect(await list(house)).toMatchObject([{ direction: "inbound", status: "read" }])
  })
})

describe("chats", () => {
  const chatIds = async (house: House) => new Set((await list(house)).map(({ chatId }) => chatId))

  it("have an id of ours that tells nothing of the number", async () => {
    const house = await connected()
    await intake(house).message(inbound("hi"))
    const [id = ""] = await chatIds(house)
    expect(id).not.toMatch(/9001234567|555/)
    await house.send("acme", { phone: "79001234567" })
    expect((await chatIds(house)).size).toBe(1)
  })

  it("known by phone and by LID become one when the two turn out to be one person: the older id stays", async () => {
    const house = await connected()
    await intake(house).message(inbound("by phone"))
    const [older] = await chatIds(house)
    await house.clock.advance(1_000)
    await intake(house).message(inbound("by lid", { chat: lidChat, sender: { phone: null, lid: "555" } }))
    expect((await chatIds(house)).size).toBe(2)
    house.provider.line("acme").emit({ type: "person", phone: "79001234567", lid: "555" })
    await house.clock.settle()
    expect([...(await chatIds(house))]).toEqual([older])
    for (const person of [phoneChat, lidChat]) {
      const found = await list(house, { person })
      expect(found.map(({ message }) => message)).toEqual(["by lid", "by phone"])
      for (const message of found) expect(message).toMatchObject({ phone: "79001234567", lid: "555", chatId: older })
    }
    await intake(house).message(inbound("again", { chat: lidChat }))
    await intake(house).message(inbound("by lid", { chat: bothChat }))
    expect((await list(house)).length).toBe(3)
  })

  it("learn from a message that names both", async () => {
    const house = await connected()
    await intake(house).message(inbound("by phone"))
    await intake(house).message(inbound("by both", { chat: bothChat }))
    await intake(house).message(inbound("by lid", { chat: lidChat }))
    expect((await chatIds(house)).size).toBe(1)
  })

  it("learn thousands of pairs from a linked phone's history, and use them later", async () => {
    const house = await connected()
    const line = house.provider.line("acme")
    for (let n = 0; n < 3_000; n++) line.emit({ type: "person", phone: `790000${10_000 + n}`, lid: `88${n}` })
    await house.clock.settle()
    await house.send("acme", { phone: undefined, to: "881234@lid" })
    expect(await list(house)).toMatchObject([{ phone: "79000011234", lid: "881234" }])
  })

  it("keep the order of their queue when they merge", async () => {
    const house = await connected()
    house.provider.policy = () => "hold"
    await house.send("acme", { phone: "79001234567", message: "1" }, { respondAsync: true })
    await house.send("acme", { phone: undefined, to: "555@lid", message: "2" }, { respondAsync: true })
    await house.send("acme", { phone: "79001234567", message: "3" }, { respondAsync: true })
    await house.send("acme", { phone: undefined, to: "555@lid", message: "4" }, { respondAsync: true })
    await house.clock.settle()
    const line = house.provider.line("acme")
    line.emit({ type: "person", phone: "79001234567", lid: "555" })
    await house.clock.settle()
    expect(line.sent).toHaveLength(2)
    house.provider.policy = () => ({ outcome: "acknowledged", at: 1 })
    line.answer(line.held[0] ?? "", { outcome: "acknowledged", at: 1 })
    await house.clock.settle()
    expect(line.sent).toHaveLength(2)
    line.answer(line.held[0] ?? "", { outcome: "acknowledged", at: 1 })
    await house.clock.settle()
    expect(line.sent.map(({ wire }) => new TextDecoder().decode(wire))).toEqual(["1", "2", "3", "4"])
  })

  it("of a number that has gone to another person stay apart", async () => {
    const house = await connected()
    await intake(house).message(inbound("old owner", { chat: bothChat }))
    const other: ChatRef = { kind: "person", phone: "79001234567", lid: "999" }
    await intake(house).message(inbound("new owner", { chat: other }))
    expect((await chatIds(house)).size).toBe(2)
  })
})

describe("the list of messages", () => {
  it("is newest first, in pages that neither repeat nor skip", async () => {
    const house = await connected()
    for (let n = 0; n < 7; n++) {
      await intake(house).message(inbound(String(n)))
      await house.clock.advance(10)
    }
    const seen: unknown[] = []
    let cursor: string | null | undefined
    do {
      const page = await house.lines.messages.list("acme", { limit: 3, ...(cursor ? { cursor } : {}) })
      seen.push(...page.data.map(({ message }) => message))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toEqual(["6", "5", "4", "3", "2", "1", "0"])
  })

  it("is filtered by chat, direction, status and time", async () => {
    const house = await connected()
    await intake(house).message(inbound("in"))
    await house.clock.advance(1_000)
    const later = house.clock.now()
    await house.send("acme", { phone: "79001234567", message: "out" })
    await house.send("acme", { phone: "79009999999", message: "elsewhere" })
    const texts = async (filter: object) => (await list(house, filter)).map(({ message }) => message)
    expect(await texts({ direction: "inbound" })).toEqual(["in"])
    expect(await texts({ person: phoneChat })).toEqual(["out", "in"])
    expect(await texts({ person: { kind: "person", phone: "70000000000", lid: null } })).toEqual([])
    expect((await texts({ since: later })).sort()).toEqual(["elsewhere", "out"])
    expect(await texts({ until: later })).toEqual(["in"])
    expect(await texts({ status: "sent", person: phoneChat })).toEqual(["out"])
    await expect(house.lines.messages.list("acme", { limit: 5, cursor: "nonsense" })).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
    })
  })
})
