import { z } from "@hono/zod-openapi"
import { appError } from "../errors.ts"
import { jsonAnswer } from "../http/answer.ts"
import { companyId, companyIdField, companyParams, faultInfo, isoTime, success } from "../http/schemas.ts"
import { HIDDEN } from "../line/company-fields.ts"
import type { CompanyView } from "../line/company-settings.ts"
import { LONGEST_PROXY, PROXY_RULE, readProxy } from "../line/proxy-url.ts"
import type { Lines } from "../lines.ts"
import type { CompanyFields } from "../views.ts"
import { iso } from "../message/messages.ts"
import { type ApiRoute, defineRoute } from "../route.ts"

const tag = "Companies"
const path = "/api/whatsapp/companies/{companyId}"
const CONTROL = /\p{Cc}/u

const view = {
  companyId,
  name: z.string().nullable(),
  proxy: z.string().nullable().openapi({ description: "Its name and password are shown as `***`" }),
  storage: z.string().openapi({ description: "The store that holds the company's auth state" }),
  move: z
    .object({
      from: z.string(),
      to: z.string(),
      state: z.enum(["waiting", "copying", "removing", "undoing", "done", "failed"]),
      startedAt: isoTime,
      endedAt: isoTime.nullable(),
      copied: z.int().nullable().openapi({ description: "Records copied so far; null while none are being copied" }),
      total: z.int().nullable(),
      error: faultInfo.nullable(),
    })
    .nullable()
    .openapi({ description: "The last move of the auth state from store to store" }),
  provider: z.string(),
}

const NAME_RULE = "expected 1 to 200 characters, without control characters"

const change = {
  companyId: companyIdField,
  name: z
    .string({ error: NAME_RULE })
    .min(1, { error: NAME_RULE })
    .max(200, { error: NAME_RULE })
    .refine((text) => !CONTROL.test(text), { error: NAME_RULE })
    .nullish()
    .openapi({ description: "What people call the company" }),
  proxy: z
    .string({ error: PROXY_RULE })
    .max(LONGEST_PROXY, { error: PROXY_RULE })
    .refine((text) => readProxy(text) !== undefined, { error: PROXY_RULE })
    .nullish()
    .openapi({
      description: "The proxy through which the line reaches WhatsApp: an http, https or socks URL",
      example: "socks5://user:password@proxy.example:1080",
    }),
  storage: z.string({ error: "expected the name of a store" }).nullish().openapi({
    description: "The store that holds the auth state; another one moves it there, and the line stays linked",
  }),
  move: z.unknown().optional().openapi({ description: "Told in answers; so that an answer can be sent back" }),
  provider: z
    .string({ error: "expected a name" })
    .nullish()
    .openapi({ description: "Only the provider in force; others are not supported yet" }),
}

/** Promised, and declared by no plugin of this house. */
const PROMISED = ["rateLimit", "blockedNumbers", "webhookSecret", "retentionDays"] as const
const notYet = z.unknown().optional().openapi({ description: "Not supported yet" })

/** The view and the change of a company, with the settings that plugins declare. */
function schemasOf(fields: CompanyFields) {
  const missing = PROMISED.filter((name) => !Object.hasOwn(fields, name))
  const later = Object.fromEntries(missing.map((name) => [name, notYet]))
  const shown = Object.entries(fields).map(([name, { schema, secret, description }]) => {
    const field = secret === true ? z.literal(HIDDEN) : schema
    return [name, field.nullable().openapi({ description })] as const
  })
  const taken = Object.entries(fields).map(([name, { schema, secret, description }]) => {
    // What the plugin says of a value is worth more than that it is neither the one nor the other.
    const error = ({ errors }: { readonly errors?: unknown }): string | undefined => sentenceOf(errors)
    const field = secret === true ? z.union([z.literal(HIDDEN), schema], { error }) : schema
    return [name, field.nullish().openapi({ description })] as const
  })
  return {
    missing,
    view: z.object({ ...view, ...Object.fromEntries(shown) }).openapi("Company"),
    change: z.strictObject({ ...change, ...Object.fromEntries(taken), ...later }),
  }
}

/** The first sentence of the last of several schemas that a value does not fit. */
function sentenceOf(errors: unknown): string | undefined {
  const last: unknown = Array.isArray(errors) ? errors.at(-1) : undefined
  const [first] = Array.isArray(last) ? (last as readonly z.core.$ZodIssue[]) : []
  return first?.message
}

/** What a company is set to. */
export function companyRoutes({ companySettings, companyFields, naming }: Lines): readonly ApiRoute[] {
  const { missing, view: company, change: body } = schemasOf(companyFields)
  const notBuilt = (given: Readonly<Record<string, unknown>>): string | undefined => {
    const { provider } = given
    if (provider !== undefined && provider !== null && provider !== naming.provider) return "provider"
    return missing.find((field) => given[field] !== undefined && given[field] !== null)
  }

  const get = defineRoute(
    {
      method: "get",
      path,
      scope: "read",
      company: "path",
      summary: "A company's settings",
      tag,
      params: companyParams,
      responses: { 200: { description: "The company", schema: success(company) } },
      errors: ["NOT_FOUND"],
    },
    async ({ call }) => ({ success: true, data: companyJson(await companySettings.get(call.company)) }),
  )

  const put = defineRoute(
    {
      method: "put",
      path,
      scope: "admin",
      company: "path",
      summary: "Make a company, or change its settings",
      description:
        "A field that is left out stays as it is; `null` takes it away. Only the admin key makes a company. The proxy that a company's own key sets must have a public address; one that the admin key set is changed by that key alone. A line that is under way connects anew when its proxy has changed. Another `storage` moves the auth state there: sends queue meanwhile, and the old store stays in charge until the copy has been verified.",
      tag,
      params: companyParams,
      body,
      responses: {
        200: { description: "The company as it is now", schema: success(company) },
        201: { description: "The company has been made", schema: success(company) },
        202: { description: "The company is being moved to another store", schema: success(company) },
      },
      errors: ["NOT_SUPPORTED", "STORAGE_UNAVAILABLE", "STORE_OCCUPIED", "MOVE_UNDER_WAY"],
    },
    async ({ call, body: given }) => {
      const field = notBuilt(given)
      if (field !== undefined) {
        const message = `\`${field}\` cannot be set yet`
        throw appError("NOT_SUPPORTED", { message, details: [{ path: field, code: "NOT_SUPPORTED", message }] })
      }
      const { name, proxy, storage } = given
      const fields = Object.fromEntries(
        Object.keys(companyFields).map((key) => [key, (given as Readonly<Record<string, unknown>>)[key]]),
      )
      const put = await companySettings.put(call, { name, proxy, storage, fields })
      const status = put.made ? 201 : put.moving ? 202 : 200
      return jsonAnswer({ success: true, data: companyJson(put.view) }, status)
    },
  )

  return [get, put]
}

function companyJson({ move, fields, ...shown }: CompanyView): Record<string, unknown> {
  if (move === null) return { ...shown, move, ...fields }
  const { from, to, state, startedAt, endedAt, copied, total, error } = move
  const told = { from, to, state, startedAt: iso(startedAt), endedAt: iso(endedAt), copied, total, error }
  return { ...shown, move: told, ...fields }
}
