import { type PluginContext, z } from "../../core/plugin.ts"
import type { KnownKeys } from "./known-keys.ts"
import { isExpired, MOST_KEYS, SCOPES, type StoredKey } from "./stored-keys.ts"

const PATH = "/api/whatsapp/companies/{companyId}/keys"
const tag = "Keys"

const LONGEST_NAME = 100
const NAME_RULE = `expected 1 to ${LONGEST_NAME} characters, without control characters`
const SCOPES_RULE = `expected some of ${SCOPES.join(", ")}`
const TIME_RULE = "expected a time such as 2027-01-31T09:30:00Z"
const LIMIT_RULE = "expected a whole number from 1 to 200"
const CURSOR = /^\d{15}\.[a-z0-9]{10}$/

const companyId = z.string().openapi({ description: "The company the key is for", example: "company-123" })
const keyId = z.string().openapi({ description: "The part of the key that is no secret", example: "k3f9a0c2xz" })
const time = z.iso.datetime()
const name = z
  .string({ error: NAME_RULE })
  .min(1, { error: NAME_RULE })
  .max(LONGEST_NAME, { error: NAME_RULE })
  .refine((text) => !/\p{Cc}/u.test(text), { error: NAME_RULE })

const shownKey = z
  .object({
    keyId,
    companyId,
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    state: z.enum(["active", "expired"]),
    createdAt: time,
    expiresAt: time.nullable(),
    lastUsedAt: time.nullable().openapi({ description: "Exact to the hour over a restart" }),
  })
  .openapi("ApiKey")
const madeKey = shownKey.extend({
  key: z.string().openapi({ description: "The key itself: shown now and never again", example: "wak_k3f9a0c2xz_…" }),
})

type Context = PluginContext<
  unknown,
  "TOO_MANY_KEYS" | "FORBIDDEN" | "NOT_FOUND" | "VALIDATION_ERROR" | "STORAGE_UNAVAILABLE"
>

/** Making, listing and revoking the keys of a company. */
export function mountKeyRoutes(keys: KnownKeys, { route, reject, clock, companies }: Context): void {
  const shown = (company: string, { keyId: id, record }: StoredKey) => {
    const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())
    const { name: called, scopes, createdAt, expiresAt } = record
    return {
      keyId: id,
      companyId: company,
      name: called,
      scopes,
      state: isExpired(record, clock.now()) ? "expired" : "active",
      createdAt: iso(createdAt),
      expiresAt: iso(expiresAt),
      lastUsedAt: iso(keys.usedAt(id, record)),
    }
  }

  const expiresAt = z.iso
    .datetime({ offset: true, error: TIME_RULE })
    .transform((text) => Date.parse(text))
    .refine((at) => at > clock.now(), { error: "expected a time to come" })
    .nullish()
    .openapi({ type: "string", format: "date-time", description: "When it ends; without it the key does not end" })

  route({
    spec: {
      method: "post",
      path: PATH,
      scope: "admin",
      company: "path",
      summary: "Make a key of a company",
      description:
        `The key is shown in this answer and nowhere else. \`admin\` opens all that the other scopes open. A company has at most ${MOST_KEYS} keys. ` +
        "With the admin key, the first key makes the company.",
      tag,
      params: z.object({ companyId }),
      body: z.strictObject({
        companyId: z.string().nullish(),
        name: name.openapi({ description: "What it is for", example: "shop backend" }),
        scopes: z
          .array(z.enum(SCOPES, { error: SCOPES_RULE }), { error: SCOPES_RULE })
          .min(1, { error: SCOPES_RULE })
          .max(SCOPES.length, { error: SCOPES_RULE }),
        expiresAt,
      }),
      responses: { 201: { description: "The key", schema: z.object({ success: z.literal(true), data: madeKey }) } },
      errors: ["TOO_MANY_KEYS", "STORAGE_UNAVAILABLE"],
    },
    async handle({ call, principal, body }) {
      const scopes = SCOPES.filter((scope) => body.scopes.includes(scope))
      const missing = scopes.filter((scope) => !principal.scopes.has(scope))
      if (missing.length > 0) {
        return reject("FORBIDDEN", {
          message: "A key cannot hand out more than it may do itself",
          details: { scopes: missing },
        })
      }
      const made = await keys.create(call, { name: body.name, scopes, expiresAt: body.expiresAt ?? null })
      if (made === undefined) return reject("TOO_MANY_KEYS")
      const data = { ...shown(call.company, made), key: made.text }
      return Response.json({ success: true, data }, { status: 201 })
    },
  })

  route({
    spec: {
      method: "get",
      path: PATH,
      scope: "admin",
      company: "path",
      summary: "The keys of a company",
      description: "Oldest first; what opens with them is never shown again.",
      tag,
      params: z.object({ companyId }),
      query: z.object({
        limit: z.coerce
          .number({ error: LIMIT_RULE })
          .int({ error: LIMIT_RULE })
          .min(1, { error: LIMIT_RULE })
          .max(200, { error: LIMIT_RULE })
          .default(50)
          .openapi({ description: "How many items one page holds" }),
        cursor: z
          .string()
          .regex(CURSOR, { error: "expected `nextCursor` of the page before" })
          .optional()
          .openapi({ description: "`nextCursor` of the page before" }),
      }),
      responses: {
        200: {
          description: "The keys",
          schema: z.object({ success: z.literal(true), data: z.array(shownKey), nextCursor: z.string().nullable() }),
        },
      },
      errors: ["NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async handle({ call: { company }, query: { limit, cursor } }) {
      if (!(await companies.exists(company))) return reject("NOT_FOUND", { message: "This company does not exist" })
      const all = await keys.list(company)
      const rest = cursor === undefined ? all : all.filter((key) => cursorOf(key) > cursor)
      const page = rest.slice(0, limit)
      const last = page.at(-1)
      return {
        success: true,
        data: page.map((key) => shown(company, key)),
        nextCursor: last === undefined || rest.length <= limit ? null : cursorOf(last),
      }
    },
  })

  route({
    spec: {
      method: "delete",
      path: `${PATH}/{keyId}`,
      scope: "admin",
      company: "path",
      summary: "Revoke a key",
      description: "It counts no more as soon as this is answered. A key may revoke itself.",
      tag,
      params: z.object({ companyId, keyId }),
      responses: {
        200: {
          description: "It is gone",
          schema: z.object({
            success: z.literal(true),
            data: z.object({ keyId, companyId, revoked: z.literal(true) }),
          }),
        },
      },
      errors: ["NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async handle({ call: { company }, params: { keyId: id } }) {
      if (!(await keys.remove(company, id))) return reject("NOT_FOUND")
      return { success: true, data: { keyId: id, companyId: company, revoked: true } }
    },
  })
}

/** Where a key stands in the list. */
function cursorOf({ keyId: id, record }: StoredKey): string {
  return `${String(record.createdAt).padStart(15, "0")}.${id}`
}
