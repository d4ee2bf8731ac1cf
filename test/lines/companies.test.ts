import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import { openWeb, type Web } from "./web.ts"

const URL_WITH_SECRET = "socks5://ann:s3cret@10.0.0.1:1080"
const OPERATORS = { url: URL_WITH_SECRET, trusted: true }
/** As a connection is told. */
const FOUND = { url: URL_WITH_SECRET, address: "10.0.0.1" }
const put = (web: Web, body: unknown, key = "admin", company = "acme") =>
  web.call("PUT", `/companies/${company}`, body, { "x-api-key": key })

describe("PUT /companies/{companyId}", () => {
  it("makes a company with the admin key, and changes it afterwards", async () => {
    const web = openWeb()
    const made = await put(web, { name: "Acme Ltd" })
    expect(made).toMatchObject({ status: 201, json: { success: true } })
    expect(made.json.data).toEqual({
      companyId: "acme",
      name: "Acme Ltd",
      proxy: null,
      storage: "filesystem",
      move: null,
      provider: "fake",
    })
    const changed = await put(web, { name: "Acme" })
    expect(changed).toMatchObject({ status: 200, json: { data: { name: "Acme" } } })
    expect((await web.call("GET", "/companies/acme")).json.data).toEqual(changed.json.data)
  })

  it("makes none for a company's own key, which may name its own afterwards", async () => {
    const web = openWeb()
    expect(await put(web, { name: "x" }, "acme-all")).toMatchObject({
      status: 403,
      json: { error: { code: "FORBIDDEN" } },
    })
    expect((await web.call("GET", "/companies/acme")).status).toBe(404)
    await put(web, {})
    expect(await put(web, { name: "Ours" }, "acme-all")).toMatchObject({
      status: 200,
      json: { data: { name: "Ours" } },
    })
    expect((await put(web, { name: "x" }, "acme-read")).status).toBe(403)
    expect((await put(web, { name: "x" }, "acme-all", "other")).status).toBe(403)
  })

  it("lets the admin key alone set or take away a proxy, since the server connects to it", async () => {
    const web = openWeb()
    await put(web, { proxy: URL_WITH_SECRET })
    for (const proxy of ["http://127.0.0.1:8080", null]) {
      expect(await put(web, { proxy }, "acme-all")).toMatchObject({
        status: 403,
        json: { error: { code: "FORBIDDEN" } },
      })
    }
    const kept = await put(web, { name: "Ours", proxy: "socks5://***@10.0.0.1:1080" }, "acme-all")
    expect(kept).toMatchObject({ status: 200, json: { data: { name: "Ours", proxy: "socks5://***@10.0.0.1:1080" } } })
    expect(await web.house.lines.companySettings.proxy("acme")).toEqual(OPERATORS)
  })

  it("keeps what is left out and takes away what is null", async () => {
    const web = openWeb()
    await put(web, { name: "Acme", proxy: "http://proxy.example:8080" })
    expect((await put(web, {})).json.data).toMatchObject({ name: "Acme", proxy: "http://proxy.example:8080" })
    expect((await put(web, { proxy: null })).json.data).toMatchObject({ name: "Acme", proxy: null })
    expect(await web.house.lines.companySettings.proxy("acme")).toBeUndefined()
  })

  it("survives a restart", async () => {
    const web = openWeb()
    await put(web, { name: "Acme", proxy: URL_WITH_SECRET })
    const next = await web.house.reopen("kill")
    expect(await next.lines.companySettings.get("acme")).toMatchObject({ name: "Acme" })
    expect(await next.lines.companySettings.proxy("acme")).toEqual(OPERATORS)
  })

  it("keeps both of two changes that come at once", async () => {
    const web = openWeb()
    await Promise.all([put(web, { name: "Acme" }), put(web, { proxy: "http://proxy.example" })])
    expect((await web.call("GET", "/companies/acme")).json.data).toMatchObject({
      name: "Acme",
      proxy: "http://proxy.example",
    })
  })

  it.each([
    "ftp://ann:s3cret@proxy.example",
    "proxy.example:8080",
    "http://",
    "socks5://",
    "http://proxy.example/s3cret",
    "http://proxy.example?s3cret",
    "socks5://ann:s3cret@proxy.example#x",
    "http://ann:s3cret%@proxy.example",
    "http://proxy.example:0",
    `http://ann:${"s3cret".repeat(400)}@proxy.example`,
    "",
    7,
    { url: "http://proxy.example" },
    ["http://proxy.example"],
  ])("refuses %j as a proxy, saying what is expected and never repeating it", async (proxy) => {
    const web = openWeb()
    const bad = await put(web, { proxy })
    expect(bad).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    expect(bad.json.error.details).toMatchObject([
      { path: "proxy", message: expect.stringContaining("http, https or socks") },
    ])
    expect(JSON.stringify([bad.json, web.house.log.lines])).not.toContain("s3cret")
    expect((await web.call("GET", "/companies/acme")).status).toBe(404)
  })

  it("refuses the hidden credentials of an answer for another proxy", async () => {
    const web = openWeb()
    await put(web, { proxy: URL_WITH_SECRET })
    const bad = await put(web, { proxy: "socks5://***@10.0.0.2:1080" })
    expect(bad).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    expect(await web.house.lines.companySettings.proxy("acme")).toEqual(OPERATORS)
  })

  it.each([
    ["rateLimit", { perWindow: 5 }],
    ["blockedNumbers", ["79001234567"]],
    ["webhookSecret", "a secret of some length"],
    ["retentionDays", 7],
    ["provider", "cloud-api"],
  ])("answers 501 for %s, names it, and changes nothing", async (field, value) => {
    const web = openWeb()
    const answer = await put(web, { name: "Acme", [field]: value })
    expect(answer).toMatchObject({
      status: 501,
      json: { error: { code: "NOT_SUPPORTED", details: [{ path: field }] } },
    })
    expect((await web.call("GET", "/companies/acme")).status).toBe(404)
  })

  it("takes its own answer back", async () => {
    const web = openWeb()
    const { json } = await put(web, { name: "Acme", proxy: URL_WITH_SECRET })
    const again = await put(web, json.data)
    expect(again).toMatchObject({ status: 200, json: { data: json.data } })
    expect(await web.house.lines.companySettings.proxy("acme")).toEqual(OPERATORS)
  })

  it("refuses a field it does not know: a misspelt proxy would send the line past it", async () => {
    const web = openWeb()
    expect(await put(web, { prxy: URL_WITH_SECRET })).toMatchObject({ status: 400 })
    for (const name of ["", "x".repeat(201), "a\u0007b", 5]) expect((await put(web, { name })).status).toBe(400)
  })

  it("shows a proxy without its credentials everywhere", async () => {
    const web = openWeb()
    const answers = [await put(web, { proxy: URL_WITH_SECRET }), await web.call("GET", "/companies/acme")]
    for (const { json } of answers) expect(json.data.proxy).toBe("socks5://***@10.0.0.1:1080")
    await web.house.connect("acme")
    const seen = [answers, web.house.log.lines, await web.house.events("acme"), await web.call("GET", "/sessions/acme")]
    expect(JSON.stringify(seen)).not.toMatch(/s3cret|ann:/)
  })
})

describe("GET /companies/{companyId}", () => {
  it("knows a company that came into being by a session", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    expect(await web.call("GET", "/companies/acme")).toMatchObject({
      status: 200,
      json: { data: { name: null, proxy: null } },
    })
    expect((await put(web, { name: "Ours" }, "acme-all")).status).toBe(200)
  })

  it("answers 404 for one that never came into being", async () => {
    const web = openWeb()
    expect(await web.call("GET", "/companies/nobody")).toMatchObject({
      status: 404,
      json: { error: { code: "NOT_FOUND" } },
    })
  })
})

describe("the proxy of a line", () => {
  it("is handed to the provider at the next connect", async () => {
    const web = openWeb()
    await put(web, { proxy: URL_WITH_SECRET })
    await web.house.connect("acme")
    await web.house.connect("other")
    const used = web.house.provider.connections.map(({ company, input }) => [company, input.options.proxy])
    expect(used).toEqual([
      ["acme", FOUND],
      ["acme", FOUND],
      ["other", undefined],
      ["other", undefined],
    ])
  })

  it("changes on a live line by a new connection, and only when it really changes", async () => {
    const web = openWeb()
    const { provider, clock } = web.house
    await web.house.connect("acme")
    const first = provider.line("acme")
    await put(web, { name: "Acme" })
    await put(web, { proxy: null })
    await clock.settle()
    expect(provider.line("acme")).toBe(first)
    await put(web, { proxy: URL_WITH_SECRET })
    await clock.settle()
    expect([first.closed, first.loggedOut]).toEqual([true, false])
    expect(provider.line("acme").input.options.proxy).toEqual(FOUND)
    await provider.line("acme").open()
    await clock.settle()
    expect(web.house.lines.sessions.peek("acme")?.record).toMatchObject({ state: "connected", linked: true })
  })

  it("does not start a line that is at rest", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    await web.call("POST", "/sessions/acme/disconnect")
    const before = web.house.provider.connections.length
    await put(web, { proxy: URL_WITH_SECRET })
    await web.house.clock.settle()
    expect(web.house.provider.connections).toHaveLength(before)
    expect((await web.call("GET", "/sessions/acme")).json.data.status).toBe("disconnected")
  })

  it("is never left out because it cannot be read: the line waits", async () => {
    let failing = false
    const web = openWeb({
      wrap: (ledger) => ({
        ...ledger,
        get: (company, table, names) =>
          failing && table === "company"
            ? Promise.reject(appError("STORAGE_UNAVAILABLE"))
            : ledger.get(company, table, names),
      }),
    })
    await put(web, { proxy: URL_WITH_SECRET })
    await web.house.connect("acme")
    const before = web.house.provider.connections.length
    failing = true
    web.house.provider.line("acme").end("unreachable")
    await web.house.clock.advance(5_000)
    expect(web.house.provider.connections).toHaveLength(before)
    expect(web.house.lines.sessions.peek("acme")?.record.lastError?.code).toBe("STORAGE_UNAVAILABLE")
    failing = false
    await web.house.clock.advance(60_000)
    expect(web.house.provider.line("acme").input.options.proxy).toEqual(FOUND)
  })
})
