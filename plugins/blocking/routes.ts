import { type PluginContext, type Refusal, z } from "../../core/plugin.ts"
import type { CompanyList } from "./company-list.ts"
import { MOST_ENTRIES, readNumbers } from "./listing.ts"
import { readNumber } from "./numbers.ts"

export type Context = Pick<
  PluginContext<unknown, "NOT_FOUND" | "INVALID_PHONE" | "VALIDATION_ERROR">,
  "route" | "reject" | "clock"
>

export const PATH = "/api/whatsapp/companies/{companyId}/blocklist"
export const tag = "Blocklist"
export const params = z.object({
  companyId: z.string().openapi({ description: "The company the call is for", example: "company-123" }),
})
export const total = z.int().openapi({ description: "Numbers on the list afterwards" })
export const ok = <T extends z.ZodType>(data: T) => z.object({ success: z.literal(true), data })

/** What one call takes; more go through the import. */
const MOST_AT_ONCE = 1_000
/** Faults named in one answer: nobody mends more of them by hand. */
export const MOST_FAULTS = 100

const PAGE = "expected a whole number from 1 to 200"
const page = z.object({
  limit: z.coerce
    .number({ error: PAGE })
    .int({ error: PAGE })
    .min(1, { error: PAGE })
    .max(200, { error: PAGE })
    .default(50)
    .openapi({ description: "How many items one page holds" }),
  cursor: z.string().min(1).max(64).optional().openapi({ description: "`nextCursor` of the page before" }),
})

const entry = z.object({
  number: z.string().openapi({ description: "As it stands on the list", example: "79001234567" }),
  phone: z.string().nullable(),
  lid: z.string().nullable(),
})

const added = z.object({
  added: z.int(),
  duplicates: z.int().openapi({ description: "On the list already, or given twice, in whatever spelling" }),
  total,
})

const given = z.looseObject({
  phone: z.unknown().optional().openapi({ type: "string", example: "+79001234567" }),
  numbers: z
    .array(z.unknown(), { error: "expected a list of numbers" })
    .min(1, { error: "expected at least one number" })
    .max(MOST_AT_ONCE, { error: `expected at most ${MOST_AT_ONCE} numbers; more go through /blocklist/import` })
    .optional()
    .openapi({ type: "array", items: { type: "string" } }),
})

/** The list of a company's own: read, added to, taken from. */
export function mountBlocklist({ route, reject }: Context, list: CompanyList): void {
  route({
    spec: {
      method: "get",
      path: PATH,
      scope: "admin",
      company: "path",
      summary: "The company's blocklist",
      description: "Sorted by number. What the operator has blocked for all companies is not listed.",
      tag,
      params,
      query: page,
      responses: {
        200: {
          description: "One page",
          schema: z.object({
            success: z.literal(true),
            data: z.array(entry),
            nextCursor: z.string().nullable().openapi({ description: "Asks for the next page; null on the last" }),
          }),
        },
      },
      errors: ["NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async handle({ call, query: { limit, cursor } }) {
      if (!(await list.exists(call.company))) return unknownCompany(reject)
      const left = (await list.entries(call.company)).filter((one) => cursor === undefined || one > cursor).sort()
      const data = left.slice(0, limit)
      return { success: true, data: data.map(shown), nextCursor: left.length > limit ? data.at(-1) : null }
    },
  })

  route({
    spec: {
      method: "post",
      path: PATH,
      scope: "admin",
      company: "path",
      summary: "Block numbers",
      description: `One in \`phone\`, or up to ${MOST_AT_ONCE} in \`numbers\`: all of them, or none when one is wrong.`,
      tag,
      params,
      body: given,
      bodyOptional: false,
      responses: { 200: { description: "They are on the list", schema: ok(added) } },
      errors: ["INVALID_PHONE", "NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async handle({ call, body: { phone, numbers } }) {
      if ((phone === undefined) === (numbers === undefined)) {
        const message = "Give either `phone` or `numbers`"
        return reject("VALIDATION_ERROR", { details: [{ path: "phone", code: "VALIDATION_ERROR", message }] })
      }
      const read = readNumbers(numbers ?? [phone])
      if (read.bad.length > 0) {
        const path = (line: number): string => (numbers === undefined ? "phone" : `numbers.${line - 1}`)
        const faults = read.bad.map(({ line, message }) => ({ path: path(line), code: "INVALID_PHONE", message }))
        const code = faults.length === 1 ? "INVALID_PHONE" : "VALIDATION_ERROR"
        return reject(code, { details: faults.slice(0, MOST_FAULTS) })
      }
      if (!(await list.exists(call.company))) return unknownCompany(reject)
      const data = await list.add(call, read, false)
      return data === undefined ? overfull(reject) : { success: true, data }
    },
  })

  route({
    spec: {
      method: "delete",
      path: `${PATH}/{phone}`,
      scope: "admin",
      company: "path",
      summary: "Unblock a number",
      description: "In any spelling. What the operator has blocked for all companies stays blocked.",
      tag,
      params: params.extend({
        phone: z
          .string()
          .openapi({ description: "A phone in international spelling, or an id", example: "79001234567" }),
      }),
      responses: { 200: { description: "It is off the list", schema: ok(z.object({ removed: z.int(), total })) } },
      errors: ["INVALID_PHONE", "NOT_FOUND", "STORAGE_UNAVAILABLE"],
    },
    async handle({ call, params: { phone } }) {
      const read = readNumber(phone)
      if ("fault" in read) {
        return reject("INVALID_PHONE", { details: [{ path: "phone", code: "INVALID_PHONE", message: read.fault }] })
      }
      if (!(await list.exists(call.company))) return unknownCompany(reject)
      const data = await list.remove(call, read.entry)
      if (data.removed > 0) return { success: true, data }
      return reject("NOT_FOUND", { message: "This number is not on the company's list" })
    },
  })
}

export function unknownCompany(reject: Context["reject"]): Refusal {
  return reject("NOT_FOUND", { message: "This company does not exist" })
}

export function overfull(reject: Context["reject"]): Refusal {
  const message = `A blocklist holds at most ${MOST_ENTRIES} numbers; nothing was added`
  return reject("VALIDATION_ERROR", { message })
}

function shown(one: string) {
  const lid = one.endsWith("@lid") ? one.slice(0, -"@lid".length) : null
  return { number: one, phone: lid === null ? one : null, lid }
}
