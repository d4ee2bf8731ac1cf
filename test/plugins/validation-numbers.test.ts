import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Contact } from "../../core/types.ts"
import { createPluginStorage } from "../../core/records/plugin-records.ts"
import type { Draft, Message, SessionStatus } from "../../core/types.ts"
import validation from "../../plugins/validation/index.ts"
import { spellingsOf } from "../../plugins/validation/spellings.ts"
import { everyScope } from "../http/harness.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

const call = (company = "a") => ({ company, requestId: "r", principal: { kind: "admin", scopes: everyScope } }) as const
const draft = (phone: string): Draft => ({ to: { kind: "phone", phone }, content: { type: "text", text: "Hi" } })
const there = (phone: string): Contact => ({ address: `${phone}@s.whatsapp.net`, lid: null })

/** Accounts in Belo Horizonte, São Paulo, Mexico City and Buenos Aires: how WhatsApp spells each, and the other way. */
const EIGHT = ["553187654321", "5531987654321"] as const
const NINE = ["5511987654321", "551187654321"] as const
const MEXICAN = ["5215512345678", "525512345678"] as const
const ARGENTINE = ["5491123456789", "541123456789"] as const

const line = (companyId: string, connected: boolean): SessionStatus => ({
  ...{ companyId, status: connected ? "connected" : "reconnecting", connected, user: null, connectedAt: null },
  ...{ lastActivity: null, lastProofAt: null, reconnectAttempts: 0, restriction: null, lastError: null },
  ...{ provider: "baileys", storage: "filesystem" },
})

/** A house whose WhatsApp knows these accounts and no others. */
async function houseOf(accounts: readonly string[], config: Record<string, unknown> = {}): Promise<PluginHouse> {
  const house = await createPluginHouse({ plugins: [[validation, config]] })
  house.sessions = [line("a", true), line("b", true)]
  house.lookup = async (phone) => (accounts.includes(phone) ? there(phone) : undefined)
  return house
}

async function addressed(house: PluginHouse, phone: string, company = "a"): Promise<string> {
  const { to } = await house.hooks.transform("message:address", draft(phone), call(company))
  return to.kind === "phone" ? to.phone : to.kind
}

const messageOf = (phone: string, more: Partial<Message> = {}): Message => ({
  ...{ messageId: "m", providerMessageId: null, companyId: "a", chatId: "c", direction: "inbound", origin: "contact" },
  ...{ phone, lid: null, group: null, type: "text", message: "Hi", status: "received", times: {}, error: null },
  ...more,
})

describe("A number with two spellings", () => {
  it.each([EIGHT, NINE, MEXICAN, ARGENTINE])(
    "goes to the one that has the account, however it is given: %s",
    async (account, other) => {
      for (const [real, given] of [
        [account, account],
        [account, other],
        [other, account],
        [other, other],
      ] as const) {
        const house = await houseOf([real])
        expect([given, await addressed(house, given)]).toEqual([given, real])
        await house.stop()
      }
    },
  )

  it("is asked about once, whichever spelling comes next, and after a restart not again", async () => {
    const house = await houseOf([EIGHT[1]])
    for (const given of [EIGHT[0], EIGHT[1], EIGHT[0]]) expect(await addressed(house, given)).toBe(EIGHT[1])
    expect(house.asked).toEqual([`a ${EIGHT[0]}`, `a ${EIGHT[1]}`])
    const next = await createPluginHouse({ plugins: [[validation, {}]], ledger: house.ledger })
    next.sessions = [line("a", true)]
    expect(await addressed(next, EIGHT[0])).toBe(EIGHT[1])
    expect(next.asked).toEqual([])
  })

  it("is asked about once by a hundred messages at the same time", async () => {
    const house = await houseOf([NINE[0]])
    const all = await Promise.all(Array.from({ length: 100 }, (_, at) => addressed(house, NINE[at % 2] as string)))
    expect(new Set(all)).toEqual(new Set([NINE[0]]))
    expect(house.asked).toEqual([`a ${NINE[0]}`])
  })

  it("goes by no record that is not one of its spellings", async () => {
    const house = await houseOf([EIGHT[0]])
    const records = createPluginStorage(house.ledger, "validation").of("a")
    await records.put(EIGHT[0], { phone: "79001234567", at: 0 })
    expect(await addressed(house, EIGHT[1])).toBe(EIGHT[0])
    expect(await records.get(EIGHT[0])).toMatchObject({ phone: EIGHT[0] })
  })

  it("is the business of each company by itself", async () => {
    const house = await houseOf([EIGHT[0]])
    await addressed(house, EIGHT[1], "a")
    await addressed(house, EIGHT[1], "b")
    expect(house.asked).toEqual([`a ${EIGHT[0]}`, `b ${EIGHT[0]}`])
  })

  it("goes where WhatsApp says, when it knows one spelling by the other", async () => {
    const house = await houseOf([])
    house.lookup = async () => there(EIGHT[1])
    expect(await addressed(house, EIGHT[0])).toBe(EIGHT[1])
    house.lookup = async () => ({ address: "123456789012345@lid", lid: "123456789012345" })
    expect(await addressed(house, NINE[1])).toBe(NINE[0])
    house.lookup = async () => there("79001234567")
    expect(await addressed(house, MEXICAN[1])).toBe(MEXICAN[0])
  })
})

describe("A number that WhatsApp says nothing of", () => {
  it.each([EIGHT, NINE, MEXICAN, ARGENTINE])(
    "goes in its usual spelling while the line is not connected: %s",
    async (usual, other) => {
      const house = await houseOf([other])
      house.sessions = [line("a", false)]
      expect([await addressed(house, usual), await addressed(house, other), house.asked]).toEqual([usual, usual, []])
      house.sessions = []
      expect([await addressed(house, other), house.asked]).toEqual([usual, []])
      house.sessions = [line("a", true)]
      expect(await addressed(house, usual)).toBe(other)
    },
  )

  it("goes as it is on record while the line is not connected", async () => {
    const house = await houseOf([EIGHT[1]])
    await addressed(house, EIGHT[0])
    house.sessions = [line("a", false)]
    expect(await addressed(house, EIGHT[0])).toBe(EIGHT[1])
  })

  it.each([
    ["does not answer", () => new Promise<undefined>(() => undefined)],
    ["fails", () => Promise.reject(new Error("closed"))],
    ["knows neither", async () => undefined],
  ])(
    "goes in its usual spelling when it %s, is not asked about again for a minute, and is not recorded",
    async (_, lookup) => {
      const house = await houseOf([])
      house.lookup = lookup
      const first = addressed(house, MEXICAN[1])
      await house.clock.advance(1_200)
      expect(await first).toBe(MEXICAN[0])
      const asked = house.asked.length
      expect(await addressed(house, MEXICAN[1])).toBe(MEXICAN[0])
      expect(house.asked).toHaveLength(asked)
      house.lookup = async (phone) => (phone === MEXICAN[1] ? there(phone) : undefined)
      await house.clock.advance(60_000)
      expect(await addressed(house, MEXICAN[1])).toBe(MEXICAN[1])
      expect(house.clock.armed).toBe(0)
    },
  )

  it("costs a batch one wait and not one for each of its numbers", async () => {
    const house = await houseOf([])
    house.lookup = () => new Promise(() => undefined)
    const first = addressed(house, EIGHT[0])
    await house.clock.advance(1_200)
    await first
    for (const [usual] of [NINE, MEXICAN, ARGENTINE]) expect(await addressed(house, usual)).toBe(usual)
    expect(house.asked).toHaveLength(1)
    await house.clock.advance(10_000)
    house.lookup = async (phone) => there(phone)
    await addressed(house, NINE[0])
    expect(house.asked).toHaveLength(2)
  })

  it("is answered within the time of a hook, though each question takes its time", async () => {
    const house = await houseOf([])
    house.lookup = async () => {
      await house.clock.sleep(900)
      return undefined
    }
    const going = addressed(house, EIGHT[0])
    await house.clock.advance(5_000)
    expect([await going, house.asked.length]).toEqual([EIGHT[0], 2])
    expect(house.log.lines.filter(({ level }) => level === "error")).toEqual([])
  })
})

describe("Asking", () => {
  const many = Array.from({ length: 60 }, (_, at) => `55119876543${String(at).padStart(2, "0")}`)

  it("is for those countries alone", async () => {
    const house = await houseOf([])
    const others = [
      "79001234567",
      "15550001111",
      "551132345678",
      "5511512345678",
      "525512345",
      "541199",
      "5500987654321",
    ]
    for (const phone of others) expect(await addressed(house, phone)).toBe(phone)
    expect(house.asked).toEqual([])
  })

  it("ends at thirty new numbers a minute, and goes on with the next", async () => {
    const house = await houseOf([])
    for (const phone of many) expect(await addressed(house, phone)).toBe(phone)
    expect(new Set(house.asked.map((one) => one.replace(/(\d\d)9?(\d{8})$/, "$1$2"))).size).toBe(30)
    expect(await addressed(house, many[0] as string, "b")).toBe(many[0])
    expect(house.asked.at(-1)).toContain("b ")
    const before = house.asked.length
    await house.clock.advance(60_001)
    await addressed(house, many[59] as string)
    expect(house.asked.length).toBeGreaterThan(before)
  })

  it("is not done at all when the operator switches it off", async () => {
    const house = await houseOf([EIGHT[1]], { resolveNumbers: "false" })
    expect([await addressed(house, EIGHT[0]), house.asked]).toEqual([EIGHT[0], []])
  })

  it("never leads to a number that the operator does not allow", async () => {
    const house = await houseOf([EIGHT[0]], { allowedPhonePattern: "^55\\d{11}$" })
    expect([await addressed(house, EIGHT[1]), house.asked]).toEqual([EIGHT[1], []])
  })

  it("is spared by a message from the person", async () => {
    const house = await houseOf([EIGHT[1]])
    house.hooks.observe("message:received", { message: messageOf(EIGHT[1]) })
    await house.hooks.drain()
    expect([await addressed(house, EIGHT[0]), house.asked]).toEqual([EIGHT[1], []])
  })

  it("is done again once a message found nobody there", async () => {
    const house = await houseOf([EIGHT[1]])
    await addressed(house, EIGHT[0])
    house.lookup = async (phone) => (phone === EIGHT[0] ? there(phone) : undefined)
    const error = { code: "NOT_ON_WHATSAPP", message: "" }
    house.hooks.observe("message:failed", { message: messageOf(EIGHT[1], { origin: "api", status: "failed", error }) })
    await house.hooks.drain()
    expect(await addressed(house, EIGHT[0])).toBe(EIGHT[0])
  })

  it("is not undone by a message that failed for another reason", async () => {
    const house = await houseOf([EIGHT[1]])
    await addressed(house, EIGHT[0])
    const asked = house.asked.length
    const error = { code: "EXPIRED", message: "" }
    house.hooks.observe("message:failed", { message: messageOf(EIGHT[1], { origin: "api", status: "failed", error }) })
    await house.hooks.drain()
    await addressed(house, EIGHT[0])
    expect(house.asked).toHaveLength(asked)
  })

  it("leaves no number in a log", async () => {
    const house = await houseOf([])
    house.lookup = (phone) => Promise.reject(new Error(`no ${phone}`))
    await addressed(house, EIGHT[0])
    expect(JSON.stringify(house.log.lines)).not.toContain("87654321")
  })
})

describe("The spellings of a number", () => {
  const digits = fc.string({ unit: fc.constantFrom(...Array.from("0123456789")), minLength: 6, maxLength: 13 })
  const phone = fc
    .tuple(fc.constantFrom("55", "52", "54", "521", "549", "5511", "55319", "7"), digits)
    .map((parts) => parts.join(""))

  it("are two different ones or none, the same from either side, and one of them is the number itself", () => {
    let pairs = 0
    fc.assert(
      fc.property(phone, (given) => {
        const both = spellingsOf(given)
        if (both === undefined) return
        pairs++
        expect(both).toContain(given)
        expect(both[0]).not.toBe(both[1])
        for (const one of both) {
          expect(spellingsOf(one)).toEqual(both)
          expect(one.slice(0, 2)).toBe(given.slice(0, 2))
          expect(one.slice(-8)).toBe(given.slice(-8))
        }
      }),
      { numRuns: 20_000, seed: 71 },
    )
    expect(pairs).toBeGreaterThan(1_000)
  })
})
