import { describe, expect, it } from "vitest"
import type { MessageRow } from "../../core/message/messages.ts"
import { createTrail } from "../../core/message/trail.ts"
import type { InboundMessage, SendOutcome } from "../../core/provider.ts"
import { refuse } from "../../core/refusal.ts"
import { createTestLog } from "../support/log.ts"
import { type House, openHouse } from "./house.ts"

const connected = async (options: Parameters<typeof openHouse>[0] = {}): Promise<House> => {
  const house = openHouse(options)
  await house.connect("acme")
  house.log.lines.splice(0)
  return house
}
const inbound: InboundMessage = {
  chat: { kind: "person", phone: "79001234567", lid: null },
  sender: { phone: "79001234567", lid: null },
  fromMe: false,
  wireId: "WIRE",
  at: 1_000,
  pushName: "Canary",
  content: { type: "text", text: "hush hush" },
  wire: Uint8Array.of(1),
  offline: false,
}
const hear = (house: House) => house.provider.line("acme").input.intake.message(inbound)

/** The steps of the messages there are, with what they say beyond ids. */
const steps = (house: House) =>
  house.log.lines
    .filter(({ message }) => message.startsWith("Message"))
    .map(({ message, fields }) => {
      const { company, messageId, requestId, ...more } = fields
      expect(company).toBe("acme")
      if (message !== "Message refused") expect(messageId).toMatch(/^(3EB0|in_)/)
      if (!String(messageId).startsWith("in_")) expect(requestId).toBe("test")
      const said = Object.entries(more).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
      return [message, Object.fromEntries(said)]
    })

describe("The steps of a message that goes out", () => {
  it("say why it is held, until when, and each try with what came of it", async () => {
    const outcomes: SendOutcome[] = [
      { outcome: "not-sent", cause: new Error("no socket to 79001234567") },
      { outcome: "refused", code: "479", reason: "SmaxInvalid" },
    ]
    let holds = true
    const house = await connected({
      hooks: (hooks) =>
        hooks.add("door", "outbox:hold", (hold) =>
          holds ? { notBefore: house.clock.now() + 60_000, reason: "pacing" } : hold,
        ),
    })
    house.provider.policy = () => outcomes.shift() ?? { outcome: "acknowledged", at: 0 }
    await house.send("acme", {}, { respondAsync: true })
    await house.clock.settle()
    holds = false
    await house.clock.advance(120_000)
    expect(steps(house)).toEqual([
      ["Message accepted", { state: "connected" }],
      ["Message held", { reason: "pacing", ms: 60_000 }],
      ["Message tried", {}],
      ["Message answered", { outcome: "not-sent", error: "no socket to 79001234567" }],
      ["Message tried", {}],
      ["Message answered", { outcome: "refused", code: "479" }],
      ["Message failed", { code: "MESSAGE_SEND_ERROR" }],
    ])
  })

  it("say which plugin refused it, and with which code", async () => {
    const house = await connected({ hooks: (hooks) => hooks.add("limit", "message:limit", () => refuse("FORBIDDEN")) })
    await expect(house.send("acme", {})).rejects.toThrow("This key may not do that")
    expect(steps(house)).toEqual([["Message refused", { plugin: "limit", code: "FORBIDDEN" }]])
  })

  it("are in the fault of a plugin, and in the log of the next process", async () => {
    const house = await connected({
      hooks: (hooks) =>
        hooks.add("clumsy", "message:accepted", () => {
          throw new Error("oops")
        }),
    })
    house.provider.policy = () => "hold"
    const { data } = await house.send("acme", {}, { respondAsync: true })
    await house.clock.settle()
    const fault = house.log.lines.find(({ message }) => message === "A plugin failed")
    expect(fault?.fields).toMatchObject({ company: "acme", messageId: data.messageId, requestId: "test" })
    const next = await house.reopen("kill")
    await next.connect("acme")
    await next.clock.settle()
    expect(steps(next).map(([step]) => step)).toEqual([
      ...["Message taken from the outbox", "Message tried", "Message answered", "Message sent"],
    ])
    expect(next.log.lines.find(({ message }) => message === "Message sent")?.fields.messageId).toBe(data.messageId)
  })

  it("tell of a message that was sent when a receipt is the first to say so", async () => {
    const house = await connected()
    house.provider.policy = () => "hold"
    const { data } = await house.send("acme", {}, { respondAsync: true })
    await house.clock.settle()
    const { intake } = house.provider.line("acme").input
    await intake.receipt({ chat: inbound.chat, wireIds: [String(data.messageId)], status: "read", at: 5 })
    expect(steps(house).map(([step]) => step)).toEqual([
      ...["Message accepted", "Message tried", "Message sent", "Message read"],
    ])
  })
})

describe("The steps of a message that comes", () => {
  it("say that it was stored, and that it is known when it comes again", async () => {
    const house = await connected()
    await hear(house)
    await hear(house)
    expect(steps(house)).toEqual([
      ["Message heard", {}],
      ["Message stored", {}],
      ["Message heard", {}],
      ["Message dropped: it is known", {}],
    ])
    expect(house.log.text()).not.toMatch(/79001234567|hush|Canary|WIRE/)
  })

  it("say who blocked it, or failed on it", async () => {
    const blocking = await connected({
      hooks: (hooks) => hooks.add("list", "message:block", () => refuse("FORBIDDEN")),
    })
    await hear(blocking)
    expect(steps(blocking)).toEqual([
      ["Message heard", {}],
      ["Message dropped: it is blocked", { plugin: "list", code: "FORBIDDEN" }],
    ])
    const failing = await connected({
      hooks: (hooks) =>
        hooks.add("clumsy", "message:block", () => {
          throw new Error("oops")
        }),
    })
    await hear(failing)
    expect(steps(failing)).toEqual([
      ["Message heard", {}],
      ["Message stored", { code: "PLUGIN_FAULT" }],
    ])
  })
})

describe("Without debug", () => {
  it("a message leaves no line, but for one that failed", () => {
    const kept = createTestLog()
    const trail = createTrail({ ...kept, level: "info" })
    const row = { companyId: "acme", messageId: "m", requestId: null, status: "sent", error: null } as MessageRow
    trail.accepted(row, "connected")
    trail.takenUp(row)
    trail.held(row, "pacing", 5)
    trail.tried(row)
    trail.answered(row, { outcome: "acknowledged", at: 0 })
    trail.heard("acme", "m")
    trail.stored(row)
    trail.dropped("acme", "m", "known")
    for (const status of ["sent", "delivered", "read", "unknown"] as const) trail.moved({ ...row, status }, true)
    expect(kept.lines).toEqual([])
    trail.moved({ ...row, status: "failed", error: { code: "EXPIRED", message: "" } }, false)
    expect(kept.lines).toMatchObject([{ level: "info", message: "Message failed", fields: { code: "EXPIRED" } }])
  })
})
