import { describe, expect, it } from "vitest"
import { type ApiRoute, defineRoute } from "../../core/route.ts"
import { createHouse } from "./harness.ts"

const stream = (body: () => Response): ApiRoute =>
  defineRoute(
    {
      method: "get",
      path: "/stream",
      scope: "none",
      company: "none",
      summary: "Test",
      tag: "Test",
      responses: { 200: { description: "Done" } },
    },
    body,
  )

const sent = { companyId: "a", phone: "79001234567", message: "Hi" }

describe("A path", () => {
  it.each(["/", "/api", "/api/whatsapp", "/api/whatsapp/sendx", "/api/whatsapp/send/", "/%ff", "/.env"])(
    "that nobody serves is 404 in the house's shape: %s",
    async (path) => {
      const answer = await createHouse().call("GET", path)
      expect(answer.status).toBe(404)
      expect(answer.json).toMatchObject({ success: false, error: { code: "NOT_FOUND", isRetryable: false } })
      expect(answer.headers.get("allow")).toBeNull()
    },
  )

  it.each(["GET", "PUT", "DELETE", "PROPFIND"])(
    "that is served, but not by %s, says what is allowed",
    async (method) => {
      const answer = await createHouse().call(method, "/api/whatsapp/send")
      expect([answer.status, answer.json.error.code]).toEqual([404, "NOT_FOUND"])
      expect(answer.headers.get("allow")).toBe("POST, OPTIONS")
    },
  )

  it("of a word comes before one of a parameter, whatever the order of mounting", async () => {
    const house = createHouse()
    expect((await house.call("GET", "/api/whatsapp/metrics/rate")).json.data).toBe("rate")
    expect((await house.call("GET", "/api/whatsapp/metrics/rater")).json.data).toEqual({ company: "rater" })
  })

  it("answers OPTIONS with its methods, and HEAD as GET without a body", async () => {
    const house = createHouse()
    const options = await house.call("OPTIONS", "/open")
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"])
    const head = await house.call("HEAD", "/open")
    expect([head.status, head.text, head.headers.get("content-type")]).toEqual([200, "", "application/json"])
    expect((await house.call("HEAD", "/api/whatsapp/sessions", undefined, { "x-api-key": "no" })).status).toBe(401)
  })

  it("that streams is let go of after HEAD", async () => {
    let cancelled = false
    const endless = stream(
      () =>
        new Response(new ReadableStream({ pull: () => new Promise(() => {}), cancel: () => void (cancelled = true) })),
    )
    const answer = await createHouse({ routes: [endless] }).call("HEAD", "/stream")
    expect([answer.status, cancelled]).toEqual([200, true])
  })
})

describe("A promised route that is not built", () => {
  const notBuilt = [
    { method: "post", path: "/api/whatsapp/send-media", scope: "send", company: "body" },
    { method: "get", path: "/api/whatsapp/contacts/{companyId}/check", scope: "send", company: "path" },
    { method: "get", path: "/open", scope: "admin", company: "none" },
  ] as const

  it("is 501 to a caller who would be allowed", async () => {
    const house = createHouse({ notBuilt })
    const media = await house.call("POST", "/api/whatsapp/send-media", { companyId: "a", mediaUrl: "x" })
    expect([media.status, media.json.error.code]).toEqual([501, "NOT_SUPPORTED"])
    expect((await house.call("GET", "/api/whatsapp/contacts/a/check")).status).toBe(501)
  })

  it("refuses everybody else as if it were there", async () => {
    const house = createHouse({ notBuilt })
    const check = (path: string, key: string) => house.call("GET", path, undefined, { "x-api-key": key })
    expect((await check("/api/whatsapp/contacts/a/check", "wrong")).status).toBe(401)
    expect((await check("/api/whatsapp/contacts/a/check", "reader-a")).status).toBe(403)
    expect((await check("/api/whatsapp/contacts/b/check", "company-a")).status).toBe(403)
    expect((await check("/api/whatsapp/contacts/all/check", "admin")).status).toBe(400)
    expect((await house.call("POST", "/api/whatsapp/send-media", {})).json.error.code).toBe("COMPANY_ID_REQUIRED")
  })

  it("gives way to a mounted one, and is not documented", async () => {
    const house = createHouse({ notBuilt })
    expect((await house.call("GET", "/open")).status).toBe(200)
    expect(JSON.stringify(house.http.document())).not.toContain("send-media")
  })
})

describe("During shutdown", () => {
  it("the API answers 503 with a time to come back, and probes still answer", async () => {
    const house = createHouse()
    house.closing = true
    const answer = await house.call("POST", "/api/whatsapp/send", sent)
    expect([answer.status, answer.json.error.code, answer.json.error.isRetryable]).toEqual([503, "SHUTTING_DOWN", true])
    expect(answer.headers.get("retry-after")).toBe("5")
    expect((await house.call("GET", "/open")).status).toBe(200)
  })
})

describe("A browser's page from elsewhere", () => {
  const preflight = { origin: "https://shop.example", "access-control-request-method": "POST" }

  it("gets no leave by default", async () => {
    const house = createHouse()
    const asked = await house.call("OPTIONS", "/api/whatsapp/send", undefined, preflight)
    const called = await house.call("POST", "/api/whatsapp/send", sent, { origin: "https://shop.example" })
    for (const { headers } of [asked, called]) expect([...headers.keys()].join()).not.toContain("access-control")
  })

  it("gets it when its origin is named, also for failures", async () => {
    const house = createHouse({ settings: { corsOrigins: ["https://shop.example"] } })
    const asked = await house.call("OPTIONS", "/api/whatsapp/send", undefined, preflight)
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, "https://shop.example"])
    expect(asked.headers.get("access-control-allow-headers")).toContain("X-API-Key")
    const failed = await house.call("POST", "/api/whatsapp/send", {}, { origin: "https://shop.example" })
    expect([failed.status, failed.headers.get("access-control-allow-origin")]).toEqual([400, "https://shop.example"])
    expect(failed.headers.get("access-control-allow-credentials")).toBeNull()
  })

  it("does not get it for being like one that is named", async () => {
    const house = createHouse({ settings: { corsOrigins: ["https://shop.example"] } })
    for (const origin of ["https://shop.example.evil", "http://shop.example", "null"]) {
      const answer = await house.call("GET", "/open", undefined, { origin })
      expect(answer.headers.get("access-control-allow-origin")).toBeNull()
    }
  })
})
