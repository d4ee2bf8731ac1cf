import { createHmac } from "node:crypto"
import fc from "fast-check"
import type { OwnedRoute } from "../../core/http/table.ts"
import { headerName, headerValue, odd } from "./hostile.ts"

/**
 * Requests that get far: to routes that are there, mostly with a key and with JSON of the fields that the documentation
 * names, whose values are what they should be, something odd, or anything.
 */
export interface Crafted {
  readonly route: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

export interface CraftedInput {
  readonly routes: readonly OwnedRoute[]
  /** The OpenAPI document. */
  readonly document: unknown
  /** Keys by weight; undefined for none. Whoever has a company's speaks of that company. */
  readonly keys: readonly CraftedKey[]
  readonly companies: readonly string[]
  readonly webhookSecret: string
}

export interface CraftedKey {
  readonly weight: number
  readonly key: string | undefined
  readonly company?: string
}

interface Operation {
  readonly name: string
  readonly method: string
  readonly template: string
  readonly query: readonly string[]
  readonly fields: readonly string[]
  readonly takesBody: boolean
  readonly types: readonly string[]
  readonly isOpen: boolean
}

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value)

/** Names of fields anywhere in a schema of the document. */
function fieldsOf(schema: unknown, document: unknown, depth = 0): string[] {
  if (depth > 8 || typeof schema !== "object" || schema === null) return []
  if (Array.isArray(schema)) return schema.flatMap((part) => fieldsOf(part, document, depth + 1))
  const { $ref, properties, ...rest } = schema as Json
  const own = isObject(properties) ? Object.keys(properties) : []
  const target = typeof $ref === "string" ? at(document, ...$ref.slice(2).split("/")) : undefined
  return [
    ...own,
    ...Object.values(isObject(properties) ? properties : {}).flatMap((part) => fieldsOf(part, document, depth + 1)),
    ...fieldsOf(target, document, depth + 1),
    ...Object.values(rest).flatMap((part) => fieldsOf(part, document, depth + 1)),
  ]
}

function operationOf({ route: { spec } }: OwnedRoute, document: unknown): Operation {
  const described = at(document, "paths", spec.path, spec.method)
  const content = at(described, "requestBody", "content")
  const query = Object.keys(spec.query?.shape ?? {})
  return {
    name: `${spec.method} ${spec.path}`,
    method: spec.method.toUpperCase(),
    template: spec.path,
    query,
    fields: [...new Set(fieldsOf(at(content, "application/json", "schema"), document))],
    takesBody: spec.body !== undefined,
    isOpen: spec.scope === "none",
    types: isObject(content) ? Object.keys(content) : [],
  }
}

const phone = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("79001234567", "+49 151 12345678", "5511987654321", "12025550123") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("79001234567@s.whatsapp.net", "4711@lid", "120363000000000001@g.us", "999", "0"),
  },
  { weight: 1, arbitrary: odd },
)
/** What a field of this name mostly holds. */
const usual: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  phone,
  to: phone,
  phoneNumber: phone,
  message: fc.oneof(fc.string({ maxLength: 40 }), odd),
  caption: fc.oneof(fc.string({ maxLength: 40 }), odd),
  type: fc.constantFrom(
    "text",
    "image",
    "video",
    "document",
    "location",
    "contact",
    "poll",
    "reaction",
    "edit",
    "delete",
    "message.send",
    "session.initialize",
  ),
  url: fc.webUrl(),
  mediaUrl: fc.constantFrom(
    "https://example.com/a.png",
    "http://127.0.0.1/",
    "http://[::1]:1/",
    "file:///etc/passwd",
    "javascript:1",
  ),
  messages: fc.array(fc.record({ phone, message: fc.string({ maxLength: 20 }) }), { maxLength: 5 }),
  data: fc.record({ phone, message: fc.string({ maxLength: 20 }) }, { requiredKeys: [] }),
  scopes: fc.subarray(["send", "read", "session", "admin"]),
  name: fc.string({ minLength: 1, maxLength: 20 }),
  proxy: fc.constantFrom("http://a:b@127.0.0.1:1", "socks5://proxy.example:1080", "x"),
  ttl: fc.integer({ min: -1, max: 1e9 }),
  usePairingCode: fc.boolean(),
  presence: fc.constantFrom("available", "composing", "paused"),
  numbers: fc.array(phone, { maxLength: 5 }),
  blockedNumbers: fc.array(phone, { maxLength: 5 }),
}

export function craftedRequests(input: CraftedInput): fc.Arbitrary<Crafted> {
  const operations = input.routes.map((route) => operationOf(route, input.document))
  const everyField = [...new Set(operations.flatMap(({ fields }) => fields)), "companyId"]
  const company = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...input.companies) }, { weight: 1, arbitrary: odd })
  const value = (field: string): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 6, arbitrary: field === "companyId" ? company : (usual[field] ?? fc.string({ maxLength: 30 })) },
      { weight: 1, arbitrary: odd },
      { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
      { weight: 1, arbitrary: fc.constantFrom<unknown>(null, true, 0, -1, 1e308, [], {}, "2026-01-01T00:00:00Z") },
    )
  const object = (fields: readonly string[]): fc.Arbitrary<unknown> =>
    fc.record(Object.fromEntries(fields.map((field) => [field, value(field)])), { requiredKeys: [] })
  const json = (fields: readonly string[]): fc.Arbitrary<string | Uint8Array> =>
    fc.oneof(
      { weight: 12, arbitrary: object(fields).map((made) => JSON.stringify(made)) },
      { weight: 3, arbitrary: object([...fields, ...everyField.slice(0, 12)]).map((made) => JSON.stringify(made)) },
      { weight: 1, arbitrary: fc.jsonValue().map((made) => JSON.stringify(made)) },
      { weight: 1, arbitrary: fc.oneof(odd, fc.uint8Array({ maxLength: 200 })) },
    )
  const segment = (name: string): fc.Arbitrary<string> =>
    (name === "companyId"
      ? company
      : fc.oneof(fc.uuid(), fc.constantFrom("index.css", "1", "a", "3EB0F00D00000000000001"), odd)
    ).map((text) => encodeURIComponent(text.replace(/\p{Cs}/gu, "�")) || "a")
  const part = fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), odd, phone)
  const key = fc.oneof(...input.keys.map((known) => ({ weight: known.weight, arbitrary: fc.constant(known) })))
  const withWords = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), headerValue, { maxKeys: 3 })
  const headers = fc.oneof(
    { weight: 6, arbitrary: fc.constant({}) },
    {
      weight: 3,
      arbitrary: withWords(["idempotency-key", "prefer", "accept", "x-request-id", "last-event-id", "cookie"]),
    },
    { weight: 1, arbitrary: fc.dictionary(headerName, headerValue, { maxKeys: 5 }) },
  )

  const weighed = operations.map((operation) => ({
    weight: operation.isOpen && !operation.takesBody ? 1 : 4,
    arbitrary: fc.constant(operation),
  }))
  return fc.oneof(...weighed).chain((operation) => {
    const names = [...operation.template.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? "")
    // A wait is not what this is about.
    const query = operation.query.filter((name) => name !== "wait")
    return fc
      .record({
        segments: fc.tuple(...names.map(segment)),
        query: fc.record(Object.fromEntries(query.map((name) => [name, part])), { requiredKeys: [] }),
        body: operation.takesBody ? json(operation.fields) : fc.option(json([]), { freq: 10, nil: undefined }),
        type: fc.oneof(
          { weight: 30, arbitrary: fc.constant("application/json") },
          { weight: 2, arbitrary: fc.constantFrom(...operation.types, "text/plain") },
        ),
        method: fc.oneof(
          { weight: 30, arbitrary: fc.constant(operation.method) },
          { weight: 1, arbitrary: fc.constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PROPFIND") },
        ),
        key,
        headers,
        signed: fc.constantFrom("hub", "standard", "wrong", "none"),
      })
      .map((made): Crafted => {
        let next = 0
        const { company: own } = made.key
        // Its company would be gone, and the key with it, for all that follow.
        const isTheEnd = made.method === "DELETE" && operation.template.endsWith("/companies/{companyId}")
        const mine = (text: string): string =>
          own === undefined || isTheEnd
            ? text
            : input.companies.reduce((left, name) => left.replaceAll(name, own), text)
        const path = mine(operation.template.replace(/\{[^}]*\}/g, () => made.segments[next++] ?? "a"))
        const text = new URLSearchParams(made.query as Record<string, string>).toString()
        const hasBody = made.method !== "GET" && made.method !== "HEAD"
        const given = hasBody ? made.body : undefined
        const body = typeof given === "string" ? mine(given) : given
        return {
          route: operation.name,
          method: made.method,
          path: text === "" ? path : `${path}?${text}`,
          body,
          headers: {
            ...(body === undefined ? {} : { "content-type": made.type }),
            ...(made.key.key === undefined ? {} : { "x-api-key": made.key.key }),
            ...(operation.template.includes("/webhooks/") && body !== undefined
              ? signature(made.signed, body, input.webhookSecret)
              : {}),
            ...made.headers,
          },
        }
      })
  })
}

/** What a sender of webhooks puts in front of its body. */
function signature(how: string, body: string | Uint8Array, secret: string): Record<string, string> {
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body)
  const key = how === "wrong" ? "not-the-secret-of-anybody" : secret
  if (how === "none") return {}
  if (how === "hub") return { "x-hub-signature-256": `sha256=${createHmac("sha256", key).update(bytes).digest("hex")}` }
  const id = `msg_${createHmac("sha256", "id").update(bytes).digest("hex").slice(0, 24)}`
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytes).digest("base64")
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${mac}` }
}

export function toCraftedRequest({ method, path, headers, body }: Crafted): Request {
  return new Request(`http://localhost${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: body as BodyInit }),
  })
}
