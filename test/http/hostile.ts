import fc from "fast-check"

/** What somebody who means harm, or a broken program, may send. */

/** Ids, phones and texts that nobody should send. */
export const odd = fc.oneof(
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
/** Bodies: JSON of odd shapes, and what is none. */
export const json = fc.oneof(
  fc.json({ maxDepth: 6 }),
  fc.jsonValue({ maxDepth: 40 }).map((value) => JSON.stringify(value)),
  fc
    .record({ companyId: fc.oneof(odd, fc.jsonValue()), phone: fc.oneof(odd, fc.jsonValue()), message: fc.jsonValue() })
    .map((value) => JSON.stringify(value)),
  fc.constantFrom(`{"companyId":"a","message":"${"x".repeat(5_000)}"}`),
  fc.nat(60).map((levels) => "[".repeat(levels) + "]".repeat(levels)),
  odd,
)
export const headerName = fc.constantFrom(
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
export const headerValue = fc.oneof(
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

export interface Hostile {
  readonly method: string
  readonly path: string
  readonly body: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly keyed: boolean
}

/** Requests to these paths, whose parameters (`{name}`) are filled with odd things. */
export function hostileRequests(templates: readonly string[]): fc.Arbitrary<Hostile> {
  const path = fc
    .record({
      template: fc.constantFrom(...templates),
      fill: fc.array(odd, { minLength: 3, maxLength: 3 }),
      query: fc.option(odd),
    })
    .map(({ template, fill, query }) => {
      let at = 0
      const filled = template.replace(/\{[^}]*\}/g, () => encodeURIComponent(wellFormed(fill[at++] ?? "")) || "a")
      if (query === null) return filled
      const text = encodeURIComponent(wellFormed(query))
      return `${filled}?limit=${text}&cursor=%zz&wait=x${text}&after=${text}&phone=${text}&__proto__=1&constructor=2`
    })
  return fc.record({
    method: fc.constantFrom("GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"),
    path,
    body: fc.oneof(json, fc.uint8Array({ maxLength: 200 })),
    headers: fc.dictionary(headerName, headerValue, { maxKeys: 5 }),
    keyed: fc.boolean(),
  })
}

export function toRequest({ method, path, body, headers, keyed }: Hostile): Request {
  const withBody = method !== "GET" && method !== "HEAD"
  return new Request(`http://localhost${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(keyed ? { "x-api-key": "admin", host: "localhost" } : {}),
      ...headers,
    },
    ...(withBody ? { body: body as BodyInit } : {}),
  })
}

const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, "\uFFFD")
function isHeader(text: string): boolean {
  try {
    return new Headers({ a: text }).has("a")
  } catch {
    return false
  }
}
