import { z } from "@hono/zod-openapi"
import { EXPORT_TYPE } from "../company/export-format.ts"
import { appError } from "../errors.ts"
import { jsonAnswer } from "../http/answer.ts"
import { companyId, companyParams, isoTime, pageQuery, sessionState, success, successPage } from "../http/schemas.ts"
import type { Lines } from "../lines.ts"
import { iso } from "../message/messages.ts"
import { type ApiRoute, defineRoute } from "../route.ts"

const tag = "Companies"
const base = "/api/whatsapp/companies"
const one = `${base}/{companyId}`

const entry = z
  .object({
    companyId,
    name: z.string().nullable(),
    storage: z.string(),
    provider: z.string(),
    status: sessionState,
    lastActivity: isoTime.nullable(),
  })
  .openapi("CompanyEntry")

const TRUTH = "expected true or false"
const flag = z
  .enum(["true", "false"], { error: TRUTH })
  .default("false")
  .transform((text) => text === "true")

/** Which companies there are, all that one has, and its end. */
export function companyDataRoutes({ companyData, companySettings }: Lines): readonly ApiRoute[] {
  const { exporter, erasure } = companyData

  const list = defineRoute(
    {
      method: "get",
      path: base,
      scope: "read",
      company: "none",
      summary: "All companies",
      description: "A company's key sees its own company.",
      tag,
      query: pageQuery,
      responses: { 200: { description: "Companies in the order of their ids", schema: successPage(entry) } },
    },
    async ({ principal, query }) => {
      const { companies, next } = await companyData.list({
        only: principal.company,
        after: query.cursor,
        limit: query.limit,
      })
      const data = companies.map((company) => ({ ...company, lastActivity: iso(company.lastActivity) }))
      return { success: true, data, nextCursor: next }
    },
  )

  const dump = defineRoute(
    {
      method: "get",
      path: `${one}/export`,
      scope: "admin",
      company: "path",
      summary: "Everything a company has, as JSON lines",
      description:
        "The first line says what it is, the last one counts the others and has the SHA-256 of every byte before it: an export without it was cut off. " +
        "Credentials and the password of a proxy are part of it only with `credentials=true`, for the admin key; the line rests for a moment then. " +
        "The event log notes each export.",
      tag,
      params: companyParams,
      query: z.object({
        credentials: flag.openapi({
          type: "string",
          enum: ["true", "false"],
          description: "With the auth state: whoever has it can be this line",
        }),
      }),
      responses: { 200: { description: "The lines", schema: z.string(), contentType: EXPORT_TYPE } },
      errors: ["NOT_FOUND", "STORAGE_UNAVAILABLE", "SESSION_OWNED_ELSEWHERE"],
    },
    async ({ call, principal, query }) => {
      if (query.credentials && !principal.scopes.has("operator")) {
        throw appError("FORBIDDEN", { message: "Only the admin key exports credentials" })
      }
      if (!(await companySettings.exists(call.company))) {
        throw appError("NOT_FOUND", { message: "This company does not exist" })
      }
      const body = await exporter.open(call, query)
      return new Response(body, {
        headers: {
          "content-type": EXPORT_TYPE,
          "content-disposition": `attachment; filename*=UTF-8''${fileName(call.company)}`,
          "cache-control": "no-store",
          // Proxies that gather answers would hold it back.
          "x-accel-buffering": "no",
        },
      })
    },
  )

  const erase = defineRoute(
    {
      method: "delete",
      path: one,
      scope: "admin",
      company: "path",
      summary: "Erase everything a company ever had",
      description:
        "Logs out at WhatsApp if the line is connected, and erases the auth state, messages, outbox, events and settings. " +
        "A store that cannot be reached is erased as soon as it is back; until then the company cannot begin anew.",
      tag,
      params: companyParams,
      responses: {
        200: {
          description: "It is gone",
          schema: success(z.object({ companyId, erased: z.literal(true), unlinked: z.boolean() })),
        },
        202: {
          description: "It is gone but for what is in stores that cannot be reached now",
          schema: success(
            z.object({ companyId, erased: z.literal(false), unlinked: z.boolean(), pending: z.array(z.string()) }),
          ),
        },
      },
      errors: ["NOT_FOUND", "MOVE_UNDER_WAY", "SESSION_OWNED_ELSEWHERE", "STORAGE_UNAVAILABLE"],
    },
    async ({ call }) => {
      const { unlinked, pending } = await erasure.erase(call)
      const data = { companyId: call.company, erased: pending.length === 0, unlinked }
      if (pending.length === 0) return { success: true, data }
      return jsonAnswer({ success: true, data: { ...data, pending } }, 202)
    },
  )

  return [list, dump, erase]
}

/** Ids are almost any text; here all but letters, digits, `_` and `-` are written as `%hh`. */
function fileName(company: string): string {
  const text = encodeURIComponent(company).replace(/[!'()*.~]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
  return `${text}.ndjson`
}
