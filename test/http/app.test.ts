import { z } from "@hono/zod-openapi"
import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import { type ApiRoute, defineRoute, type RouteSpec } from "../../core/route.ts"
import { createHouse } from "./harness.ts"

const get = (path: string, handle: ApiRoute["handle"], more: Partial<RouteSpec> = {}): ApiRoute =>
  defineRoute(
    {
      method: "get",
      path,
      scope: "none",
      company: "none",
      summary: "Test",
      tag: "Test",
      responses: { 200: { description: "Done" } },
      ...more,
    },
    handle,
  )

const sent = { companyId: "a", phone: "79001234567", message: "Hi" }

describe("An answer", () => {
  it("is the handler's object as JSON, and is not cached", async () => {
    const answer = await createHouse().call("POST", "/api/whatsapp/send", sent)
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({ success: true, data: { company: "a", length: 2 } })
    expect(answer.headers.get("content-type")).toBe("application/json")
    expect(answer.headers.get("cache-control")).toBe("no-store")
  })

  it("of initialize needs neither a body nor a content type", async () => {
    const answer = await createHouse().call("POST", "/api/whatsapp/sessions/salon-1/initialize")
    expect(answer.json).toEqual({ success: true, data: { company: "salon-1", body: {} } })
  })

  it("carries headers that keep a browser from making something of it", async () => {
    const answer = await createHouse().call("GET", "/open")
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
    expect(answer.headers.get("x-frame-options")).toBe("DENY")
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer")
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'")
  })

  it("that a handler makes itself keeps its status, body and headers, and gets the house's beside them", async () => {
    const routes = [get("/page", () => new Response("<p>", { status: 202, headers: { "cache-control": "public" } }))]
    const answer = await createHouse({ routes }).call("GET", "/page", undefined, { "x-request-id": "r1" })
    expect([answer.status, answer.text]).toEqual([202, "<p>"])
    expect(answer.headers.get("cache-control")).toBe("public")
    expect(answer.headers.get("x-request-id")).toBe("r1")
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
  })

  it("can be a response whose headers are closed, such as a redirect", async () => {
    const routes = [get("/old", () => Response.redirect("http://localhost/open"))]
    const answer = await createHouse({ routes }).call("GET", "/old")
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "http://localhost/open"])
    expect(answer.headers.get("x-request-id")).not.toBeNull()
  })
})

describe("The request's id", () => {
  it.each(["a", "A9_.:-z", "x".repeat(128)])("is taken from X-Request-Id: %s", async (id) => {
    const answer = await createHouse().call("GET", "/open", undefined, { "x-request-id": id })
    expect(answer.headers.get("x-request-id")).toBe(id)
  })

  it.each(["", "x".repeat(129), "a b", "é", "a/b", "<script>"])(
    "is made when the given one is unfit: %s",
    async (id) => {
      const answer = await createHouse().call("GET", "/nowhere", undefined, { "x-request-id": id })
      expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/)
      expect(answer.json.requestId).toBe(answer.headers.get("x-request-id"))
    },
  )

  it("stands in the lines a handler logs and in the line of the request", async () => {
    const routes = [
      get("/talks", ({ log }) => {
        log.info({}, "At work")
        return {}
      }),
    ]
    const house = createHouse({ routes })
    await house.call("GET", "/talks", undefined, { "x-request-id": "r-7" })
    expect(house.log.lines.map(({ fields }) => fields.requestId)).toEqual(["r-7", "r-7", "r-7"])
  })
})

describe("The line of a request", () => {
  it("names the route's template, the status and the company, and nothing the caller wrote", async () => {
    const house = createHouse()
    await house.call("POST", "/api/whatsapp/sessions/salon-1/initialize?token=canary", { phoneNumber: "79001234567" })
    const line = house.log.lines.find(({ message }) => message === "Request")
    expect(line?.fields).toMatchObject({
      method: "POST",
      path: "/api/whatsapp/sessions/{companyId}/initialize",
      status: 200,
      company: "salon-1",
    })
    expect(JSON.stringify(house.log.lines)).not.toMatch(/canary|79001234567|admin/)
  })

  it("says nothing of an unknown path beyond its being unknown", async () => {
    const house = createHouse()
    await house.call("GET", "/secret-canary")
    expect(house.log.lines[0]?.fields).toMatchObject({ path: "(unknown)", status: 404 })
  })

  it("is quiet for what needs no key", async () => {
    const house = createHouse()
    await house.call("GET", "/open")
    expect(house.log.lines[0]?.level).toBe("debug")
  })
})

describe("A failure", () => {
  const failing = (thrown: unknown): ApiRoute =>
    get("/fails", () => {
      throw thrown
    })

  it.each([
    ["an error", new Error("canary /srv/secret.ts")],
    ["a text", "canary"],
    ["a number", 7],
    ["nothing", undefined],
    ["an error of zod", z.string().safeParse(7).error],
  ])("that is %s is an internal error and says no more", async (_, thrown) => {
    const house = createHouse({ routes: [failing(thrown)] })
    const answer = await house.call("GET", "/fails", undefined, { "x-request-id": "r" })
    expect(answer.status).toBe(500)
    expect(answer.json).toEqual({
      success: false,
      error: { code: "INTERNAL_ERROR", message: "Internal error", isRetryable: false },
      requestId: "r",
    })
  })

  it("of ours is logged with its cause", async () => {
    const cause = new Error("disk on fire")
    const house = createHouse({ routes: [failing(cause)] })
    await house.call("GET", "/fails")
    expect(house.log.lines.find(({ level }) => level === "error")?.fields.error).toBe(cause)
  })

  it("that cannot be written as JSON is an internal error", async () => {
    const loop: Record<string, unknown> = {}
    loop.loop = loop
    const answer = await createHouse({ routes: [get("/loop", () => loop)] }).call("GET", "/loop")
    expect([answer.status, answer.json.error.code]).toEqual([500, "INTERNAL_ERROR"])
  })

  it("of the table keeps its code, details and whole seconds to wait", async () => {
    const routes = [failing(appError("TOO_MANY_LISTENERS", { retryAfter: 1.2, details: { most: 20 } }))]
    const answer = await createHouse({ routes }).call("GET", "/fails")
    expect(answer.status).toBe(429)
    expect(answer.headers.get("retry-after")).toBe("2")
    expect(answer.json.error).toEqual({
      code: "TOO_MANY_LISTENERS",
      message: "Too many event subscribers for this company",
      details: { most: 20 },
      isRetryable: true,
      retryAfter: 2,
    })
  })

  it("of a plugin that identifies is not an open door", async () => {
    const house = createHouse({
      identify: false,
      prepare: (hooks) =>
        hooks.add("broken", "request:identify", () => {
          throw new Error("canary")
        }),
    })
    const answer = await house.call("POST", "/api/whatsapp/send", sent)
    expect([answer.status, answer.json.error.code]).toEqual([503, "PLUGIN_FAULT"])
    expect(answer.text).not.toContain("canary")
  })

  it("to be identified by anybody is a refusal", async () => {
    const answer = await createHouse({ identify: false }).call("POST", "/api/whatsapp/send", sent)
    expect([answer.status, answer.json.error.code]).toEqual([401, "UNAUTHORIZED"])
    expect(answer.headers.get("www-authenticate")).toBe("Bearer")
  })
})
