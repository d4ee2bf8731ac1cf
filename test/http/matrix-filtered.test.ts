import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { type MatrixHouse, startMatrixHouse } from "./matrix-house.ts"

/** What a route that a key may call shows it, and what the route itself keeps for the admin key. */

const ADMIN = "admin-key-of-24-characters"
const api = "/api/whatsapp"

let house: MatrixHouse
const keys: Record<string, string> = {}

beforeAll(async () => {
  house = await startMatrixHouse({ env: { WHATSAPP_API_KEY: ADMIN } })
  const make = async (name: string, company: string, scopes: readonly string[]): Promise<void> => {
    const body = { name, scopes }
    const answer = await house.call("POST", `${api}/companies/${company}/keys`, { key: ADMIN, body })
    keys[name] = (answer.json.data as { key: string }).key
  }
  await make("reader", "acme", ["read"])
  await make("scanner", "acme", ["read", "session"])
  await make("linker", "acme", ["session"])
  await make("boss", "acme", ["admin"])
  await make("empty", "unseen", ["read"])
  for (const company of ["acme", "aaa-other", "zzz-other"]) {
    await house.connect(company, { "x-api-key": ADMIN })
  }
})
afterAll(() => house.stop())

const get = (path: string, name: string) => house.call("GET", `${api}${path}`, { key: keys[name] ?? ADMIN })

describe("A company's key sees of the whole server", () => {
  it("its own session, and counts that are its own", async () => {
    const all = await get("/sessions", "admin")
    expect([Object.keys(all.json.data), all.json.summary]).toEqual([
      ["aaa-other", "acme", "zzz-other"],
      { total: 3, connected: 3 },
    ])
    for (const query of ["", "?limit=1", "?cursor=acme", "?cursor=aaa", "?companyId=acme"]) {
      const own = await get(`/sessions${query}`, "reader")
      expect([Object.keys(own.json.data), own.json.summary, own.json.nextCursor]).toEqual([
        ["acme"],
        { total: 1, connected: 1 },
        null,
      ])
      expect(own.text).not.toContain("other")
    }
    const none = await get("/sessions", "empty")
    expect([none.json.data, none.json.summary]).toEqual([{}, { total: 0, connected: 0 }])
  })

  it("its own company", async () => {
    const ids = async (name: string) =>
      ((await get("/companies", name)).json.data as unknown as { companyId: string }[]).map(
        ({ companyId }) => companyId,
      )
    expect(await ids("admin")).toEqual(["aaa-other", "acme", "unseen", "zzz-other"])
    expect([await ids("reader"), await ids("empty")]).toEqual([["acme"], ["unseen"]])
  })

  it("its own line in the health, also when others are not well", async () => {
    const lines = async (name: string) => {
      const { totalSessions, connectedSessions, checks } = (await get("/health", name)).json.data
      return [totalSessions, connectedSessions, (checks as { sessions: unknown }).sessions]
    }
    expect(await lines("admin")).toEqual([3, 3, { ok: true }])
    house.provider.line("zzz-other").end("unknown", 500)
    const patience = { timeout: 20_000, interval: 5 }
    const down = [3, 2, expect.objectContaining({ ok: false })]
    await vi.waitFor(async () => expect(await lines("admin")).toEqual(down), patience)
    expect([await lines("reader"), await lines("empty")]).toEqual([
      [1, 1, { ok: true }],
      [0, 0, { ok: true }],
    ])
  })
})

describe("What stays with the admin key", () => {
  it("are the credentials of an export", async () => {
    const path = "/companies/acme/export"
    expect((await get(`${path}?credentials=true`, "boss")).status).toBe(403)
    const own = await get(path, "boss")
    expect([own.status, own.text.includes('"kind":"auth"')]).toEqual([200, false])
    const whole = await get(`${path}?credentials=true`, "admin")
    expect([whole.status, whole.text.includes('"kind":"auth"')]).toEqual([200, true])
  })

  it("is making a company, by PUT, by its first key or by its first session", async () => {
    const asks = [
      ["PUT", "/companies/new", {}],
      ["POST", "/companies/new/keys", { name: "x", scopes: ["read"] }],
      ["POST", "/sessions/new/initialize", {}],
    ] as const
    for (const [method, path, body] of asks) {
      for (const name of ["boss", "linker"]) {
        const answer = await house.call(method, `${api}${path}`, { key: keys[name] ?? "", body })
        expect([method, path, answer.status]).toEqual([method, path, 403])
      }
      expect((await get("/companies/new", "admin")).status).toBe(404)
    }
    expect((await house.call("PUT", `${api}/companies/new`, { key: ADMIN, body: {} })).status).toBe(201)
    await house.call("DELETE", `${api}/companies/new`, { key: ADMIN })
  })
})

describe("Codes in the event stream", () => {
  /** What a stream carries in the moment in which a line is linked anew. */
  const seen = async (company: string, name: string): Promise<string> => {
    const ended = new AbortController()
    const request = new Request(`http://localhost${api}/sessions/${company}/events`, {
      headers: { "x-api-key": keys[name] ?? ADMIN },
      signal: ended.signal,
    })
    const response = await house.app.fetch(request, { remoteAddress: "127.0.0.1" })
    expect([name, response.status]).toEqual([name, 200])
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ""
    const reading = (async () => {
      for (;;) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
        if (done) return
        text += new TextDecoder().decode(value)
      }
    })()
    await house.call("POST", `${api}/sessions/${company}/logout`, { key: ADMIN })
    await house.call("POST", `${api}/sessions/${company}/initialize`, { key: ADMIN })
    await vi.waitFor(() => expect(text).toContain("session.qr"), { timeout: 20_000, interval: 5 })
    ended.abort()
    await reader.cancel().catch(() => undefined)
    await reading
    return text
  }

  it("are for keys with the scope session; one without it sees that there is a code", async () => {
    for (const [name, codes] of [
      ["reader", false],
      ["scanner", true],
      ["boss", true],
      ["admin", true],
    ] as const) {
      expect([name, (await seen("acme", name)).includes("2@qr")]).toEqual([name, codes])
    }
  })

  it("do not open the stream: a key for the session alone reads no events", async () => {
    expect((await get("/sessions/acme/events", "linker")).status).toBe(403)
    expect((await get("/events/acme", "linker")).status).toBe(403)
  })

  it("are nowhere in the event log", async () => {
    const { text } = await get("/events/acme?limit=200", "scanner")
    expect(text).toContain("session.qr")
    expect(text).not.toContain("2@qr")
  })
})
