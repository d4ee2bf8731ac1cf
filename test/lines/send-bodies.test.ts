import { describe, expect, it } from "vitest"
import { openWeb, type Web } from "./web.ts"

const url = "https://files.example/a.png"
const to = { companyId: "acme", phone: "79001234567" }
const unbuilt: readonly Record<string, unknown>[] = [
  { type: "image", media: { url }, caption: "A cat" },
  { type: "video", media: { url } },
  { type: "audio", media: { base64: "AAAA", mimetype: "audio/mpeg" } },
  { type: "voice", media: { url } },
  { type: "document", media: { url }, filename: "a.pdf" },
  { type: "sticker", media: { url } },
  { type: "location", latitude: 1, longitude: 2 },
  { type: "contact", contacts: [{ fullName: "Ann", phoneNumber: "79001234567" }] },
  { type: "poll", name: "Tea?", options: ["Yes", "No"] },
  { type: "reaction", messageId: "3EB0AA", emoji: "👍" },
  { type: "edit", messageId: "3EB0AA", message: "Ho" },
  { type: "delete", messageId: "3EB0AA" },
  { message: "Hi @Ann", mentions: ["79007654321"] },
  { message: url, linkPreview: true },
  { message: "Hi", replyTo: "3EB0AA" },
]

const connectedWeb = async (): Promise<Web> => {
  const web = openWeb()
  await web.house.connect("acme")
  return web
}

/** Nothing of what was sent is stored, or has gone out. */
async function expectNothing({ house }: Web): Promise<void> {
  await house.clock.settle()
  expect(house.provider.line("acme").sent).toEqual([])
  expect((await house.lines.messages.list("acme", { limit: 10 })).data).toEqual([])
}

describe("A message that is whole and not built yet", () => {
  it.each(unbuilt)("is 501, with nothing stored: %j", async (said) => {
    const web = await connectedWeb()
    const { companyId: _, ...body } = { ...to, ...said }
    const answers = [
      await web.call("POST", "/send", { ...to, ...said }),
      await web.call("POST", "/companies/acme/messages", body),
    ]
    for (const { status, json } of answers) {
      expect([status, json.error.code]).toEqual([501, "NOT_SUPPORTED"])
      expect(json.error.details).toBeUndefined()
    }
    await expectNothing(web)
  })

  it.each(unbuilt)("is 400 as long as anything is wrong with it: %j", async (said) => {
    const web = await connectedWeb()
    const { status, json } = await web.call("POST", "/send", { ...to, ...said, ttl: "long" })
    expect([status, json.error.code]).toEqual([400, "VALIDATION_ERROR"])
    expect(json.error.details).toMatchObject([{ path: "ttl" }])
  })

  it("is 501 whatever the line, and refused to a key that may not send", async () => {
    const web = openWeb()
    const image = { ...to, type: "image", media: { url } }
    expect((await web.call("POST", "/send", image)).status).toBe(501)
    expect((await web.call("POST", "/send", image, { "x-api-key": "acme-read" })).status).toBe(403)
    expect(
      (await web.call("POST", "/send", { ...image, companyId: "other" }, { "x-api-key": "acme-all" })).status,
    ).toBe(403)
  })
})

describe("POST /send-media", () => {
  const media = { ...to, type: "image", mediaUrl: url, caption: "A cat" }

  it("is 501 for what is whole, names all faults of what is not, and stores neither", async () => {
    const web = await connectedWeb()
    expect((await web.call("POST", "/send-media", media)).json.error.code).toBe("NOT_SUPPORTED")
    const wrong = await web.call("POST", "/send-media", { ...media, phone: "x", mediaUrl: "x", caption: 7 })
    expect([wrong.status, wrong.json.error.code]).toEqual([400, "VALIDATION_ERROR"])
    expect(wrong.json.error.details).toMatchObject([
      { path: "phone", code: "INVALID_PHONE" },
      { path: "mediaUrl", code: "INVALID_MEDIA_URL" },
      { path: "caption", code: "INVALID_MESSAGE" },
    ])
    const single = await web.call("POST", "/send-media", { ...media, mediaUrl: "file:///etc/passwd" })
    expect(single.json.error).toMatchObject({ code: "INVALID_MEDIA_URL", details: [{ path: "mediaUrl" }] })
    expect(JSON.stringify(single.json)).not.toContain("passwd")
    await expectNothing(web)
  })

  it("is closed like every other send, and in no document", async () => {
    const web = await connectedWeb()
    const as = (key: string, body: unknown) => web.call("POST", "/send-media", body, { "x-api-key": key })
    expect((await as("wrong", media)).status).toBe(401)
    expect((await as("acme-read", media)).status).toBe(403)
    expect((await as("acme-all", { ...media, companyId: "other" })).status).toBe(403)
    expect((await as("admin", { type: "image" })).json.error.code).toBe("COMPANY_ID_REQUIRED")
    expect(JSON.stringify(web.http.document())).not.toContain("send-media")
  })
})

describe("Without the validating plugin", () => {
  it("core refuses by itself what it cannot read", async () => {
    const web = await connectedWeb()
    const poll = { ...to, phone: "+999 123456789", type: "poll", name: "\u0000", options: ["Yes", 7, "\u0000"], ttl: 0 }
    const { status, json } = await web.call("POST", "/send", poll)
    expect([status, json.error.code]).toEqual([400, "VALIDATION_ERROR"])
    expect(json.error.details).toMatchObject([{ path: "options[1]" }, { path: "ttl" }])
    await expectNothing(web)
  })

  it("a URL that leads inside goes no further than any other", async () => {
    const inside = { ...to, type: "image", media: { url: "http://169.254.169.254/latest" } }
    expect((await (await connectedWeb()).call("POST", "/send", inside)).json.error.code).toBe("NOT_SUPPORTED")
  })
})
