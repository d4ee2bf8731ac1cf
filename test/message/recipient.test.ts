import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseRecipient, recipientText } from "../../core/message/recipient.ts"

const phone = { kind: "phone", phone: "79001234567" }

describe("A phone", () => {
  it.each([
    ...["79001234567", "+79001234567", "0079001234567", "+0079001234567", " +7 (900) 123-45-67 ", "7.900.123.45.67"],
    ...[
      "7/900/1234567",
      "+7–900—123‐45−67",
      "tel:+7-900-123-45-67",
      "whatsapp:+79001234567",
      "\u00a07900\u20091234567\n",
    ],
    ...[
      "\u202a+79001234567\u202c",
      "\u200e7900\u200f123\u2066456\u20697",
      "\ufeff7900123\u00ad4567",
      "7900\u200b1234567",
    ],
    ...[
      "７９００１２３４５６７",
      "＋７（９００）１２３－４５－６７",
      "٧٩٠٠١٢٣٤٥٦٧",
      "۷۹۰۰۱۲۳۴۵۶۷",
      "७९००१२३४५६७",
      "๗๙๐๐๑๒๓๔๕๖๗",
    ],
    ...["79001234567@s.whatsapp.net", "79001234567@S.WhatsApp.Net", "79001234567@c.us", " 79001234567@c.us "],
    ...["79001234567:0@s.whatsapp.net", "79001234567:12@s.whatsapp.net", "79001234567_1:3@s.whatsapp.net"],
  ])("is one in this spelling: %j", (text) => {
    expect(parseRecipient(text)).toEqual(phone)
  })

  it("may be a number, as long as it is exact", () => {
    expect(parseRecipient(79001234567)).toEqual(phone)
    for (const number of [0, -79001234567, 7900123456.7, 1e21, Number.NaN, Number.POSITIVE_INFINITY])
      expect(parseRecipient(number)).toBeUndefined()
  })
})

describe("A person or a group", () => {
  it.each([
    ["123456789012345@lid", { kind: "lid", lid: "123456789012345" }],
    ["123456789012345:7@LID", { kind: "lid", lid: "123456789012345" }],
    ["123456789012345_1:7@lid", { kind: "lid", lid: "123456789012345" }],
    ["120363000000000001@g.us", { kind: "group", group: "120363000000000001@g.us" }],
    ["79001234567-1600000000@G.US", { kind: "group", group: "79001234567-1600000000@g.us" }],
  ])("is one: %s", (text, expected) => {
    expect(parseRecipient(text)).toEqual(expected)
  })
})

describe("Nobody", () => {
  it.each<unknown>([
    ...["", " ", "+", "00", "12", "1".repeat(21), "1".repeat(200), "7900123456x", "x79001234567", "+7+9001234567"],
    ...[
      "+7 900 123 45 67,1",
      "79001234567;ext=1",
      "79001234567 and 79007654321",
      "79001234567,79007654321x",
      "0x1234567890",
    ],
    ...[
      "7①001234567",
      "79001234567²",
      "ⅦⅨ001234567",
      "𝟙𝟚𝟛4567",
      "七九〇〇一二三",
      "7900\u00001234567",
      "7900\ud8001234567",
    ],
    ...["@s.whatsapp.net", "0@s.whatsapp.net", "a@s.whatsapp.net", "79001234567@", "79001234567@example.com"],
    ...["79001234567@s.whatsapp.net@lid", "79001234567:x@s.whatsapp.net", "79001234567@s-whatsapp-net"],
    ...["status@broadcast", "1600000000@broadcast", "120363000000000001@newsletter", "79001234567@hosted.example"],
    ...["120363000000000001:1@g.us", "12-34@g.us", "@lid", "lid@lid", "79001234567%40s.whatsapp.net"],
    ...[null, undefined, true, {}, [], ["79001234567"], { phone: "79001234567" }, { toString: () => "79001234567" }],
  ])("is meant by %j", (value) => {
    expect(parseRecipient(value)).toBeUndefined()
  })
})

describe("Any spelling", () => {
  const digits = fc
    .string({ unit: fc.constantFrom(...Array.from("0123456789")), minLength: 4, maxLength: 15 })
    .map((rest) => `7${rest}`)
  const between = fc.constantFrom("", " ", "-", ".", "\u00a0", "\u200e", "\u2011", "/")

  it("of the same digits is the same recipient", () => {
    const spelt = fc.tuple(
      digits,
      fc.array(between, { minLength: 15, maxLength: 15 }),
      fc.constantFrom("", "+", "00", "tel:+"),
    )
    fc.assert(
      fc.property(spelt, ([number, gaps, front]) => {
        const text = front + Array.from(number, (digit, at) => digit + (gaps[at] ?? "")).join("")
        expect(parseRecipient(text)).toEqual({ kind: "phone", phone: number })
      }),
      { numRuns: 5_000, seed: 51 },
    )
  })

  it("that is a recipient is read as itself again from how an answer names it", () => {
    const text = fc.oneof(
      fc.string({
        unit: fc.constantFrom(...Array.from("0123456789+-() .@:_"), "@lid", "@g.us", "@c.us", "@s.whatsapp.net"),
        maxLength: 30,
      }),
      fc.string({ unit: "binary", maxLength: 40 }),
    )
    let read = 0
    fc.assert(
      fc.property(text, (given) => {
        const recipient = parseRecipient(given)
        if (recipient === undefined) return
        read++
        expect(recipientText(recipient)).toMatch(/^(\d{3,20}|\d{3,30}@lid|[\d-]{5,61}@g\.us)$/)
        expect(parseRecipient(recipientText(recipient).replace(/^00/, "+00"))).toBeDefined()
      }),
      { numRuns: 10_000, seed: 52 },
    )
    expect(read).toBeGreaterThan(100)
  })
})
