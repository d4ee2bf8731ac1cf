import { describe, expect, it } from "vitest"
import { createHouse } from "./harness.ts"

const path = "/api/whatsapp/send"
const good = { companyId: "a", phone: "79001234567", message: "Hi" }

describe("Of everything that is wrong with a call, the first of these is said", () => {
  const house = createHouse({ settings: { bodyLimit: 200 } })
  const call = (body: unknown, headers: Record<string, string>) => house.call("POST", path, body, headers)
  const long = `{"companyId":"all","phone":7,"x":"${"x".repeat(300)}`

  it("413, whatever the type, the key and the JSON", async () => {
    const answer = await call(long, { "content-type": "text/plain", "x-api-key": "wrong" })
    expect([answer.status, answer.json.error.code]).toEqual([413, "PAYLOAD_TOO_LARGE"])
  })

  it.each([
    ["a text", "text/plain"],
    ["a form", "application/x-www-form-urlencoded"],
    ["JSON of another kind", "application/problem+json"],
    ["JSON in another alphabet", "application/json; charset=utf-16"],
    ["a list of types", "application/json, text/plain"],
    ["nothing", ""],
  ])("415 for a body that comes as %s, whatever the key", async (_, type) => {
    for (const key of ["wrong", "admin"]) {
      const answer = await call("{", { "content-type": type, "x-api-key": key })
      expect([answer.status, answer.json.error.code]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"])
    }
  })

  it("415 for a compressed body", async () => {
    expect((await call(good, { "content-encoding": "gzip" })).status).toBe(415)
  })

  it.each([
    "application/json",
    "Application/JSON ; charset=UTF-8",
    'application/json;charset="utf-8"',
    "application/json;",
  ])("and not 415 for %s", async (type) => {
    expect((await call(good, { "content-type": type })).status).toBe(200)
  })

  it("401, whatever the JSON", async () => {
    const answer = await call('{"companyId":', { "x-api-key": "wrong" })
    expect([answer.status, answer.json.error.code]).toEqual([401, "UNAUTHORIZED"])
  })

  it("400 for the JSON, whatever the scope", async () => {
    const answer = await call('{"companyId":"b"', { "x-api-key": "reader-a" })
    expect([answer.status, answer.json.error.code]).toEqual([400, "INVALID_JSON"])
  })

  it("the company, alone, whatever the scope and the other fields", async () => {
    const missing = await call({ phone: 7 }, { "x-api-key": "reader-a" })
    expect([missing.status, missing.json.error.code]).toEqual([400, "COMPANY_ID_REQUIRED"])
    expect(missing.json.error.details).toBeUndefined()
    const odd = await call({ companyId: "a b", phone: 7 }, { "x-api-key": "reader-a" })
    expect([odd.status, odd.json.error.code, odd.json.error.details]).toEqual([400, "INVALID_COMPANY_ID", undefined])
  })

  it("403, whatever the other fields", async () => {
    const scope = await call({ companyId: "a", phone: 7 }, { "x-api-key": "reader-a" })
    expect([scope.status, scope.json.error.code]).toEqual([403, "FORBIDDEN"])
    const foreign = await call({ companyId: "b", phone: 7 }, { "x-api-key": "company-a" })
    expect([foreign.status, foreign.json.error.code]).toEqual([403, "FORBIDDEN"])
  })

  it("the rest: several faults together, each by name", async () => {
    const answer = await call({ companyId: "a", phone: 7, message: "" }, {})
    expect([answer.status, answer.json.error.code]).toEqual([400, "VALIDATION_ERROR"])
    expect(answer.json.error.details.map(({ path, code }) => [path, code])).toEqual([
      ["phone", "INVALID_PHONE"],
      ["message", "INVALID_MESSAGE"],
    ])
  })

  it("the rest: one fault under its own code", async () => {
    const answer = await call({ companyId: "a", phone: "7", message: "" }, {})
    expect([answer.status, answer.json.error.code]).toEqual([400, "INVALID_MESSAGE"])
  })

  it("nothing, when nothing is wrong", async () => {
    expect((await call(good, {})).status).toBe(200)
  })
})

describe("Faults of fields", () => {
  it("of path, query and body come back together", async () => {
    const answer = await createHouse().call("GET", "/api/whatsapp/sessions?limit=0&cursor=")
    expect(answer.json.error.details.map(({ path }) => path)).toEqual(["limit", "cursor"])
  })

  it.each(["0", "201", "1.5", "-1", "abc", "", "NaN", "1e9"])("name a limit of %s", async (limit) => {
    const answer = await createHouse().call("GET", `/api/whatsapp/sessions?limit=${limit}`)
    expect(answer.json.error).toMatchObject({
      code: "VALIDATION_ERROR",
      details: [{ path: "limit", message: "expected a whole number from 1 to 200" }],
    })
  })

  it("do not arise from a limit within bounds, nor from none", async () => {
    const house = createHouse()
    expect((await house.call("GET", "/api/whatsapp/sessions")).json.data.query).toEqual({ limit: 50 })
    expect((await house.call("GET", "/api/whatsapp/sessions?limit=200")).json.data.query).toEqual({ limit: 200 })
  })

  it("never repeat what was sent", async () => {
    const body = { companyId: "a", phone: ["canary"], message: { canary: "canary" }, canary: 1 }
    const answer = await createHouse().call("POST", path, body, { "x-canary": "canary" })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain("canary")
  })
})
