import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { notForClient } from "../../config/client-names.ts"
import { assembleClient } from "../../core/serve/client/client.ts"
import { createClient, type Client, SwitchboardError } from "../../core/serve/client/index.ts"
import { fakeCreds } from "../support/fake-provider.ts"
import { operationsOf } from "../http/openapi-rules.ts"
import { type ClientHouse, openClientHouse, quickTiming, type Way } from "./client-house.ts"

const PHONE = "79001234567"
const CREDS = fakeCreds("79000000009", "elsewhere", 1)

let house: ClientHouse

beforeAll(async () => {
  house = await openClientHouse()
  await house.link("salon-1")
})
beforeEach(() => {
  house.waits.length = 0
})
afterAll(() => house.stop())

/** What a call rejects with. */
async function failure(call: Promise<unknown>): Promise<SwitchboardError> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof SwitchboardError) return thrown
  throw new Error(`Expected a SwitchboardError, not ${String(thrown)}`)
}

/** Every request as `METHOD /path?query`, and the server's own answer. */
function watched(): { readonly seen: Request[]; readonly way: Way } {
  const seen: Request[] = []
  return {
    seen,
    way(request, go) {
      seen.push(request.clone())
      return go(request)
    },
  }
}

/** The server does what it is asked; so many of its answers never arrive. */
const losing = (count: number): Way => {
  let left = count
  return async (request, go) => {
    const answer = await go(request)
    if (left-- <= 0) return answer
    throw new TypeError("fetch failed")
  }
}

/** So many requests are answered by something in front of the server. */
const answeredBefore = (count: number, answer: () => Response): Way => {
  let left = count
  return (request, go) => (left-- > 0 ? Promise.resolve(answer()) : go(request))
}

describe("A send", () => {
  it("goes out, and says under which id", async () => {
    const answer = await house.client().sendMessage(PHONE, "Good morning", { companyId: "salon-1" })
    expect(answer).toMatchObject({ companyId: "salon-1", status: "sent", to: PHONE })
    const stored = await house.client().messages.get("salon-1", answer.messageId)
    expect(stored).toMatchObject({ message: "Good morning", direction: "outbound" })
  })

  it("whose answers are lost goes out once, and gives the first one's answer", async () => {
    const answer = await house.client({ way: losing(3) }).sendMessage(PHONE, "Once only", { companyId: "salon-1" })
    expect(answer.status).toBe("sent")
    expect(house.sent("salon-1").filter((text) => text === "Once only")).toHaveLength(1)
    expect(house.waits).toEqual([500, 1_000, 2_000])
  })

  it("whose answers are lost would go out again without the key that the client makes", async () => {
    const lost = losing(2)
    const keyless: Way = (request, go) => {
      request.headers.delete("idempotency-key")
      return lost(request, go)
    }
    await house.client({ way: keyless }).sendMessage(PHONE, "Once too often", { companyId: "salon-1" })
    expect(house.sent("salon-1").filter((text) => text === "Once too often")).toHaveLength(3)
  })

  it("has a key of its own each time, the same at each attempt, or the caller's", async () => {
    const { seen, way } = watched()
    const client = house.client({ way })
    await client.sendMessage(PHONE, "a", { companyId: "salon-1" })
    await client.messages.sendShort({ companyId: "salon-1", phone: PHONE, message: "b" })
    await client.batches.send({ companyId: "salon-1", messages: [{ phone: PHONE, message: "c" }] })
    await client.sendMessage(PHONE, "d", { companyId: "salon-1", idempotencyKey: "order 4711" })
    const keys = seen.map(({ headers }) => headers.get("idempotency-key") ?? "")
    for (const key of keys.slice(0, 3)) expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(keys[3]).toBe("order 4711")
    expect(new Set(keys).size).toBe(4)
  })

  it("is tried again through a proxy that has no server, and no more often than asked", async () => {
    const page = (): Response => new Response("<html>502</html>", { status: 502 })
    const sent = await house.client({ way: answeredBefore(4, page) }).sendMessage(PHONE, "Hi", { companyId: "salon-1" })
    expect(sent.status).toBe("sent")
    const error = await failure(
      house.client({ way: answeredBefore(4, page), retries: 3 }).sendMessage(PHONE, "Hi", { companyId: "salon-1" }),
    )
    expect(error).toMatchObject({ code: "UNEXPECTED_ANSWER", status: 502, isRetryable: true })
    expect(error.message).not.toContain("html")
  })

  it.each([
    ["seconds", "7", 7_000],
    ["the server's own word", undefined, 12_000],
  ])("waits as long as it is told to, in %s", async (_, header, ms) => {
    const body = { success: false, error: { code: "RATE_LIMIT_EXCEEDED", message: "Slow", isRetryable: true } }
    const told = header === undefined ? { ...body, error: { ...body.error, retryAfter: 12 } } : body
    const answer = (): Response =>
      Response.json(told, { status: 429, headers: header === undefined ? {} : { "retry-after": header } })
    const client = house.client({ way: answeredBefore(1, answer) })
    expect((await client.sendMessage(PHONE, "Hi", { companyId: "salon-1" })).status).toBe("sent")
    expect(house.waits).toEqual([ms])
  })

  it("does not wait longer than the caller would, and says how long that is", async () => {
    const error = { code: "RATE_LIMIT_EXCEEDED", message: "Slow", isRetryable: true, retryAfter: 61 }
    const answer = (): Response => Response.json({ success: false, error, requestId: "r-1" }, { status: 429 })
    const client = house.client({ way: answeredBefore(1, answer) })
    const refused = await failure(client.sendMessage(PHONE, "Hi", { companyId: "salon-1" }))
    expect(refused).toMatchObject({ code: "RATE_LIMIT_EXCEEDED", retryAfter: 61, requestId: "r-1" })
    expect(house.waits).toEqual([])
  })

  it("waits for the first request under its key, however many retries are left", async () => {
    const { provider } = house.everything
    const line = provider.line("salon-1")
    const policy = provider.policy
    provider.policy = () => "hold"
    const first = house.client().sendMessage(PHONE, "Held", { companyId: "salon-1", idempotencyKey: "held-1" })
    while (line.held.length === 0) await new Promise((resolve) => setImmediate(resolve))
    let refusals = 0
    const second = house
      .client({
        retries: 0,
        async way(request, go) {
          const answer = await go(request)
          // Answered by WhatsApp only when the second has been refused a few times.
          if (answer.status === 409 && ++refusals === 3) {
            provider.policy = policy
            for (const id of line.held) line.answer(id, { outcome: "acknowledged", at: Date.now() })
          }
          return answer
        },
      })
      .sendMessage(PHONE, "Held", { companyId: "salon-1", idempotencyKey: "held-1" })
    expect((await second).messageId).toBe((await first).messageId)
    expect(refusals).toBeGreaterThanOrEqual(3)
    expect(house.sent("salon-1").filter((text) => text === "Held")).toHaveLength(1)
  })

  it("that WhatsApp refuses is not tried again", async () => {
    const { seen, way } = watched()
    const error = await failure(
      house.client({ way }).sendMessage(PHONE, "Hi", { companyId: "salon-2", requestId: "order-4711" }),
    )
    expect(error).toMatchObject({
      requestId: "order-4711",
      name: "SwitchboardError",
      code: "NO_ACTIVE_SESSION",
      message: "No active session for company",
      status: 409,
      isRetryable: false,
    })
    expect(seen).toHaveLength(1)
  })

  it("names every fault of its body", async () => {
    const error = await failure(house.client().messages.send("salon-1", { phone: "abc", message: "", ttl: -1 }))
    expect(error.code).toBe("VALIDATION_ERROR")
    const details = error.details as readonly { path: string; code: string }[]
    expect(details.map(({ path }) => path)).toEqual(["phone", "message", "ttl"])
  })
})

describe("A call that changes something and has no key", () => {
  it("is not made again when its answer is lost", async () => {
    const { seen, way } = watched()
    const lost = losing(1)
    const client = house.client({ way: (request, go) => lost(request, (one) => way(one, go)) })
    const error = await failure(client.sessions.restart("salon-1"))
    expect(error).toMatchObject({ code: "NETWORK_ERROR", status: 0, isRetryable: true })
    expect(seen).toHaveLength(1)
    expect(house.waits).toEqual([])
  })

  it("is made again when the server says that it has done nothing", async () => {
    const error = { code: "SHUTTING_DOWN", message: "Later", isRetryable: true }
    const answer = (): Response => Response.json({ success: false, error, requestId: "r" }, { status: 503 })
    const client = house.client({ way: answeredBefore(2, answer) })
    const report = await client.companies.import("salon-7", { files: { "creds.json": CREDS }, dryRun: true })
    expect(report).toMatchObject({ companyId: "salon-7", dryRun: true })
  })
})

describe("A call that only asks", () => {
  it("is made again when its answer is lost", async () => {
    const { data } = await house.client({ way: losing(2) }).companies.list({ limit: 1 })
    expect(data).toHaveLength(1)
  })

  it("takes numbers, texts and what is left out in its query", async () => {
    const { seen, way } = watched()
    const client = house.client({ way })
    await client.messages.list("salon-1", { limit: 1, status: "sent", cursor: undefined })
    expect(seen[0]?.url).toBe("http://localhost/api/whatsapp/messages/salon-1?limit=1&status=sent")
  })

  it("gives a text where the route gives one, and the bare answer where that is a file", async () => {
    const exported = await house.client().companies.export("salon-1")
    expect(exported.headers.get("content-type")).toContain("ndjson")
    expect((await exported.text()).split("\n").length).toBeGreaterThan(2)
  })

  it("sends a text or bytes as what they are", async () => {
    const { seen, way } = watched()
    const client = house.client({ way })
    const lines = await (await house.client().companies.export("salon-1")).text()
    const dry = { dryRun: "true", force: "true" } as const
    expect(await client.companies.import("salon-1", lines, dry)).toMatchObject({ companyId: "salon-1", dryRun: true })
    const bytes = new TextEncoder().encode(lines)
    const type = { contentType: "application/x-ndjson; charset=utf-8" }
    expect(await client.companies.import("salon-1", bytes, dry, type)).toMatchObject({ dryRun: true })
    expect(await client.companies.import("salon-1", new Blob([bytes]), dry)).toMatchObject({ dryRun: true })
    const types = seen.map(({ headers }) => headers.get("content-type"))
    expect(types).toEqual(["application/x-ndjson", type.contentType, "application/x-ndjson"])
  })

  it("ends with the caller's own signal, also while it waits", async () => {
    const stop = new AbortController()
    const client = house.client({
      way: async () => {
        queueMicrotask(() => stop.abort(new Error("Enough")))
        throw new TypeError("fetch failed")
      },
    })
    await expect(client.server.settings({ signal: stop.signal })).rejects.toThrow("Enough")
    await expect(client.server.settings({ signal: AbortSignal.abort(new Error("Before")) })).rejects.toThrow("Before")
  })

  it("ends when nothing comes in time", async () => {
    const hanging: Way = (request) =>
      new Promise((_, reject) => {
        request.signal.addEventListener("abort", () => reject(new Error("aborted")))
      })
    const client = house.client({ way: hanging, retries: 1, timeoutMs: 20 })
    expect(await failure(client.server.settings())).toMatchObject({ code: "TIMEOUT", status: 0, isRetryable: true })
    expect(house.waits).toHaveLength(1)
  })

  it("is answered by what its route gives, also where that comes with a status that says more", async () => {
    const body = { success: true, data: [] }
    const client = house.client({ way: async () => Response.json(body, { status: 503 }) })
    expect(await client.server.settings()).toEqual([])
    expect(house.waits).toEqual([])
  })

  it("has as much more time as it asks the server to wait", async () => {
    const slow: Way = async (request, go) => {
      await new Promise((resolve) => setTimeout(resolve, 60))
      request.signal.throwIfAborted()
      return go(request)
    }
    const client = house.client({ way: slow, retries: 0, timeoutMs: 20 })
    expect(await failure(client.sessions.qr("salon-1"))).toMatchObject({ code: "TIMEOUT" })
    expect(await failure(client.sessions.qr("salon-1", { wait: 5 }))).toMatchObject({ code: "ALREADY_CONNECTED" })
  })

  it("says what is wrong when something else answers", async () => {
    const html = house.client({ way: async () => new Response("<html>") })
    expect(await failure(html.companies.list())).toMatchObject({ code: "UNEXPECTED_ANSWER", status: 200 })
    const elsewhere = house.client({
      way: async () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example/" } }),
    })
    expect((await failure(elsewhere.companies.list())).message).toContain("another address")
  })
})

describe("What could give something away", () => {
  it("a key never stands in a URL, and does not follow a redirect", async () => {
    const { seen, way } = watched()
    await house.client({ way }).companies.list()
    expect(seen[0]?.url).not.toContain("admin-key")
    expect(seen[0]?.headers.get("x-api-key")).toContain("admin-key")
    expect(seen[0]?.redirect).toBe("manual")
    for (const url of ["https://user:secret@lines.example", "https://lines.example?key=secret", "ftp://x", "secret"]) {
      const refuse = (): Client => createClient({ url })
      expect(refuse).toThrow(SwitchboardError)
      expect(refuse).not.toThrow(/secret/)
    }
    expect(() => createClient({ url: "http://localhost", apiKey: "two\nlines" })).toThrow(/^apiKey/)
  })

  it("an id cannot lead to another route", async () => {
    const { seen, way } = watched()
    const client = house.client({ way, retries: 0 })
    await failure(client.companies.get("../settings"))
    expect(seen[0]?.url).toBe("http://localhost/api/whatsapp/companies/..%2Fsettings")
    for (const id of ["", ".", ".."]) {
      expect(await failure(client.companies.get(id))).toMatchObject({ code: "INVALID_ARGUMENT", status: 0 })
    }
    expect(seen).toHaveLength(1)
  })

  it("a header that cannot be sent is told before anything is", async () => {
    const { seen, way } = watched()
    const client = house.client({ way })
    const sending = client.sendMessage(PHONE, "Hi", { companyId: "salon-1", idempotencyKey: "é" })
    expect(await failure(sending)).toMatchObject({ code: "INVALID_ARGUMENT" })
    expect(await failure(client.server.settings({ requestId: "a b" }))).toMatchObject({ code: "INVALID_ARGUMENT" })
    expect(seen).toEqual([])
  })
})

describe("The client", () => {
  it("has a method for every route of the document, and none for another", async () => {
    const { json } = await house.everything.call("GET", "/openapi.json")
    const documented = operationsOf(json).map(({ name }) => name.replace(/^\w+/, (method) => method.toUpperCase()))
    const called: string[] = []
    const client = assembleClient(
      {
        url: "http://localhost",
        async fetch(url, init) {
          const request = new Request(url, init)
          called.push(`${request.method} ${new URL(url).pathname}`)
          const streams = request.headers.get("accept") === "text/event-stream"
          return streams ? new Response("data: {}\n\n") : Response.json({ success: true, data: {} })
        },
      },
      quickTiming([]),
    )
    await callAll(client)
    const wanted = documented
      .filter((route) => !notForClient.has(route))
      .map((route) => route.replaceAll(/\{\w+\}/g, "x"))
    expect([...new Set(called)].sort()).toEqual(wanted.sort())
  })

  it("reaches a route that it knows nothing of", async () => {
    const path = "/api/whatsapp/companies"
    const answer = await house.client().request<{ data: unknown[] }>("GET", path, { query: { limit: 1 } })
    expect(answer.data).toHaveLength(1)
    expect(await house.client().request("GET", path, { as: "text" })).toMatch(/^\{"success":true/)
  })
})

/** Every method of every group, with `x` for whatever it takes. */
async function callAll(client: Client): Promise<void> {
  const own = new Set(["request", "sendMessage"])
  for (const [name, group] of Object.entries(client)) {
    if (own.has(name)) continue
    const methods: unknown[] = typeof group === "function" ? [group] : Object.values(group as object)
    for (const method of methods) {
      const called: unknown = (method as (...given: readonly string[]) => unknown)("x", "x")
      if (isStream(called)) for await (const _ of called) break
      else await called
    }
  }
}

function isStream(value: unknown): value is AsyncGenerator {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value
}
