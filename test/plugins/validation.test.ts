import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Draft, Recipient } from "../../core/types.ts"
import validation from "../../plugins/validation/index.ts"
import { removeControls, removeScripts } from "../../plugins/validation/sanitize.ts"
import { everyScope } from "../http/harness.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

const call = { company: "a", requestId: "r", principal: { kind: "admin", scopes: everyScope } } as const
const paths = { recipient: "phone", media: "media.url" } as const
const houseWith = (config: Record<string, unknown> = {}): Promise<PluginHouse> =>
  createPluginHouse({ plugins: [[validation, config]] })

const draft = (to: Recipient, text = "Hi"): Draft => ({ to, content: { type: "text", text } })
const phone = (digits: string): Recipient => ({ kind: "phone", phone: digits })

/** A draft through both stages: what would be sent, or the refusal. */
async function pass(
  house: PluginHouse,
  given: Draft,
  faults: readonly { path: string; code: string; message: string }[] = [],
) {
  const message = await house.hooks.transform("message:prepare", given, call)
  const refusal = await house.hooks.guard("message:validate", { ...call, message, faults, paths })
  return { message, error: refusal?.error }
}

describe("A phone number", () => {
  it.each([
    ["79001234567", "79001234567"],
    ["789001234567", "79001234567"],
    ["4402079460958", "442079460958"],
    ["390612345678", "390612345678"],
    ["610412345678", "61412345678"],
    ["15550001111", "15550001111"],
    ["70012345678901", "70012345678901"],
  ])("%s goes out as %s", async (given, expected) => {
    const { message, error } = await pass(await houseWith(), draft(phone(given)))
    expect(error).toBeUndefined()
    expect(message.to).toEqual(phone(expected))
  })

  it.each(["89001234567", "0079001234567", "999123456789", "2101234567890"])(
    "whose country code does not exist is refused with the way to write it: %s",
    async (digits) => {
      const { error } = await pass(await houseWith(), draft(phone(digits)))
      expect(error?.code).toBe("INVALID_PHONE")
      expect(JSON.stringify(error?.details)).toContain("write the number internationally")
      expect(JSON.stringify(error?.details)).not.toContain(digits)
    },
  )

  it.each(["123", "7900123", "7900123456789012"])("outside the pattern is refused: %s", async (digits) => {
    const { error } = await pass(await houseWith(), draft(phone(digits)))
    expect([error?.code, error?.spec.status]).toEqual(["INVALID_PHONE", 400])
  })

  it("that the library finds odd is not refused when the pattern allows it", async () => {
    const house = await houseWith({ allowedPhonePattern: "^[0-9]{3,20}$" })
    for (const digits of ["123", "79001", "7900123456789012"]) {
      const { message, error } = await pass(house, draft(phone(digits)))
      expect([error, message.to]).toEqual([undefined, phone(digits)])
    }
  })

  it("is judged by the pattern in its one form", async () => {
    const house = await houseWith({ allowedPhonePattern: "^7" })
    expect((await pass(house, draft(phone("789001234567")))).error).toBeUndefined()
    expect((await pass(house, draft(phone("442079460958")))).error?.code).toBe("INVALID_PHONE")
  })
})

describe("A recipient that is no phone number", () => {
  const group: Recipient = { kind: "group", group: "120363000000000000@g.us" }
  const lid: Recipient = { kind: "lid", lid: "123456789012345" }

  it("is exempt from the pattern when it is a group", async () => {
    const house = await houseWith({ allowedPhonePattern: "^7" })
    expect((await pass(house, draft(group))).error).toBeUndefined()
  })

  it("passes as a LID without a known phone only while the pattern is the default", async () => {
    expect((await pass(await houseWith(), draft(lid))).error).toBeUndefined()
    const house = await houseWith({ allowedPhonePattern: "^[0-9]{10,16}$" })
    expect((await pass(house, draft(lid))).error?.code).toBe("INVALID_PHONE")
  })

  it("is judged as a LID by the phone behind it when that is known", async () => {
    const house = await houseWith({ allowedPhonePattern: "^7" })
    expect((await pass(house, draft({ ...lid, phone: "79001234567" }))).error).toBeUndefined()
    expect((await pass(house, draft({ ...lid, phone: "442079460958" }))).error?.code).toBe("INVALID_PHONE")
  })
})

describe("A text", () => {
  it.each([
    ["plain", "plain", false],
    ["two\nlines\tand a tab", "two\nlines\tand a tab", false],
    ["windows\r\nlines", "windows\nlines", true],
    ["bell\u0007 escape\u001b nul\u0000 c1\u0085", "bell escape nul c1", true],
    ["half \ud83d character", "half \ufffd character", true],
    ["whole 😀 characters é", "whole 😀 characters é", false],
    ["Hi <script>alert(1)</script>there", "Hi there", true],
    ["<SCRIPT src='x'>a</ScRiPt >b", "b", true],
    ["open <script>only", "open only", true],
    ["close </script>only", "close only", true],
    ["<scr<script></script>ipt>alert(1)</script>ok", "ok", true],
    ["<scr\u0000ipt>alert(1)</script>ok", "ok", true],
    ["see javascript:alert(1) now", "see  now", true],
    ["JaVaScRiPt :alert(1)", "", true],
    ["java\nscript:alert(1) x", " x", true],
    ["java<script></script>script:alert(1) x", " x", true],
    ["<b>bold</b> and 1 < 2 > 0", "<b>bold</b> and 1 < 2 > 0", false],
    ["I learn JavaScript, <scripting> too", "I learn JavaScript, <scripting> too", false],
  ])("%j goes out as %j", async (given, expected, sanitized) => {
    const message = await (await houseWith()).hooks.transform(
      "message:prepare",
      draft(phone("79001234567"), given),
      call,
    )
    expect(message.content).toEqual({ type: "text", text: expected })
    expect(message.sanitized === true).toBe(sanitized)
  })

  it("keeps its script tags when sanitizing is off, and loses control characters all the same", async () => {
    const house = await houseWith({ sanitize: "false" })
    const text = "<script>\u0000</script> javascript:x"
    const message = await house.hooks.transform("message:prepare", draft(phone("79001234567"), text), call)
    expect(message.content).toEqual({ type: "text", text: "<script></script> javascript:x" })
  })

  it.each(["<script>alert(1)</script>", "\u0000\u0007", "javascript:alert(1)", "  \n "])(
    "of which nothing is left is refused: %j",
    async (text) => {
      const { error } = await pass(await houseWith(), draft(phone("79001234567"), text))
      expect(error?.code).toBe("INVALID_MESSAGE")
    },
  )

  it("holds 65,536 characters and not one more, counted as people count", async () => {
    const house = await houseWith()
    const of = (text: string) => pass(house, draft(phone("79001234567"), text))
    expect((await of("x".repeat(65_536))).error).toBeUndefined()
    expect((await of("😀".repeat(65_536))).error).toBeUndefined()
    expect((await of("x".repeat(65_537))).error?.code).toBe("INVALID_MESSAGE")
    expect((await of("😀".repeat(65_537))).error?.code).toBe("INVALID_MESSAGE")
  })

  it("that has been cleaned is clean, and cleaning it again changes nothing", () => {
    const part = fc.constantFrom(
      ...[
        "<script>",
        "</script>",
        "<scr",
        "ipt>",
        "</scr",
        "javascript:",
        "java",
        "script",
        ":",
        "<",
        ">",
        "x",
        " ",
        "\n",
        "\t",
      ],
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        const once = removeScripts(removeControls(parts.join("")))
        expect(once).not.toMatch(/<\/?script[\s/>][^>]*>|<\/?script>|javascript\s*:/i)
        expect(removeScripts(removeControls(once))).toBe(once)
      }),
      { numRuns: 20_000, seed: 7 },
    )
  })

  it.each([
    ["unclosed tags", "<script>".repeat(8_192)],
    ["nested tags", `${"<scr".repeat(5_000)}<script></script>${"ipt>".repeat(5_000)}`],
    ["brackets", "<".repeat(32_000) + ">".repeat(32_000)],
    ["line breaks before nothing", `javascript${"\n".repeat(65_000)}`],
    ["many schemes", "javascript:".repeat(5_900)],
    ["many layers", `${"<scriptjava".repeat(2_000)}script:${"x>script:".repeat(2_000)}`],
  ])("of %s is cleaned in no time", (_, text) => {
    const begun = performance.now()
    removeScripts(removeControls(text))
    // A fraction of a second on a machine at work; what grows with the square takes minutes.
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})

describe("Everything at fault", () => {
  it("is named at once: what core found and what this plugin finds", async () => {
    const core = [{ path: "ttl", code: "VALIDATION_ERROR", message: "Expected whole seconds" }]
    const { error } = await pass(await houseWith(), draft(phone("123"), "\u0000"), core)
    expect(error?.code).toBe("VALIDATION_ERROR")
    expect(((error?.details ?? []) as { path: string; code: string }[]).map(({ path, code }) => [path, code])).toEqual([
      ["ttl", "VALIDATION_ERROR"],
      ["phone", "INVALID_PHONE"],
      ["message", "INVALID_MESSAGE"],
    ])
  })

  it("is named once: a field that core has refused is not refused again", async () => {
    const core = [{ path: "phone", code: "INVALID_PHONE", message: "No such recipient" }]
    const { error } = await pass(await houseWith(), draft(phone("")), core)
    expect([error?.code, error?.details]).toEqual(["INVALID_PHONE", core])
  })

  it("is nothing, when nothing is", async () => {
    expect((await pass(await houseWith(), draft(phone("79001234567")))).error).toBeUndefined()
  })
})
