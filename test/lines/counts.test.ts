import { describe, expect, it } from "vitest"
import type { InboundMessage } from "../../core/provider.ts"
import { refuse } from "../../core/refusal.ts"
import { type House, openHouse } from "./house.ts"

const CHAT = { kind: "person", phone: "79001234567", lid: null } as const

const open = async (options: Parameters<typeof openHouse>[0] = {}): Promise<House> => {
  const house = openHouse(options)
  await house.connect("acme")
  house.lines.start()
  return house
}

describe("A message that was given up", () => {
  it("counts as sent too when a receipt shows that it had gone out, once", async () => {
    const house = await open()
    house.provider.policy = () => ({ outcome: "unknown", cause: new Error("No answer") })
    const { data } = await house.send("acme", { ttl: 10 }, { respondAsync: true })
    await house.clock.advance(20_000)
    expect(await house.counted("acme")).toEqual({ failed: 1, "error:TIMEOUT": 1 })
    const { intake } = house.provider.line("acme").input
    for (const status of ["delivered", "delivered", "read"] as const) {
      await intake.receipt({ chat: CHAT, wireIds: [String(data.messageId)], status, at: house.clock.now() })
    }
    // No count goes back: what it failed of stays counted.
    expect(await house.counted("acme")).toEqual({ sent: 1, failed: 1, "error:TIMEOUT": 1 })
  })
})

describe("A message of a blocked person", () => {
  const hear = (house: House, wireId: string): Promise<void> => {
    const message: InboundMessage = {
      chat: CHAT,
      sender: { phone: "79001234567", lid: null },
      fromMe: false,
      wireId,
      at: 1_000,
      pushName: null,
      content: { type: "text", text: "psst" },
      wire: Uint8Array.of(1),
      offline: false,
    }
    return house.provider.line("acme").input.intake.message(message)
  }
  const blocks: Parameters<typeof openHouse>[0] = {
    hooks: (hooks) => hooks.add("list", "message:block", () => refuse("FORBIDDEN")),
  }

  it("counts once however often it is delivered, also after a restart", async () => {
    const house = await open(blocks)
    await hear(house, "A")
    await hear(house, "A")
    await hear(house, "B")
    const next = await house.reopen("kill")
    await next.connect("acme")
    await hear(next, "A")
    expect(await next.counted("acme")).toEqual({ blocked: 2 })
  })

  it("is forgotten after a week", async () => {
    const house = openHouse(blocks)
    await house.connect("acme")
    await hear(house, "A")
    const kept = async (): Promise<number> => (await house.ledger.page("acme", "dropped", { limit: 5 })).rows.length
    expect(await kept()).toBe(1)
    await house.clock.advance(7 * 24 * 60 * 60_000)
    // Housekeeping begins here: its rounds of a whole week would show no more.
    house.lines.start()
    await house.clock.advance(120_000)
    expect(await kept()).toBe(0)
  })
})
