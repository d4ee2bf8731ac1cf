import { describe, expect, it } from "vitest"
import { createHouse } from "./harness.ts"

const path = "/api/whatsapp/send"
const rest = { phone: "79001234567", message: "Hi" }
const single = { multiTenant: false, defaultCompanyId: "962302" }

describe("In multi-tenant mode", () => {
  it.each([[{}], [{ companyId: null }], [{ companyId: "" }], [[]], ["text"], [7], [null]])(
    "a body that names no company is refused in the guide's words: %j",
    async (body) => {
      const sent = Array.isArray(body) || typeof body !== "object" || body === null ? body : { ...body, ...rest }
      const answer = await createHouse().call("POST", path, JSON.stringify(sent))
      expect(answer.status).toBe(400)
      expect(answer.json.error).toEqual({
        code: "COMPANY_ID_REQUIRED",
        message: "Company ID is required in multi-tenant mode",
        isRetryable: false,
      })
    },
  )

  const invalid: readonly unknown[] = [
    ...["companies", "performance", "timeseries", "rate", "alerts", "export", "reset", "all", "providers"],
    ...[".", "..", "__proto__", "constructor", "prototype", "hasownproperty", "tostring", "valueof"],
    ...["ALL", "Constructor", "hasOwnProperty", "toString", "valueOf", "__PROTO__"],
    ...["a".repeat(101), "a b", "a/b", "../a", "a\\b", "a:b", "a\u0000b", "a\nb", "é", "😀", "\ud800", "ａ"],
    ...[7, true, {}, [], ["a"], { toString: "a" }],
  ]
  it.each(invalid.map((id) => [id]))("the id %j is refused in the guide's words", async (companyId) => {
    const answer = await createHouse().call("POST", path, { companyId, ...rest })
    expect(answer.status).toBe(400)
    expect(answer.json.error).toEqual({
      code: "INVALID_COMPANY_ID",
      message: "Invalid company ID format",
      isRetryable: false,
    })
  })

  it.each(["a", "A-1_b", "962302", "a".repeat(100)])("the id %s is taken", async (companyId) => {
    const answer = await createHouse().call("POST", path, { companyId, ...rest })
    expect(answer.json.data.company).toBe(companyId)
  })

  it.each(["%2e%2e%2fetc", "a%2Fb", "all", "%00", "a%20b", "%zz", "x".repeat(20_000)])(
    "an id in a path meets the same rules: %s",
    async (id) => {
      const answer = await createHouse().call("GET", `/api/whatsapp/metrics/${id}`)
      expect([answer.status, answer.json.error.code]).toEqual([400, "INVALID_COMPANY_ID"])
    },
  )

  it("half a character is refused even when no pattern is: two such ids would share one name in storage", async () => {
    const { isCompanyId } = await import("../../core/http/company.ts")
    expect(isCompanyId("\ud800")).toBe(false)
    expect(isCompanyId("😀")).toBe(true)
  })

  it("path and body must name the same company", async () => {
    const house = createHouse()
    const call = (companyId: unknown) => house.call("POST", "/api/whatsapp/sessions/a/initialize", { companyId })
    expect((await call("a")).status).toBe(200)
    expect((await call(null)).status).toBe(200)
    expect((await call("b")).json.error.code).toBe("VALIDATION_ERROR")
    expect((await call(7)).status).toBe(400)
  })

  it("a query must not name another company than the path", async () => {
    const house = createHouse()
    expect((await house.call("GET", "/api/whatsapp/metrics/a?companyId=a")).status).toBe(200)
    expect((await house.call("GET", "/api/whatsapp/metrics/a?companyId=b")).status).toBe(400)
    expect((await house.call("GET", "/api/whatsapp/metrics/a?companyId=a&companyId=b")).status).toBe(400)
  })
})

describe("A company's own key", () => {
  const house = createHouse()
  const as = (method: string, where: string, body?: unknown) =>
    house.call(method, where, body, { "x-api-key": "company-a" })

  it("acts for its company", async () => {
    expect((await as("POST", path, { companyId: "a", ...rest })).status).toBe(200)
    expect((await as("GET", "/api/whatsapp/sessions?companyId=a")).status).toBe(200)
  })

  it("that names a foreign company in path, body or query gets 403", async () => {
    const foreign = [
      await as("GET", "/api/whatsapp/metrics/b"),
      await as("POST", path, { companyId: "b", ...rest }),
      await as("GET", "/api/whatsapp/sessions?companyId=b"),
      await as("POST", "/api/whatsapp/sessions/a/initialize", { companyId: "b" }),
      await as("POST", "/api/whatsapp/sessions/a/initialize?companyId=b"),
      await as("GET", "/api/whatsapp/sessions?companyId=a&companyId=b"),
    ]
    for (const { status, json } of foreign) expect([status, json.error.code]).toEqual([403, "FORBIDDEN"])
  })

  it("does not do what only the admin key may", async () => {
    expect((await as("GET", "/api/whatsapp/metrics/rate")).status).toBe(403)
  })
})

describe("In single-tenant mode", () => {
  const house = createHouse({ settings: single })

  it("a call that names no company is for the default one", async () => {
    for (const body of [rest, { companyId: null, ...rest }, { companyId: "", ...rest }]) {
      expect((await house.call("POST", path, body)).json.data.company).toBe("962302")
    }
  })

  it("naming the default company is fine, any other is 403", async () => {
    expect((await house.call("POST", path, { companyId: "962302", ...rest })).status).toBe(200)
    expect((await house.call("GET", "/api/whatsapp/metrics/962302")).status).toBe(200)
    expect((await house.call("POST", path, { companyId: "other", ...rest })).status).toBe(403)
    expect((await house.call("GET", "/api/whatsapp/metrics/other")).status).toBe(403)
    expect((await house.call("GET", "/api/whatsapp/sessions?companyId=other")).status).toBe(403)
    expect((await house.call("GET", "/api/whatsapp/metrics/962302?companyId=other")).status).toBe(403)
    expect((await house.call("POST", path, { companyId: "a b", ...rest })).status).toBe(400)
  })

  it("a default company that no call could name stops the start", () => {
    expect(() => createHouse({ settings: { multiTenant: false, defaultCompanyId: "all" } })).toThrow(
      /DEFAULT_COMPANY_ID/,
    )
  })
})
