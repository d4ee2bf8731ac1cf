import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { readDraft, type SendForm } from "../../core/message/draft.ts"

const to = { phone: "79001234567" }
const url = "https://files.example/a.png"
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
const card = { fullName: "Ann Example", phoneNumber: "+7 900 123-45-67" }

const faultsOf = (body: Record<string, unknown>, form?: SendForm): string[] =>
  readDraft({ ...to, ...body }, form).faults.map(({ path, code }) => `${path} ${code}`)

/** One whole message of every type, and what it is read as. */
const whole: readonly (readonly [name: string, body: Record<string, unknown>, content: Record<string, unknown>])[] = [
  ["text without its type", { message: "Hi" }, { type: "text", text: "Hi" }],
  [
    "text with people in it",
    { type: "text", message: "Hi @Ann", mentions: ["+7 900 765-43-21", "123456789012345@lid"] },
    {
      type: "text",
      text: "Hi @Ann",
      mentions: [
        { kind: "phone", phone: "79007654321" },
        { kind: "lid", lid: "123456789012345" },
      ],
    },
  ],
  ["text with a preview", { message: url, linkPreview: true }, { type: "text", text: url, linkPreview: true }],
  [
    "image by its URL",
    { type: "image", media: { url }, caption: "A cat" },
    { type: "image", media: { url }, caption: "A cat" },
  ],
  [
    "image in the body",
    { type: "image", media: { base64: pixel, mimetype: "image/png" } },
    {
      type: "image",
      media: { base64: pixel, mimetype: "image/png" },
    },
  ],
  [
    "image as a data: URL",
    { type: "image", media: { base64: `data:image/png;base64,${pixel}` } },
    {
      type: "image",
      media: { base64: pixel, mimetype: "image/png" },
    },
  ],
  [
    "video",
    { type: "video", media: { url, mimetype: "video/mp4" } },
    { type: "video", media: { url, mimetype: "video/mp4" } },
  ],
  [
    "audio",
    { type: "audio", media: { base64: "AAAA", mimetype: "audio/mpeg" } },
    {
      type: "audio",
      media: { base64: "AAAA", mimetype: "audio/mpeg" },
    },
  ],
  [
    "voice",
    { type: "voice", media: { base64: "AAA", mimetype: "audio/ogg; codecs=opus" } },
    {
      type: "voice",
      media: { base64: "AAA", mimetype: "audio/ogg; codecs=opus" },
    },
  ],
  [
    "document",
    { type: "document", media: { url }, filename: "offer.pdf", caption: null },
    {
      type: "document",
      media: { url },
      filename: "offer.pdf",
    },
  ],
  [
    "sticker",
    { type: "sticker", media: { base64: "AA==", mimetype: "IMAGE/WEBP" } },
    {
      type: "sticker",
      media: { base64: "AA==", mimetype: "IMAGE/WEBP" },
    },
  ],
  [
    "location",
    { type: "location", latitude: 0, longitude: -180, name: "Here", address: "1 Road" },
    {
      type: "location",
      latitude: 0,
      longitude: -180,
      name: "Here",
      address: "1 Road",
    },
  ],
  [
    "contact",
    { type: "contact", contacts: [{ ...card, organization: "Acme", email: "ann@acme.example", url }] },
    {
      type: "contact",
      contacts: [
        { fullName: "Ann Example", phoneNumber: "79001234567", organization: "Acme", email: "ann@acme.example", url },
      ],
    },
  ],
  [
    "poll",
    { type: "poll", name: "Tea?", options: ["Yes", "No"], multipleAnswers: true },
    {
      type: "poll",
      name: "Tea?",
      options: ["Yes", "No"],
      multipleAnswers: true,
    },
  ],
  [
    "reaction",
    { type: "reaction", messageId: "3EB0AA", emoji: "👍🏽" },
    { type: "reaction", messageId: "3EB0AA", emoji: "👍🏽" },
  ],
  [
    "reaction taken back",
    { type: "reaction", messageId: "3EB0AA", emoji: "" },
    { type: "reaction", messageId: "3EB0AA", emoji: "" },
  ],
  ["edit", { type: "edit", messageId: "3EB0AA", message: "Ho" }, { type: "edit", messageId: "3EB0AA", text: "Ho" }],
  ["delete", { type: "delete", messageId: "3EB0AA" }, { type: "delete", messageId: "3EB0AA" }],
]

describe("A whole message", () => {
  it.each(whole)("is read: %s", (_, body, content) => {
    const { draft, faults, notBuilt } = readDraft({ ...to, ...body })
    expect(faults).toEqual([])
    expect(draft).toEqual({ to: { kind: "phone", phone: "79001234567" }, content })
    const plain = Object.keys(content).length === 2 && content.type === "text"
    expect(notBuilt === undefined).toBe(plain)
  })

  it.each(whole.filter(([, { type }]) => type !== "edit" && type !== "delete"))("may answer another: %s", (_, body) => {
    const { draft, faults } = readDraft({ ...to, ...body, replyTo: "in_0123456789abcdef" })
    expect([draft.replyTo, faults]).toEqual(["in_0123456789abcdef", []])
  })

  it.each(whole)("loses to what stands in it and is none of its own: %s", (_, body) => {
    const strays = { caption: "c", contacts: [card], options: ["a", "b"], latitude: 1, emoji: "👍", message: "m" }
    for (const [field, value] of Object.entries(strays)) {
      const own = field in body || (field === "caption" && /image|video|document/.test(String(body.type)))
      expect(faultsOf({ ...body, [field]: own ? body[field] : value })).toEqual(
        own ? [] : [`${field} VALIDATION_ERROR`],
      )
    }
  })

  it("may carry fields that are nobody's, and empty ones of other types", () => {
    const other = { customer: 7, name: "Ann", caption: "", mentions: [], media: null, options: [] }
    expect(readDraft({ ...to, message: "Hi", ...other })).toMatchObject({ faults: [], notBuilt: undefined })
  })
})

const long = (length: number): string => "x".repeat(length)
const image = (media: unknown) => ({ type: "image", media })
const bytes = (base64: unknown, mimetype: unknown = "image/png") => image({ base64, mimetype })
const place = { type: "location", latitude: 1, longitude: 1 }
const poll = { type: "poll", name: "Tea?", options: ["Yes", "No"] }
const contact = (...contacts: unknown[]) => ({ type: "contact", contacts })

describe("What is wrong with a message is named by its path", () => {
  it.each<readonly [body: Record<string, unknown>, faults: readonly string[]]>([
    [{}, ["message INVALID_MESSAGE"]],
    [{ message: 7 }, ["message INVALID_MESSAGE"]],
    [{ message: ["Hi"] }, ["message INVALID_MESSAGE"]],
    [{ message: { text: "Hi" } }, ["message INVALID_MESSAGE"]],
    [{ message: long(65_537) }, ["message INVALID_MESSAGE"]],
    [{ message: "Hi", type: "Text" }, ["type VALIDATION_ERROR"]],
    [{ message: "Hi", type: "unsupported" }, ["type VALIDATION_ERROR"]],
    [{ message: "Hi", type: ["text"] }, ["type VALIDATION_ERROR"]],
    [{ message: "Hi", type: "constructor" }, ["type VALIDATION_ERROR"]],
    [{ message: "Hi", ttl: "60" }, ["ttl VALIDATION_ERROR"]],
    [{ message: "Hi", ttl: 0 }, ["ttl VALIDATION_ERROR"]],
    [{ message: "Hi", ttl: 1.5 }, ["ttl VALIDATION_ERROR"]],
    [{ message: "Hi", ttl: 2_592_001 }, ["ttl VALIDATION_ERROR"]],
    [{ message: "Hi", mentions: "79001234567" }, ["mentions VALIDATION_ERROR"]],
    [{ message: "Hi", mentions: Array(1_025).fill("79001234567") }, ["mentions VALIDATION_ERROR"]],
    [
      { message: "Hi", mentions: ["79001234567", "all", "120363000000000001@g.us", null] },
      ["mentions[1] INVALID_PHONE", "mentions[2] INVALID_PHONE", "mentions[3] INVALID_PHONE"],
    ],
    [{ message: "Hi", linkPreview: "yes" }, ["linkPreview VALIDATION_ERROR"]],
    [{ message: "Hi", replyTo: "" }, ["replyTo VALIDATION_ERROR"]],
    [{ message: "Hi", replyTo: 7 }, ["replyTo VALIDATION_ERROR"]],
    [{ message: "Hi", replyTo: "a b" }, ["replyTo VALIDATION_ERROR"]],
    [{ message: "Hi", replyTo: long(301) }, ["replyTo VALIDATION_ERROR"]],
    [{ message: "Hi", mediaUrl: url }, ["mediaUrl VALIDATION_ERROR"]],
    [image(undefined), ["media VALIDATION_ERROR"]],
    [image(url), ["media VALIDATION_ERROR"]],
    [image([url]), ["media VALIDATION_ERROR"]],
    [image({}), ["media VALIDATION_ERROR"]],
    [image({ url, base64: pixel, mimetype: "image/png" }), ["media VALIDATION_ERROR"]],
    ...[
      "",
      "cat.png",
      "//files.example/a",
      "ftp://files.example/a",
      "file:///etc/passwd",
      "javascript:alert(1)",
      7,
      [url],
    ].map((bad): [Record<string, unknown>, string[]] => [image({ url: bad }), ["media.url INVALID_MEDIA_URL"]]),
    [image({ url: "https://" }), ["media.url INVALID_MEDIA_URL"]],
    [image({ url: "https:files.example/a" }), ["media.url INVALID_MEDIA_URL"]],
    [image({ url: `https://files.example/${long(8_192)}` }), ["media.url INVALID_MEDIA_URL"]],
    [image({ url, mimetype: "video/mp4" }), ["media.mimetype VALIDATION_ERROR"]],
    [bytes(""), ["media.base64 VALIDATION_ERROR"]],
    [bytes("A"), ["media.base64 VALIDATION_ERROR"]],
    [bytes("AAAAA"), ["media.base64 VALIDATION_ERROR"]],
    [bytes("AA="), ["media.base64 VALIDATION_ERROR"]],
    [bytes("AAA=="), ["media.base64 VALIDATION_ERROR"]],
    [bytes("AA=A"), ["media.base64 VALIDATION_ERROR"]],
    [bytes("A==="), ["media.base64 VALIDATION_ERROR"]],
    [bytes("===="), ["media.base64 VALIDATION_ERROR"]],
    [bytes("AAAA\nAAAA"), ["media.base64 VALIDATION_ERROR"]],
    [bytes("AA-_"), ["media.base64 VALIDATION_ERROR"]],
    [bytes("%PDF"), ["media.base64 VALIDATION_ERROR"]],
    [bytes(["AAAA"]), ["media.base64 VALIDATION_ERROR"]],
    [bytes("AAAA", undefined), []],
    [image({ base64: "AAAA" }), ["media.mimetype VALIDATION_ERROR"]],
    [bytes("AAAA", "image/"), ["media.mimetype VALIDATION_ERROR"]],
    [bytes("AAAA", "image/png; x"), ["media.mimetype VALIDATION_ERROR"]],
    [bytes("AAAA", "image/png\r\nx: y"), ["media.mimetype VALIDATION_ERROR"]],
    [bytes("AAAA", "text/html"), ["media.mimetype VALIDATION_ERROR"]],
    [bytes("AAAA", 7), ["media.mimetype VALIDATION_ERROR"]],
    [bytes("AAAA", `image/${long(200)}`), ["media.mimetype VALIDATION_ERROR"]],
    [image({ base64: `data:image/jpeg;base64,${pixel}`, mimetype: "image/png" }), ["media.mimetype VALIDATION_ERROR"]],
    [image({ base64: "data:image/png,AAAA" }), ["media.base64 VALIDATION_ERROR", "media.mimetype VALIDATION_ERROR"]],
    [{ type: "voice", media: { base64: "AAAA", mimetype: "audio/mpeg" } }, ["media.mimetype VALIDATION_ERROR"]],
    [{ type: "sticker", media: { base64: "AAAA", mimetype: "image/png" } }, ["media.mimetype VALIDATION_ERROR"]],
    [{ ...image({ url }), caption: long(1_025) }, ["caption INVALID_MESSAGE"]],
    [{ ...image({ url }), caption: 7 }, ["caption INVALID_MESSAGE"]],
    [{ ...image({ url }), filename: long(256) }, ["filename VALIDATION_ERROR"]],
    [{ ...image({ url }), filename: {} }, ["filename VALIDATION_ERROR"]],
    [{ type: "audio", media: { url }, caption: "Listen" }, ["caption VALIDATION_ERROR"]],
    [{ type: "location" }, ["latitude VALIDATION_ERROR", "longitude VALIDATION_ERROR"]],
    [{ ...place, latitude: 90.1, longitude: -180.1 }, ["latitude VALIDATION_ERROR", "longitude VALIDATION_ERROR"]],
    [{ ...place, latitude: "1" }, ["latitude VALIDATION_ERROR"]],
    [{ ...place, name: long(257), address: [] }, ["name VALIDATION_ERROR", "address VALIDATION_ERROR"]],
    [contact(), ["contacts VALIDATION_ERROR"]],
    [{ type: "contact", contacts: card }, ["contacts VALIDATION_ERROR"]],
    [contact(...Array.from({ length: 51 }, () => card)), ["contacts VALIDATION_ERROR"]],
    [contact(card, "Ann", [card]), ["contacts[1] VALIDATION_ERROR", "contacts[2] VALIDATION_ERROR"]],
    [contact({}), ["contacts[0].phoneNumber INVALID_PHONE", "contacts[0].fullName VALIDATION_ERROR"]],
    [
      contact({ ...card, email: "ann", url: "javascript:alert(1)" }),
      ["contacts[0].email VALIDATION_ERROR", "contacts[0].url VALIDATION_ERROR"],
    ],
    [{ type: "poll" }, ["name VALIDATION_ERROR", "options VALIDATION_ERROR"]],
    [{ ...poll, options: ["Yes"] }, ["options VALIDATION_ERROR"]],
    [{ ...poll, options: Array.from({ length: 13 }, (_, at) => `${at}`) }, ["options VALIDATION_ERROR"]],
    [{ ...poll, options: { 0: "Yes", 1: "No" } }, ["options VALIDATION_ERROR"]],
    [
      { ...poll, options: ["Yes", 2, long(101), ""] },
      ["options[1] VALIDATION_ERROR", "options[2] VALIDATION_ERROR", "options[3] VALIDATION_ERROR"],
    ],
    [{ ...poll, options: ["Yes", "No", "Yes"] }, ["options[2] VALIDATION_ERROR"]],
    [{ ...poll, name: long(256), multipleAnswers: 1 }, ["name VALIDATION_ERROR", "multipleAnswers VALIDATION_ERROR"]],
    [{ type: "reaction" }, ["messageId VALIDATION_ERROR", "emoji VALIDATION_ERROR"]],
    ...["a", "👍👍", "👍a", " ", "7", "\u200d", `👍${"\u0301".repeat(80)}`, 7, ["👍"]].map(
      (emoji): [Record<string, unknown>, string[]] => [
        { type: "reaction", messageId: "3EB0AA", emoji },
        ["emoji VALIDATION_ERROR"],
      ],
    ),
    [{ type: "edit", messageId: 7 }, ["messageId VALIDATION_ERROR", "message INVALID_MESSAGE"]],
    [{ type: "delete", messageId: "3EB0AA", replyTo: "3EB0BB" }, ["replyTo VALIDATION_ERROR"]],
  ])("%j", (body, faults) => {
    expect(faultsOf(body)).toEqual(faults)
  })

  it("and all of it at once", () => {
    const body = { phone: "x", to: "y", type: "image", media: { url: "y" }, caption: 7, options: [1], ttl: -1 }
    expect(faultsOf(body)).toEqual([
      "to INVALID_PHONE",
      "media.url INVALID_MEDIA_URL",
      "caption INVALID_MESSAGE",
      "options VALIDATION_ERROR",
      "ttl VALIDATION_ERROR",
    ])
  })

  it.each(["👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "❤️", "☺", "©️"])("but %s is one emoji", (emoji) => {
    expect(faultsOf({ type: "reaction", messageId: "3EB0AA", emoji })).toEqual([])
  })
})

describe("The short form of an attachment", () => {
  const short = (body: Record<string, unknown>) => faultsOf(body, "media-url")

  it("names it in mediaUrl", () => {
    const body = { ...to, type: "image", mediaUrl: url, caption: "A cat" }
    const { draft, faults, paths, notBuilt } = readDraft(body, "media-url")
    expect([faults, paths, notBuilt]).toEqual([[], { recipient: "phone", media: "mediaUrl" }, "Messages of type image"])
    expect(draft.content).toEqual({ type: "image", media: { url }, caption: "A cat" })
  })

  it("has the types of attachments, and faults by its own fields", () => {
    expect(short({ type: "image" })).toEqual(["mediaUrl INVALID_MEDIA_URL"])
    expect(short({ type: "image", mediaUrl: "x", caption: 7 })).toEqual([
      "mediaUrl INVALID_MEDIA_URL",
      "caption INVALID_MESSAGE",
    ])
    expect(short({ type: "image", mediaUrl: url, media: { url } })).toEqual(["media VALIDATION_ERROR"])
    for (const type of [undefined, "text", "poll"])
      expect(short({ type, mediaUrl: url })).toEqual(["type VALIDATION_ERROR"])
  })
})

describe("Whatever a body holds", () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom("\ud800", url, pixel, "79001234567", "3EB0AA", ""),
  )
  const type = fc.constantFrom(
    ...["text", "image", "video", "audio", "voice", "document", "sticker"],
    ...["location", "contact", "poll", "reaction", "edit", "delete", "sms"],
  )
  const names = [
    ...[
      "phone",
      "to",
      "message",
      "mentions",
      "linkPreview",
      "replyTo",
      "ttl",
      "media",
      "mediaUrl",
      "caption",
      "filename",
    ],
    ...["latitude", "longitude", "name", "address", "contacts", "options", "multipleAnswers", "messageId", "emoji"],
  ]
  /** Whole messages of which a few fields are something else. */
  const body = fc
    .tuple(
      fc.constantFrom(...whole.map(([, said]) => ({ ...to, ...said }))),
      fc.dictionary(fc.constantFrom(...names, "type"), fc.oneof(value, type), { maxKeys: 3 }),
    )
    .map(([said, fields]): Record<string, unknown> => ({ ...said, ...fields }))

  it("is read without a throw, and each field is at fault once", () => {
    let whole = 0
    fc.assert(
      fc.property(body, fc.constantFrom<SendForm>("any", "media-url"), (fields, form) => {
        const { faults } = readDraft(fields, form)
        if (faults.length === 0) whole++
        const paths = faults.map(({ path }) => path)
        expect(new Set(paths).size).toBe(paths.length)
      }),
      { numRuns: 20_000, seed: 41 },
    )
    expect(whole).toBeGreaterThan(100)
  })

  it("comes back in no fault", () => {
    const canary = "canary7c0ffee"
    const odd = fc.constantFrom<unknown>(
      canary,
      [canary],
      { [canary]: canary },
      { url: canary },
      { base64: `!${canary}` },
    )
    const said = fc
      .tuple(type, fc.dictionary(fc.constantFrom(...names), odd, { maxKeys: 12 }))
      .map(([named, fields]): Record<string, unknown> => ({ type: named, ...fields }))
    fc.assert(
      fc.property(said, (fields) => {
        expect(JSON.stringify(readDraft(fields).faults)).not.toContain(canary)
      }),
      { numRuns: 5_000, seed: 42 },
    )
  })

  it("is base64 exactly when the machine's own decoder gives the same text back", () => {
    const text = fc.oneof(
      fc.base64String({ minLength: 1, maxLength: 40 }),
      fc.string({ unit: fc.constantFrom("A", "b", "9", "+", "/", "=", "-", "\n"), maxLength: 12 }),
    )
    fc.assert(
      fc.property(text, (base64) => {
        const bare = base64.replace(/=+$/, "")
        const decoded = Buffer.from(base64, "base64")
        const padded = base64 === bare || base64.length % 4 === 0
        const same = decoded.length > 0 && decoded.toString("base64").replace(/=+$/, "").length === bare.length
        const right = same && padded && /^[A-Za-z0-9+/]+={0,2}$/.test(base64)
        expect(faultsOf(bytes(base64)).length === 0).toBe(right)
      }),
      { numRuns: 20_000, seed: 43 },
    )
  })

  it("of 16 MiB in base64 is looked over in one go", () => {
    expect(faultsOf(bytes("A".repeat(16 * 1024 * 1024)))).toEqual([])
    expect(faultsOf(bytes(`${"A".repeat(16 * 1024 * 1024 - 1)}!`))).toEqual(["media.base64 VALIDATION_ERROR"])
  })
})
