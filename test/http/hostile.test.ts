import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createHouse, type House, read } from "./harness.ts"

/** Fixed, so that a failure can be seen again. */
const SEED = 20_261_122
const RUNS = 1_000

const odd = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.constantFrom(
    "",
    "\u0000",
    "\ud800",
    "__proto__",
    "../../etc/passwd",
    "%00",
    "𝟙𝟚𝟛",
    "١٢٣",
    "a".repeat(5_000),
    "${7*7}",
  ),
  fc.constantFrom(
    "'; DROP TABLE companies;--",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "\u202e79001234567",
  ),
)
const json = fc.oneof(
  fc.json({ maxDepth: 6 }),
  fc.jsonValue({ maxDepth: 40 }).map((value) => JSON.stringify(value)),
  fc
    .record({ companyId: fc.oneof(odd, fc.jsonValue()), phone: fc.oneof(odd, fc.jsonValue()), message: fc.jsonValue() })
    .map((value) => JSON.stringify(value)),
  fc.constantFrom(`{"companyId":"a","message":"${"x".repeat(5_000)}"}`),
  fc.nat(60).map((levels) => "[".repeat(levels) + "]".repeat(levels)),
  odd,
)
const headerName = fc.constantFrom(
  ...["x-request-id", "content-type", "content-length", "authorization", "x-api-key", "x-forwarded-for", "forwarded"],
  ...[
    "host",
    "origin",
    "cookie",
    "accept",
    "prefer",
    "idempotency-key",
    "content-encoding",
    "transfer-encoding",
    "via",
  ],
)
const headerValue = fc.oneof(
  fc.string({ maxLength: 200 }).filter((text) => isHeader(text)),
  fc.constantFrom(
    "-1",
    "1e9",
    "99999999999999999999",
    "application/json",
    "text/plain",
    "gzip",
    "chunked",
    "Bearer ",
    "*/*",
  ),
)
const where = fc.oneof(
  fc.constantFrom("/api/whatsapp/send", "/api/whatsapp/sessions", "/open", "/api/whatsapp/metrics/rate", "/"),
  odd.map((id) => `/api/whatsapp/metrics/${encodeURIComponent(wellFormed(id))}`),
  odd.map((id) => `/api/whatsapp/sessions/${encodeURIComponent(wellFormed(id))}/initialize`),
  odd.map((query) => `/api/whatsapp/sessions?limit=${encodeURIComponent(wellFormed(query))}&cursor=%zz&__proto__=1`),
)
const request = fc.record({
  method: fc.constantFrom("GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"),
  where,
  body: fc.oneof(json, fc.uint8Array({ maxLength: 200 })),
  headers: fc.dictionary(headerName, headerValue, { maxKeys: 5 }),
  keyed: fc.boolean(),
})

const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, "\uFFFD")
function isHeader(text: string): boolean {
  try {
    return new Headers({ a: text }).has("a")
  } catch {
    return false
  }
}

type Hostile = typeof request extends fc.Arbitrary<infer T> ? T : never

function send(house: House, { method, where: path, body, headers, keyed }: Hostile): Promise<Response> {
  const withBody = method !== "GET" && method !== "HEAD"
  return house.http.fetch(
    new Request(`http://localhost${path}`, {
      method,
      headers: { "content-type": "application/json", ...(keyed ? { "x-api-key": "admin" } : {}), ...headers },
      ...(withBody ? { body: body as BodyInit } : {}),
    }),
    { remoteAddress: "127.0.0.1" },
  )
}

describe("A thousand hostile requests", () => {
  it("get answers that are no fault of ours, each failure in the one shape", async () => {
    const house = createHouse({ settings: { bodyLimit: 4_000 } })
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(request, async (hostile) => {
        const answer = await read(await send(house, hostile))
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        expect(answer.status).toBeLessThan(500)
        expect(answer.headers.get("x-request-id")).toMatch(/^[A-Za-z0-9_.:-]{1,128}$/)
        if (answer.status < 400 || hostile.method === "HEAD") return
        expect(Object.keys(answer.json).sort()).toEqual(["error", "requestId", "success"])
        expect(answer.json.success).toBe(false)
        expect(answer.json.error.code).toMatch(/^[A-Z_]+$/)
        expect(typeof answer.json.error.message).toBe("string")
        expect(typeof answer.json.error.isRetryable).toBe("boolean")
      }),
      { numRuns: RUNS, seed: SEED },
    )
    // The requests reach every stage, or the run has shown nothing.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 404, 413, 415]))
    expect(house.log.lines.filter(({ level }) => level === "error")).toEqual([])
  })
})
