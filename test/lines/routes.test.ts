import { describe, expect, it } from "vitest"
import { openWeb, type Web } from "./web.ts"

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const connectedWeb = async (): Promise<Web> => {
  const web = openWeb()
  await web.house.connect("acme")
  return web
}

/** Begins a request and lets everything settle that can. */
const begin = async <T>(web: Web, asked: Promise<T>): Promise<{ readonly asked: Promise<T> }> => {
  await web.house.clock.settle()
  return { asked }
}

describe("POST /send", () => {
  it("answers as the guide's clients expect", async () => {
    const web = await connectedWeb()
    const { status, json } = await web.call("POST", "/send", {
      companyId: "acme",
      phone: "79001234567",
      message: "Hello from Company 123!",
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({ success: true, data: { companyId: "acme", to: "79001234567", status: "sent" } })
    expect(json.data.timestamp).toMatch(ISO)
  })

  it("is the same operation as POST /companies/{companyId}/messages, also for an Idempotency-Key", async () => {
    const web = await connectedWeb()
    const first = await web.call(
      "POST",
      "/companies/acme/messages",
      { to: "+79001234567", message: "hi" },
      { "idempotency-key": '"k1"' },
    )
    expect(first.status).toBe(200)
    expect(first.headers.get("idempotency-replayed")).toBeNull()
    const again = await web.call(
      "POST",
      "/send",
      { companyId: "acme", to: "+79001234567", message: "hi" },
      { "idempotency-key": "k1" },
    )
    expect(again.headers.get("idempotency-replayed")).toBe("true")
    expect(again.json).toEqual(first.json)
    const other = await web.call(
      "POST",
      "/companies/acme/messages",
      { to: "1", message: "x" },
      { "idempotency-key": "k1" },
    )
    expect(other).toMatchObject({ status: 422, json: { error: { code: "IDEMPOTENCY_KEY_REUSED" } } })
  })

  it("tells a failure again under its key, and says so", async () => {
    const web = await connectedWeb()
    web.house.provider.policy = () => ({ outcome: "refused", code: "479", reason: "no" })
    const body = { companyId: "acme", phone: "79001234567", message: "hi" }
    const first = await web.call("POST", "/send", body, { "idempotency-key": "k" })
    const again = await web.call("POST", "/send", body, { "idempotency-key": "k" })
    expect([first.status, again.status]).toEqual([502, 502])
    expect(again.headers.get("idempotency-replayed")).toBe("true")
    expect(again.json.error).toEqual(first.json.error)
  })

  it("takes Prefer: respond-async", async () => {
    const web = await connectedWeb()
    const body = { companyId: "acme", phone: "79001234567", message: "hi" }
    for (const prefer of ["respond-async", "wait=5, respond-async"]) {
      expect((await web.call("POST", "/send", body, { prefer })).status).toBe(202)
    }
    expect((await web.call("POST", "/send", body, { prefer: "respond-asynchronously" })).status).toBe(200)
  })

  it("says what is wrong in one answer, with each field named", async () => {
    const web = await connectedWeb()
    const bad = await web.call("POST", "/send", { companyId: "acme", phone: "abc", message: "" })
    expect(bad).toMatchObject({ status: 400, json: { success: false, error: { code: "VALIDATION_ERROR" } } })
    expect(bad.json.error.details).toMatchObject([
      { path: "phone", code: "INVALID_PHONE" },
      { path: "message", code: "INVALID_MESSAGE" },
    ])
    const one = await web.call("POST", "/send", { companyId: "acme", phone: "79001234567" })
    expect(one).toMatchObject({ status: 400, json: { error: { code: "INVALID_MESSAGE" } } })
    expect((await web.call("POST", "/send", { phone: "1" })).json.error.code).toBe("COMPANY_ID_REQUIRED")
    expect(await web.call("POST", "/send", ["x"])).toMatchObject({ status: 400 })
  })

  it("says in the guide's words that there is no active session", async () => {
    const web = openWeb()
    const { status, json } = await web.call("POST", "/send", { companyId: "acme", phone: "79001234567", message: "hi" })
    expect(status).toBe(409)
    expect(json.error).toMatchObject({ code: "NO_ACTIVE_SESSION", message: "No active session for company" })
  })
})

describe("GET /messages", () => {
  it("shows messages with ISO times, filters and a cursor", async () => {
    const web = await connectedWeb()
    await web.call("POST", "/send", { companyId: "acme", phone: "79001234567", message: "one" })
    await web.house.clock.advance(5)
    await web.call("POST", "/send", { companyId: "acme", phone: "79001234567", message: "two" })
    const page = await web.call(
      "GET",
      "/messages/acme?limit=1&phone=%2B7%20900%20123-45-67&direction=outbound&status=sent",
    )
    expect(page.status).toBe(200)
    const [message] = page.json.data as unknown as Record<string, unknown>[]
    expect(message).toMatchObject({
      message: "two",
      direction: "outbound",
      origin: "api",
      phone: "79001234567",
      lid: null,
      error: null,
    })
    expect(message?.times).toMatchObject({
      queued: expect.stringMatching(ISO),
      sent: expect.stringMatching(ISO),
      read: null,
    })
    const cursor = String((page.json as Record<string, unknown>).nextCursor)
    const rest = await web.call("GET", `/messages/acme?limit=1&cursor=${encodeURIComponent(cursor)}`)
    expect(rest.json).toMatchObject({ data: [{ message: "one" }], nextCursor: null })
    const since = new Date(web.house.clock.now()).toISOString()
    expect((await web.call("GET", `/messages/acme?since=${since}`)).json.data).toHaveLength(1)
  })

  it("refuses what is no filter, and knows no message of another company", async () => {
    const web = await connectedWeb()
    for (const query of [
      "limit=0",
      "limit=201",
      "direction=up",
      "status=gone",
      "since=yesterday",
      "phone=abc",
      "cursor=x",
    ]) {
      expect((await web.call("GET", `/messages/acme?${query}`)).status, query).toBe(400)
    }
    const sent = await web.call("POST", "/send", { companyId: "acme", phone: "79001234567", message: "one" })
    const id = String(sent.json.data.messageId)
    expect((await web.call("GET", `/messages/acme/${id}`)).json.data).toMatchObject({ messageId: id })
    expect((await web.call("GET", `/messages/other/${id}`)).json.error.code).toBe("NOT_FOUND")
    expect((await web.call("GET", "/messages/acme/never-existed")).json.error.code).toBe("NOT_FOUND")
  })
})

describe("sessions", () => {
  it("are initialized with the QR text in the answer, and shown in every form without being cached", async () => {
    const web = openWeb()
    const { asked } = await begin(
      web,
      web.call("POST", "/sessions/acme/initialize", { usePairingCode: false, phoneNumber: "79001234567" }),
    )
    web.house.provider.line("acme").qr("2@qr-text")
    const answer = await asked
    expect(answer).toMatchObject({ status: 200, json: { data: { companyId: "acme", status: "qr", qr: "2@qr-text" } } })
    const json = await web.call("GET", "/sessions/acme/qr")
    expect(json.json.data).toMatchObject({
      qr: "2@qr-text",
      attempts: 1,
      maxAttempts: 3,
      expiresAt: expect.stringMatching(ISO),
    })
    const forms = {
      "image/png": "image/png",
      "image/svg+xml": "image/svg+xml; charset=utf-8",
      "text/plain": "text/plain; charset=utf-8",
      "text/html,application/xhtml+xml,image/webp,*/*;q=0.8": "image/svg+xml; charset=utf-8",
    }
    for (const [accept, type] of Object.entries(forms)) {
      const picture = await web.fetch("GET", "/sessions/acme/qr", { headers: { accept } })
      expect(picture.headers.get("content-type")).toBe(type)
      expect(picture.headers.get("cache-control")).toBe("no-store")
      expect((await picture.arrayBuffer()).byteLength).toBeGreaterThan(200)
    }
  })

  it("are started without a body as well", async () => {
    const web = openWeb()
    const { asked } = await begin(web, web.call("POST", "/sessions/acme/initialize"))
    web.house.provider.line("acme").qr("2@qr")
    expect((await asked).status).toBe(200)
  })

  it("answer 202 when there is nothing to show within 30 s", async () => {
    const web = openWeb()
    const { asked } = await begin(web, web.call("POST", "/sessions/acme/initialize", {}))
    await web.house.clock.advance(30_000)
    expect(await asked).toMatchObject({ status: 202, json: { data: { status: "connecting" } } })
  })

  it("give a pairing code with its time to live, and 400 without a number", async () => {
    const web = openWeb()
    expect((await web.call("POST", "/sessions/acme/pairing-code", {})).status).toBe(400)
    expect((await web.call("POST", "/sessions/acme/initialize", { usePairingCode: true })).status).toBe(400)
    const { asked } = await begin(
      web,
      web.call("POST", "/sessions/acme/pairing-code", { phoneNumber: "+7 900 123 45 67" }),
    )
    web.house.provider.line("acme").pairingCode("ABCDEFGH")
    expect((await asked).json.data).toEqual({ code: "ABCD-EFGH", expiresIn: 160, phoneNumber: "79001234567" })
    const { asked: refused } = await begin(
      web,
      web.call("POST", "/sessions/b/pairing-code", { phoneNumber: "79001234567" }),
    )
    web.house.provider.line("b").emit({ type: "pairing-refused", reason: "rate-overlimit" })
    expect(await refused).toMatchObject({
      status: 502,
      json: { error: { code: "PAIRING_REFUSED", details: { reason: "rate-overlimit" } } },
    })
  })

  it("are listed by company with a summary, in pages, on an object without a prototype", async () => {
    const web = openWeb()
    for (const company of ["a", "b", "c"]) await web.house.connect(company)
    await web.call("POST", "/sessions/b/disconnect")
    const all = await web.call("GET", "/sessions")
    expect(all.json).toMatchObject({
      data: { a: { status: "connected" }, b: { status: "disconnected", connected: false }, c: {} },
      summary: { total: 3, connected: 2 },
      nextCursor: null,
    })
    const first = await web.call("GET", "/sessions?limit=2")
    expect(Object.keys(first.json.data)).toEqual(["a", "b"])
    const cursor = String((first.json as Record<string, unknown>).nextCursor)
    expect(Object.keys((await web.call("GET", `/sessions?limit=2&cursor=${cursor}`)).json.data)).toEqual(["c"])
  })

  it("show a company's key its own company alone", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    await web.house.connect("other")
    const own = await web.call("GET", "/sessions", undefined, { "x-api-key": "acme-read" })
    expect(Object.keys(own.json.data)).toEqual(["acme"])
    expect(own.json).toMatchObject({ summary: { total: 1, connected: 1 } })
    expect((await web.call("GET", "/sessions/acme/qr", undefined, { "x-api-key": "acme-read" })).status).toBe(403)
  })

  it("are read at both addresses; a company never seen is 404, and reading makes none", async () => {
    const web = await connectedWeb()
    for (const path of ["/sessions/acme", "/sessions/acme/status"]) {
      const { json } = await web.call("GET", path)
      expect(json.data).toMatchObject({ companyId: "acme", status: "connected", connected: true, restriction: null })
      expect(json.data.connectedAt).toMatch(ISO)
      expect(json.data.lastProofAt).toMatch(ISO)
    }
    for (const [method, path] of [
      ["GET", "/sessions/never"],
      ["GET", "/sessions/never/qr"],
      ["POST", "/sessions/never/disconnect"],
      ["POST", "/sessions/never/restart"],
      ["POST", "/sessions/never/logout"],
      ["DELETE", "/sessions/never"],
    ] as const) {
      expect(await web.call(method, path), path).toMatchObject({
        status: 404,
        json: { error: { code: "SESSION_NOT_FOUND" } },
      })
    }
    expect(await web.house.ledger.companies()).toEqual(["acme"])
  })

  it("are disconnected with their credentials kept, restarted, logged out and deleted", async () => {
    const web = await connectedWeb()
    const { house } = web
    const first = house.provider.line("acme")
    expect((await web.call("POST", "/sessions/acme/disconnect")).json.data).toMatchObject({ status: "disconnected" })
    expect(first.closed && !first.loggedOut && house.auths.stored.has("acme")).toBe(true)
    expect((await web.call("POST", "/sessions/acme/restart")).json.data).toMatchObject({ status: "connecting" })
    await house.clock.settle()
    await house.provider.line("acme").open()
    await house.clock.settle()
    expect((await web.call("POST", "/sessions/acme/restart")).json.data).toMatchObject({ status: "connecting" })
    await house.clock.settle()
    await house.provider.line("acme").open()
    await house.clock.settle()
    const last = house.provider.line("acme")
    expect((await web.call("POST", "/sessions/acme/logout")).json.data).toMatchObject({
      status: "logged-out",
      unlinked: true,
    })
    expect(last.loggedOut).toBe(true)
    expect(house.auths.stored.has("acme")).toBe(false)
    expect((await web.call("DELETE", "/sessions/acme")).json.data).toEqual({
      companyId: "acme",
      deleted: true,
      unlinked: false,
    })
    expect((await web.call("GET", "/sessions/acme")).status).toBe(404)
    expect((await web.call("GET", "/sessions")).json).toMatchObject({ data: {}, summary: { total: 0 } })
    await house.connect("acme")
    expect((await web.call("GET", "/sessions/acme")).json.data).toMatchObject({ status: "connected" })
  })

  it("that rest for their time leave memory, and come back by a send but never by a read", async () => {
    const web = openWeb({ settings: { sessionTtlMs: 600_000 } })
    const { house } = web
    house.lines.start()
    await house.connect("acme")
    await house.clock.advance(1_200_000)
    expect(house.lines.views.sessions.get("acme")).toMatchObject({ connected: true })
    await web.call("POST", "/sessions/acme/disconnect")
    await house.clock.advance(700_000)
    expect(house.lines.sessions.peek("acme")).toBeUndefined()
    expect((await web.call("GET", "/sessions/acme")).json.data).toMatchObject({ status: "disconnected" })
    expect(house.lines.sessions.peek("acme")).toBeUndefined()
    await house.clock.advance(house.settings.authStateTtlMs + 60_000)
    expect(house.auths.evicted).toEqual(["acme"])
    const { asked } = await begin(web, web.call("POST", "/sessions/acme/initialize", {}))
    await house.provider.line("acme").open()
    expect((await asked).json.data).toMatchObject({ status: "connected" })
  }, 30_000)
})

describe("the OpenAPI document", () => {
  it("names every route of the lines", () => {
    const web = openWeb()
    const document = web.http.document() as { paths: Record<string, object> }
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        "/api/whatsapp/companies/{companyId}/messages",
        "/api/whatsapp/events/{companyId}",
        "/api/whatsapp/messages/{companyId}",
        "/api/whatsapp/messages/{companyId}/{messageId}",
        "/api/whatsapp/send",
        "/api/whatsapp/sessions",
        "/api/whatsapp/sessions/{companyId}",
        "/api/whatsapp/sessions/{companyId}/disconnect",
        "/api/whatsapp/sessions/{companyId}/events",
        "/api/whatsapp/sessions/{companyId}/initialize",
        "/api/whatsapp/sessions/{companyId}/logout",
        "/api/whatsapp/sessions/{companyId}/pairing-code",
        "/api/whatsapp/sessions/{companyId}/qr",
        "/api/whatsapp/sessions/{companyId}/restart",
        "/api/whatsapp/sessions/{companyId}/status",
      ]),
    )
  })
})
