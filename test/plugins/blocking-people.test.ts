import { describe, expect, it } from "vitest"
import type { InboundMessage, PersonRef } from "../../core/provider.ts"
import blocking from "../../plugins/blocking/index.ts"
import { callOf, type House, openHouse } from "../lines/house.ts"
import { plug } from "../lines/plugged.ts"

/** Lines with the plugin before them; `guarded: false` leaves it out. */
async function open(blockedNumbers: readonly string[], { guarded = true, house = "" } = {}): Promise<House> {
  const made = openHouse({ companyFields: blocking.companySettings ?? {} })
  if (guarded) await guard(made, house)
  await made.connect("acme")
  await block(made, blockedNumbers)
  return made
}

const guard = (house: House, blockedNumbers: string) => plug(house, blocking, { blockedNumbers })

/** As `PUT /companies/acme` does. */
const block = async (house: House, given: readonly string[]): Promise<void> => {
  const blockedNumbers = blocking.companySettings?.blockedNumbers?.schema.parse(given)
  await house.lines.companySettings.put(callOf("acme"), { fields: { blockedNumbers } })
}

const codeOf = async (sending: Promise<unknown>): Promise<string> =>
  sending.then(
    () => "sent",
    (error: { code: string }) => error.code,
  )
const sendTo = (house: House, to: string) => codeOf(house.send("acme", { phone: undefined, to }))

const GROUP = "120363000000000000@g.us"
let wire = 0
const hear = async (house: House, sender: Partial<PersonRef>, group?: string): Promise<void> => {
  const person = { phone: null, lid: null, ...sender }
  const message: InboundMessage = {
    chat: group === undefined ? { kind: "person", ...person } : { kind: "group", group },
    sender: person,
    fromMe: false,
    wireId: `WIRE-${++wire}`,
    at: 1_000,
    pushName: null,
    content: { type: "text", text: "psst" },
    wire: Uint8Array.of(1),
    offline: false,
  }
  await house.provider.line("acme").input.intake.message(message)
}
const learn = async (house: House, phone: string, lid: string): Promise<void> => {
  house.provider.line("acme").emit({ type: "person", phone, lid })
  await house.clock.settle()
}
const stored = async (house: House) => (await house.lines.messages.list("acme", { limit: 50 })).data
const totals = (house: House) => house.counted("acme")
const sent = (house: House) => house.provider.line("acme").sent.length

describe("A blocked person", () => {
  it("is not written to: refused with no row, no event and nothing on the wire", async () => {
    const house = await open(["+7 900 123-45-67"])
    const events = (await house.events("acme")).length
    for (const to of ["79001234567", "+7 (900) 123-45-67", "79001234567@s.whatsapp.net"]) {
      expect(await sendTo(house, to)).toBe("PHONE_BLOCKED")
    }
    expect([await stored(house), (await house.events("acme")).length, sent(house)]).toEqual([[], events, 0])
    expect(await sendTo(house, "79007654321")).toBe("sent")
    const free = await open(["+7 900 123-45-67"], { guarded: false })
    expect(await sendTo(free, "79001234567")).toBe("sent")
  })

  it("costs nothing of a limit, which comes later", async () => {
    const house = openHouse({ companyFields: blocking.companySettings ?? {} })
    let taken = 0
    await guard(house, "79001234567")
    house.hooks.add("limit", "message:limit", () => void taken++)
    await house.connect("acme")
    expect(await sendTo(house, "79001234567")).toBe("PHONE_BLOCKED")
    expect(taken).toBe(0)
    expect(await sendTo(house, "79007654321")).toBe("sent")
    expect(taken).toBe(1)
  })

  it("is one rejection in a batch whose other messages go", async () => {
    const house = await open(["79001234567"])
    const messages = ["79007654321", "79001234567"].map((phone) => ({ phone, message: "hi" }))
    const { data } = await house.lines.batches.send({ call: callOf("acme"), messages, idempotencyKey: undefined })
    expect(data).toMatchObject({ accepted: 1, rejected: [{ index: 1, error: { code: "PHONE_BLOCKED" } }] })
  })

  it("is not heard: dropped, counted, and told to nobody", async () => {
    const house = await open(["79001234567"])
    await hear(house, { phone: "79001234567", lid: "555" })
    await hear(house, { phone: "79001234567" })
    expect([await stored(house), await totals(house)]).toEqual([[], { blocked: 2 }])
    expect((await house.events("acme")).filter(({ type }) => type === "message.received")).toEqual([])
    await hear(house, { phone: "79007654321" })
    expect(await totals(house)).toEqual({ blocked: 2, received: 1 })
    const free = await open(["79001234567"], { guarded: false })
    await hear(free, { phone: "79001234567" })
    expect(await totals(free)).toEqual({ received: 1 })
  })

  it("is not heard in a group either, whose other members are", async () => {
    const house = await open(["79001234567"])
    await hear(house, { phone: "79001234567" }, GROUP)
    await hear(house, { phone: "79007654321" }, GROUP)
    expect(await totals(house)).toEqual({ blocked: 1, received: 1 })
    expect(await sendTo(house, GROUP)).toBe("sent")
  })

  it("goes by either name as soon as both are known to be one", async () => {
    const house = await open(["79001234567", "777@lid"])
    expect(await sendTo(house, "555@lid")).toBe("sent")
    expect(await sendTo(house, "79007654321")).toBe("sent")
    await hear(house, { lid: "555" })
    await hear(house, { lid: "555" }, GROUP)
    await hear(house, { phone: "79007654321" }, GROUP)
    expect(await totals(house)).toMatchObject({ received: 3 })
    await learn(house, "79001234567", "555")
    await learn(house, "79007654321", "777")
    expect(await sendTo(house, "555@lid")).toBe("PHONE_BLOCKED")
    expect(await sendTo(house, "79007654321")).toBe("PHONE_BLOCKED")
    await hear(house, { lid: "555" })
    await hear(house, { lid: "555" }, GROUP)
    await hear(house, { phone: "79007654321" }, GROUP)
    expect(await totals(house)).toMatchObject({ received: 3, blocked: 3 })
  })

  it("is known by a pair that came before any message", async () => {
    const house = await open(["79001234567"])
    await learn(house, "79001234567", "555")
    expect(await sendTo(house, "555@lid")).toBe("PHONE_BLOCKED")
    await hear(house, { lid: "555" }, GROUP)
    await hear(house, { lid: "555" })
    expect(await totals(house)).toEqual({ blocked: 2 })
  })

  it("is still known by the phone a message names when the LID was another's before", async () => {
    const house = await open(["79001234567"])
    await learn(house, "79007654321", "555")
    await hear(house, { phone: "79001234567", lid: "555" })
    expect(await totals(house)).toEqual({ blocked: 1 })
  })

  it("stays blocked after a restart, and is free as soon as the list says so", async () => {
    const house = await open(["79001234567"])
    const next = await house.reopen("kill")
    await guard(next, "")
    await next.connect("acme")
    expect(await sendTo(next, "79001234567")).toBe("PHONE_BLOCKED")
    await block(next, [])
    expect(await sendTo(next, "79001234567")).toBe("sent")
    await hear(next, { phone: "79001234567" })
    expect(await totals(next)).toMatchObject({ received: 1 })
  })

  it("of the operator's is blocked for every company", async () => {
    const house = await open([], { house: "+7 900 123-45-67" })
    await house.connect("other")
    for (const company of ["acme", "other"]) {
      expect(await codeOf(house.send(company, { phone: "79001234567" }))).toBe("PHONE_BLOCKED")
    }
  })
})
