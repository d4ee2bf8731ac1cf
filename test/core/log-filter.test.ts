import { describe, expect, it } from "vitest"
import { safeFields } from "../../core/log-filter.ts"
import { createSafeLog } from "../../core/safe-log.ts"
import type { LogFields, PluginLogger } from "../../core/log.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"

/** The log of the house as a plugin of somebody else's has it, and what came of its lines. */
const opened = () => {
  const kept = createTestLog()
  const log: PluginLogger = createSafeLog(kept, createTestClock()).log
  return { kept, log }
}

describe("Fields that are on the list", () => {
  it("come out as they are, and the line costs no copy", () => {
    const fields = {
      requestId: "r-1",
      company: "salon-1",
      messageId: "3EB0ABCDEF0123456789AB",
      path: "/api/whatsapp/messages/{companyId}",
      hook: "background storage-probe",
      code: "RATE_LIMIT_EXCEEDED",
      status: 429,
      ms: 0.4,
      count: 12_345_678_901,
      forced: true,
      reason: undefined,
    }
    expect(safeFields(fields)).toBe(fields)
  })

  it.each([
    ["a number that is a text", { ms: "79001234567" }],
    ["a flag that is a text", { forced: "79001234567" }],
    ["an id that is an object", { messageId: { user: "79001234567" } }],
    ["an id without end", { requestId: "79001234567".repeat(20) }],
    ["a name that is a phone", { to: "79001234567@s.whatsapp.net" }],
    ["a name that is a phone with spaces", { from: "8 900 123 45 67, 79001234567" }],
    ["a name that is a sentence of somebody's", { state: "Привет, 79001234567!" }],
    ["a code that is a phone", { code: "79001234567" }],
    ["a code that is a phone and a number", { code: 79_001_234_567 }],
    ["words that are a list", { error: ["79001234567"] }],
    ["words that are no text", { reason: 79_001_234_567 }],
    ["a URL that is none", { url: new URL("https://79001234567:a@host/") }],
  ])("come out as … when they are not what the list says: %s", (_, fields: LogFields) => {
    const [value] = Object.values(safeFields(fields))
    expect(value).toSatisfy((shown: unknown) => shown === "…" || typeof shown === "object")
    expect(JSON.stringify(safeFields(fields))).not.toContain("79001234567")
  })
})

describe("Fields of a plugin's own", () => {
  it.each([true, false, null, 0, -1, 999_999, 0.5, "RATE_LIMIT_EXCEEDED", "ERR_TIMEOUT", "HTTP_503"])(
    "come out when they tell nothing about anybody: %s",
    (value) => expect(safeFields({ found: value })).toEqual({ found: value }),
  )

  it.each([
    ["a phone", "79001234567"],
    ["a phone that is a number", 79_001_234_567],
    ["a phone that is a big number", 79_001_234_567n],
    ["a JID", "79001234567@s.whatsapp.net"],
    ["a text", "See you tomorrow"],
    ["a text in other letters", "Привет"],
    ["a name", "Anna"],
    ["a word", "hunter"],
    ["a word that could be a code", "see-you-tomorrow"],
    ["a word in capitals", "TOMORROW"],
    ["a code of six digits", "482913"],
    ["a pairing code", "8F2K-91QX"],
    ["a pairing code of letters", "ABCD-EFGH"],
    ["a key", "cqc0123456789"],
    ["a long word", "a".repeat(41)],
    ["an object", { phone: "79001234567", nested: [{ text: "See you tomorrow" }] }],
    ["a list", ["79001234567"]],
    ["a date", new Date(0)],
    ["bytes", new Uint8Array(32)],
    ["a function", () => "79001234567"],
  ])("come out as … when they could: %s", (_, value) => expect(safeFields({ found: value })).toEqual({ found: "…" }))

  it("come out in no other way from a child either, nor from a child's child", () => {
    const { kept, log } = opened()
    log.child({ said: "See you tomorrow" }).child({ phone: "79001234567" }).info({ own: "Anna" }, "Received")
    expect(kept.lines[0]?.fields).toEqual({ said: "…", phone: "…", own: "…" })
  })

  it("are left out where their names would tell", () => {
    expect(safeFields({ "79001234567": 1, "See you": true, phone_1: "Anna" })).toEqual({ phone_1: "…" })
  })

  it("that are errors come out as words and places", () => {
    const fault = Object.assign(new Error("no session for 79001234567"), { person: "Anna", name: "79001234567" })
    const shown = JSON.stringify(safeFields({ fault }))
    expect(shown).toContain("no session for …")
    expect(shown).not.toMatch(/79001234567|Anna/)
  })
})

describe("Sentences", () => {
  it("come out as they are when they are the house's, and without phones and keys when somebody makes them", () => {
    const { kept, log } = opened()
    for (const level of ["trace", "debug", "info", "warn", "error", "fatal"] as const) {
      log[level]({}, `${level} at +7 900 123-45-67, key wak_kQzXcVbNmAsDfGhJkLqWeRtYu1`)
    }
    log.info({}, "The Redis server is away; its companies wait")
    expect(kept.lines.map(({ message }) => message)).toEqual([
      ...["trace", "debug", "info", "warn", "error", "fatal"].map((level) => `${level} at …, key …`),
      "The Redis server is away; its companies wait",
    ])
  })
})
