import { describe, expect, it } from "vitest"
import { openWeb, type Web } from "./web.ts"

const connectedWeb = async (): Promise<Web> => {
  const web = openWeb()
  await web.house.connect("acme")
  return web
}

const check = (web: Web, query: string, key = "admin", company = "acme") =>
  web.call("GET", `/contacts/${company}/check${query}`, undefined, { "x-api-key": key })
const show = (web: Web, body: unknown, key = "admin") => web.call("POST", "/presence/acme", body, { "x-api-key": key })

describe("GET /contacts/{companyId}/check", () => {
  it("says whether a phone in any spelling is on WhatsApp", async () => {
    const web = await connectedWeb()
    web.house.provider.contacts.set("79001234567", { address: "79001234567@s.whatsapp.net", lid: "123456789012345" })
    const there = await check(web, "?phone=%2B7%20(900)%20123-45-67", "acme-all")
    expect(there).toMatchObject({ status: 200 })
    expect(there.json.data).toEqual({ exists: true, jid: "79001234567@s.whatsapp.net", lid: "123456789012345" })
    expect((await check(web, "?phone=79001234568")).json.data).toEqual({ exists: false, jid: null, lid: null })
  })

  it("refuses what is no phone, before it asks anybody", async () => {
    const web = await connectedWeb()
    for (const query of ["", "?phone=", "?phone=abc", "?phone=123456789012345%40lid", "?phone=12036300000%40g.us"]) {
      expect(await check(web, query)).toMatchObject({ status: 400, json: { error: { code: "INVALID_PHONE" } } })
    }
  })
})

describe("POST /presence/{companyId}", () => {
  it("shows the account as online or away, and what it does in a chat", async () => {
    const web = await connectedWeb()
    const phone = "79001234567"
    expect((await show(web, { presence: "available" }, "acme-all")).json.data).toEqual({
      companyId: "acme",
      presence: "available",
      to: null,
    })
    expect((await show(web, { presence: "composing", to: `+${phone}` })).json.data).toMatchObject({ to: phone })
    await show(web, { presence: "recording", to: "123456789012345@lid" })
    await show(web, { presence: "paused", to: "120363000000000001@g.us" })
    expect(web.house.provider.line("acme").presences).toEqual([
      { state: "available" },
      { state: "composing", to: { kind: "person", phone, lid: null } },
      { state: "recording", to: { kind: "person", phone: null, lid: "123456789012345" } },
      { state: "paused", to: { kind: "group", group: "120363000000000001@g.us" } },
    ])
  })

  it("needs a presence there is, and the chat that it belongs to", async () => {
    const web = await connectedWeb()
    const bad = await show(web, { presence: "dancing" })
    expect(bad).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    expect(bad.json.error.details).toMatchObject([{ path: "presence", message: expect.stringContaining("composing") }])
    for (const to of [undefined, null, "abc", 5.5]) {
      const answer = await show(web, { presence: "composing", to })
      expect(answer).toMatchObject({
        status: 400,
        json: { error: { code: "INVALID_PHONE", details: [{ path: "to" }] } },
      })
    }
    expect(web.house.provider.line("acme").presences).toEqual([])
  })
})

describe("Both", () => {
  const both = (web: Web, key?: string) =>
    Promise.all([check(web, "?phone=79001234567", key), show(web, { presence: "available" }, key)])

  it("answer 409 while the line is not connected, and start nothing", async () => {
    const web = openWeb()
    const expected = {
      status: 409,
      json: { error: { code: "NO_ACTIVE_SESSION", message: "No active session for company" } },
    }
    expect(await both(web)).toMatchObject([expected, expected])
    await web.house.connect("acme")
    web.house.provider.line("acme").end("unreachable")
    await web.house.clock.settle()
    const before = web.house.provider.connections.length
    expect(await both(web)).toMatchObject([expected, expected])
    expect(web.house.provider.connections).toHaveLength(before)
  })

  it("answer 501 where the provider cannot do it", async () => {
    const web = openWeb()
    web.house.provider.able = false
    await web.house.connect("acme")
    const expected = { status: 501, json: { error: { code: "NOT_SUPPORTED" } } }
    expect(await both(web)).toMatchObject([expected, expected])
  })

  it("say in our own words that WhatsApp did not answer", async () => {
    const web = await connectedWeb()
    web.house.provider.line("acme").alive = false
    const error = { code: "MESSAGE_SEND_ERROR", message: "WhatsApp did not answer in time" }
    expect(await both(web)).toMatchObject([
      { status: 502, json: { error } },
      { status: 502, json: { error } },
    ])
  })

  it("need a key that may send", async () => {
    const web = await connectedWeb()
    expect((await both(web, "acme-read")).map(({ status }) => status)).toEqual([403, 403])
    expect((await check(web, "?phone=79001234567", "acme-all", "other")).status).toBe(403)
  })
})

describe("What plugins may ask of a line", () => {
  it("is whether a phone is on WhatsApp, while it is connected and the provider can tell", async () => {
    const web = openWeb()
    const { view } = web.house.lines.sessions
    const ask = () => view.lookup("acme", "79001234567", 1_000)
    await expect(ask()).rejects.toMatchObject({ code: "NO_ACTIVE_SESSION" })
    await web.house.connect("acme")
    const contact = { address: "79001234567@s.whatsapp.net", lid: null }
    expect(await ask()).toBeUndefined()
    web.house.provider.contacts.set("79001234567", contact)
    expect(await ask()).toEqual(contact)
    web.house.provider.line("acme").end("unreachable")
    await web.house.clock.settle()
    await expect(ask()).rejects.toMatchObject({ code: "NO_ACTIVE_SESSION" })
    const unable = openWeb()
    unable.house.provider.able = false
    await unable.house.connect("acme")
    await expect(unable.house.lines.sessions.view.lookup("acme", "79001234567", 1_000)).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
    })
  })
})
