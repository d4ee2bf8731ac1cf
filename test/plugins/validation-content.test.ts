import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Content, Draft } from "../../core/types.ts"
import { createCallingCodes, createPhoneReader } from "../../plugins/validation/phone.ts"
import { plainName } from "../../plugins/validation/filename.ts"
import validation from "../../plugins/validation/index.ts"
import { everyScope } from "../http/harness.ts"
import { createPluginHouse } from "./house.ts"

const call = { company: "a", requestId: "r", principal: { kind: "admin", scopes: everyScope } } as const
const paths = { recipient: "phone", media: "media.url" } as const
const media = { base64: "AAAA", mimetype: "image/png" }
const contact = { fullName: "Ann", phoneNumber: "79001234567" }

/** What would be sent, and what stands against it. */
async function pass(content: Content, config: Record<string, unknown> = {}) {
  const house = await createPluginHouse({ plugins: [[validation, config]] })
  const given: Draft = { to: { kind: "phone", phone: "79001234567" }, content }
  const message = await house.hooks.transform("message:prepare", given, call)
  const refusal = await house.hooks.guard("message:validate", { ...call, message, faults: [], paths })
  const details = (refusal?.error.details ?? []) as { path: string; code: string }[]
  const faults = details.map(({ path, code }) => `${path} ${code}`)
  return { content: message.content, sanitized: message.sanitized === true, same: message === given, faults }
}

describe("Every text of a message", () => {
  it.each<readonly [name: string, given: Content, expected: Content]>([
    [
      "a caption",
      { type: "image", media, caption: "A <script>x</script>cat\u0000" },
      { type: "image", media, caption: "A cat" },
    ],
    [
      "the name of a file",
      { type: "document", media, filename: "../../a\u0007.pdf" },
      { type: "document", media, filename: "a.pdf" },
    ],
    [
      "a place",
      { type: "location", latitude: 1, longitude: 2, name: "Here\u0000\nnow", address: "javascript:x 1 Road\nTown" },
      { type: "location", latitude: 1, longitude: 2, name: "Here now", address: " 1 Road\nTown" },
    ],
    [
      "a contact",
      {
        type: "contact",
        contacts: [
          {
            ...contact,
            fullName: "Ann\r\nEND:VCARD",
            organization: "A\u001bB",
            email: "a\n@b",
            url: "https://b\t.example",
          },
        ],
      },
      {
        type: "contact",
        contacts: [
          { ...contact, fullName: "Ann END:VCARD", organization: "AB", email: "a@b", url: "https://b.example" },
        ],
      },
    ],
    [
      "a poll",
      { type: "poll", name: "T\u0000ea?", options: ["Y\ud800es", "N\no"], multipleAnswers: false },
      { type: "poll", name: "Tea?", options: ["Y\ufffdes", "N o"], multipleAnswers: false },
    ],
    [
      "an edit",
      { type: "edit", messageId: "3EB0AA", text: "H\u0000i" },
      { type: "edit", messageId: "3EB0AA", text: "Hi" },
    ],
  ])("is cleaned: %s", async (_, given, expected) => {
    expect(await pass(given)).toMatchObject({ content: expected, sanitized: true, faults: [] })
  })

  it.each<Content>([
    { type: "video", media, caption: "A cat\nasleep", filename: "cat.mp4" },
    { type: "location", latitude: 1, longitude: 2, name: "Here", address: "1 Road\nTown" },
    { type: "contact", contacts: [contact] },
    { type: "poll", name: "Tea?", options: ["Yes", "No"], multipleAnswers: false },
    { type: "reaction", messageId: "3EB0AA", emoji: "👍" },
    { type: "delete", messageId: "3EB0AA" },
  ])("that is clean stays as it is, and nobody says otherwise: $type", async (content) => {
    expect(await pass(content)).toMatchObject({ content, sanitized: false, faults: [] })
  })

  it.each<readonly [Content, readonly string[]]>([
    [{ type: "image", media, caption: "\u0000" }, ["caption INVALID_MESSAGE"]],
    [{ type: "image", media, caption: " " }, ["caption INVALID_MESSAGE"]],
    [{ type: "document", media, filename: "a/.." }, ["filename VALIDATION_ERROR"]],
    [{ type: "edit", messageId: "3EB0AA", text: "<script></script>" }, ["message INVALID_MESSAGE"]],
    [
      { type: "location", latitude: 1, longitude: 2, name: "\u0000", address: "\n" },
      ["name VALIDATION_ERROR", "address VALIDATION_ERROR"],
    ],
    [
      { type: "contact", contacts: [contact, { ...contact, fullName: "\u0000" }] },
      ["contacts[1].fullName VALIDATION_ERROR"],
    ],
    [
      { type: "poll", name: "\u0000", options: ["Yes", "Ye\u0000s", "javascript:x"], multipleAnswers: false },
      ["name VALIDATION_ERROR", "options[2] VALIDATION_ERROR", "options[1] VALIDATION_ERROR"],
    ],
  ])("of which nothing is left, or which has become another, is named: %j", async (content, faults) => {
    expect((await pass(content)).faults).toEqual(faults)
  })

  it("keeps its script tags when sanitizing is off, and loses control characters and paths all the same", async () => {
    const given: Content = { type: "document", media, caption: "<script>\u0000</script>", filename: "C:\\x\\a.pdf" }
    const { content } = await pass(given, { sanitize: "false" })
    expect(content).toEqual({ type: "document", media, caption: "<script></script>", filename: "a.pdf" })
  })
})

describe("People in a message", () => {
  it("are taken as they are written", async () => {
    const mentions = [
      { kind: "phone", phone: "79001234567" } as const,
      { kind: "lid", lid: "123456789012345" } as const,
    ]
    const people: Content = { type: "text", text: "Hi", mentions }
    expect(await pass(people)).toMatchObject({ content: people, same: true, faults: [] })
  })

  it("are in a country exactly when the library says so, whatever number of it was looked at first", () => {
    const digits = fc.string({ unit: fc.constantFrom(...Array.from("0123456789")), minLength: 5, maxLength: 15 })
    const hasCountry = createCallingCodes()
    for (const short of ["9", "99", "999", "7", "79", "799"]) hasCountry(short)
    const counts = { in: 0, out: 0 }
    fc.assert(
      fc.property(digits, (number) => {
        const { dialable } = createPhoneReader()(number)
        counts[dialable ? "in" : "out"]++
        expect(hasCountry(number)).toBe(dialable)
      }),
      { numRuns: 5_000, seed: 82 },
    )
    expect(Math.min(counts.in, counts.out)).toBeGreaterThan(100)
  })

  it("are refused by their place when no country has their number, and may be outside the allowed pattern", async () => {
    const wrong = { kind: "phone", phone: "999123456789" } as const
    const right = { kind: "phone", phone: "442079460958" } as const
    const config = { allowedPhonePattern: "^7" }
    expect((await pass({ type: "text", text: "Hi", mentions: [right, wrong] }, config)).faults).toEqual([
      "mentions[1] INVALID_PHONE",
    ])
    const cards = [contact, { ...contact, phoneNumber: "999123456789" }]
    expect((await pass({ type: "contact", contacts: cards })).faults).toEqual(["contacts[1].phoneNumber INVALID_PHONE"])
  })
})

describe("The name of a file", () => {
  it.each([
    ["offer.pdf", "offer.pdf"],
    ["../../etc/passwd", "passwd"],
    ["/etc/passwd", "passwd"],
    ["C:\\Windows\\cmd.exe", "cmd.exe"],
    ["a/b\\c/d.txt", "d.txt"],
    ["..", ""],
    [".", ""],
    ["...", ""],
    ["a/", ""],
    [" a .pdf . ", "a .pdf"],
    ["a\n.pdf", "a .pdf"],
    [".gitignore", ".gitignore"],
    ["invoice\u202efdp.exe", "invoicefdp.exe"],
    ["отчёт 2026.pdf", "отчёт 2026.pdf"],
  ])("%j is sent as %j", (given, expected) => {
    expect(plainName(given)).toBe(expected)
  })

  it("has no part of a path left, whatever it was, and is its own name", () => {
    const part = fc.constantFrom("/", "\\", "..", ".", "a", " ", "\u202e", "\n", "é", "😀")
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const name = plainName(parts.join(""))
        expect(name).not.toMatch(/[/\\\n\u202e]|^\s|[\s.]$/)
        expect(plainName(name)).toBe(name)
      }),
      { numRuns: 10_000, seed: 81 },
    )
  })
})
