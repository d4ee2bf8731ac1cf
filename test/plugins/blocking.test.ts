import { describe, expect, it } from "vitest"
import type { Draft, Recipient } from "../../core/types.ts"
import { parseRecipient, type PersonOnTheLine } from "../../core/plugin.ts"
import blocking from "../../plugins/blocking/index.ts"
import { principals } from "../http/harness.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

const house = async (config: Record<string, unknown> = {}, companies: Record<string, readonly string[]> = {}) => {
  const made = await createPluginHouse({
    plugins: [[blocking, config]],
    prepare: (hooks) =>
      hooks.add("keys", "request:identify", ({ headers }) => principals[headers.get("x-api-key") ?? "admin"]),
  })
  for (const [company, blockedNumbers] of Object.entries(companies)) {
    made.companies[company] = Object.freeze({ blockedNumbers })
  }
  return made
}

const nobody: PersonOnTheLine = { phone: null, lid: null, group: null }
const to = (recipient: Recipient): Draft => ({ to: recipient, content: { type: "text", text: "Hi" } })

/** Whether a message in either direction is refused. */
async function isBlocked(
  { hooks }: PluginHouse,
  person: Partial<PersonOnTheLine>,
  { company = "a", message = null }: { company?: string; message?: Draft | null } = {},
): Promise<boolean> {
  const refusals = await Promise.all(
    (["inbound", "outbound"] as const).map(async (direction) =>
      hooks.guard("message:block", { company, direction, person: { ...nobody, ...person }, message }),
    ),
  )
  const codes = refusals.map((refusal) => refusal?.error.code)
  expect(new Set(codes).size).toBe(1)
  if (codes[0] !== undefined) expect(refusals[0]?.error.spec.status).toBe(403)
  return codes[0] === "PHONE_BLOCKED"
}

const lines = (count: number): string => Array.from({ length: count }, (_, at) => `+7900${1_000_000 + at}`).join("\n")
const settings = async (given: readonly unknown[]) =>
  blocking.companySettings?.blockedNumbers?.schema.safeParse(given, { reportInput: false })

describe("A blocked number", () => {
  it.each([
    "79001234567",
    "+7 900 123-45-67",
    "+7 (900) 123.45.67",
    "0079001234567",
    "+7 8 900 123-45-67",
    "tel:+79001234567",
    "７９００１２３４５６７",
    "79001234567@s.whatsapp.net",
    "79001234567:12@s.whatsapp.net",
    "79001234567@C.US",
    "\u202a+7\u00a0900\u2011123\u201145\u201167\u202c",
  ])("counts in any spelling: %s", async (spelling) => {
    const listed = await house({ blockedNumbers: spelling })
    expect(await isBlocked(listed, { phone: "79001234567" })).toBe(true)
    expect(await isBlocked(listed, { phone: "79001234568" })).toBe(false)
    expect(await isBlocked(listed, { lid: "79001234567" })).toBe(false)
  })

  it("is found by either name of a person, and in a group by who writes", async () => {
    const listed = await house({ blockedNumbers: "79001234567, 555000111@lid" })
    expect(await isBlocked(listed, { phone: "79001234567", lid: "42" })).toBe(true)
    expect(await isBlocked(listed, { phone: "79007654321", lid: "555000111" })).toBe(true)
    expect(await isBlocked(listed, { phone: "79007654321", lid: "42" })).toBe(false)
    expect(await isBlocked(listed, { phone: "79001234567", group: "120363000000000000@g.us" })).toBe(true)
    expect(await isBlocked(listed, { group: "120363000000000000@g.us" })).toBe(false)
  })

  it("is found in what the message is addressed to, when the chat is known by another name", async () => {
    const listed = await house({ blockedNumbers: "79001234567, 555000111@lid" })
    const phone = to({ kind: "phone", phone: "79001234567" })
    const lid = to({ kind: "lid", lid: "42", phone: "79001234567" })
    const other = to({ kind: "lid", lid: "555000111" })
    for (const message of [phone, lid, other]) {
      expect(await isBlocked(listed, { phone: "79007654321", lid: "7" }, { message })).toBe(true)
    }
    const group = to({ kind: "group", group: "79001234567-1234567890@g.us" })
    expect(await isBlocked(listed, { group: "79001234567-1234567890@g.us" }, { message: group })).toBe(false)
  })

  it.each([
    ["Brazil's ninth digit", "5511987654321", "551187654321"],
    ["Brazil's ninth digit, far from São Paulo", "5585998765432", "558598765432"],
    ["Mexico's 1", "5215512345678", "525512345678"],
    ["Argentina's 9", "5491123456789", "541123456789"],
  ])("stands for both forms that %s gives it", async (_, long, short) => {
    for (const given of [long, short]) {
      const listed = await house({ blockedNumbers: given })
      expect([await isBlocked(listed, { phone: long }), await isBlocked(listed, { phone: short })]).toEqual([
        true,
        true,
      ])
    }
  })

  it.each([
    ["a landline of Brazil and the mobile with a 9 before it", "551143211234", "5511943211234"],
    ["numbers of Brazil in two areas", "5511987654321", "5512987654321"],
    ["a LID that reads like a number of Mexico's", "521551234@lid", "521551234"],
  ])("is not mixed up with another's: %s", async (_, one, other) => {
    const listed = await house({ blockedNumbers: one })
    expect(await isBlocked(listed, { phone: other, lid: `${other}0` })).toBe(false)
    const itself = parseRecipient(one)
    expect(await isBlocked(listed, { phone: null }, { message: itself ? to(itself) : null })).toBe(true)
  })

  it("of one company is none of another's", async () => {
    const listed = await house({}, { a: ["79001234567"], b: ["79007654321"] })
    expect(await isBlocked(listed, { phone: "79001234567" }, { company: "a" })).toBe(true)
    expect(await isBlocked(listed, { phone: "79001234567" }, { company: "b" })).toBe(false)
    expect(await isBlocked(listed, { phone: "79001234567" }, { company: "c" })).toBe(false)
  })

  it("is judged at once, without a promise, while the company's settings are remembered", async () => {
    const { hooks } = await house({ blockedNumbers: "79007654321" }, { a: ["79001234567"] })
    const ask = (phone: string) =>
      hooks.guard("message:block", { company: "a", direction: "outbound", person: { ...nobody, phone }, message: null })
    expect(ask("79005555555")).toBeUndefined()
    expect(ask("79001234567")).toMatchObject({ plugin: "blocking" })
  })
})

describe("WHATSAPP_BLOCKED_NUMBERS", () => {
  it("stops the start at an entry that is no number, names its place and never what stands there", () => {
    const { success, error } = blocking.config?.safeParse({ blockedNumbers: "+79001234567,canary,+89001234567" }) ?? {}
    expect(success).toBe(false)
    expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringMatching(/wrong at place 2, 3$/)])
    expect(JSON.stringify(error?.issues)).not.toMatch(/canary|89001234567/)
  })
})

describe("The company's setting", () => {
  it("takes any spelling, keeps one, and each number once", async () => {
    const read = await settings(["+7 900 123-45-67", "0079001234567", 79007654321, "5550@lid"])
    expect(read).toMatchObject({ success: true, data: ["79001234567", "79007654321", "5550@lid"] })
  })

  it("names each fault by its place, without an echo", async () => {
    const read = await settings(["+79001234567", "canary", "89001234567", "120363000000000000@g.us", "+790", {}])
    expect(read?.error?.issues.map(({ path }) => path)).toEqual([[1], [2], [3], [4], [5]])
    expect(JSON.stringify(read?.error?.issues)).not.toMatch(/canary|8900|120363|790"/)
  })

  it("holds at most 10,000 numbers", async () => {
    expect((await settings(lines(10_000).split("\n")))?.success).toBe(true)
    const much = await settings(lines(10_001).split("\n"))
    expect(much?.error?.issues).toMatchObject([{ message: "expected at most 10000 numbers" }])
  })
})
