import { type AppError, appError } from "../errors.ts"
import type { Hooks } from "../hooks.ts"
import type { Refusal } from "../refusal.ts"
import type { CompanyIn } from "../route.ts"
import type { Principal } from "../types.ts"

/** Which company a call is for. An id that passes here is safe to name storage with; patterns are a plugin's matter. */

export const MAX_COMPANY_ID = 100

/** Words that are routes or names every object has; refused in any case. */
const RESERVED = new Set([
  "companies",
  "performance",
  "timeseries",
  "rate",
  "alerts",
  "export",
  "reset",
  "all",
  "providers",
  ".",
  "..",
  "__proto__",
  "constructor",
  "prototype",
  "hasownproperty",
  "tostring",
  "valueof",
])

/** Control characters would reach logs and headers; lone surrogates all become one replacement character in UTF-8, so that two companies would share one name. */
const UNSPEAKABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u

/** True for a text that can be a company's id: 1–100 characters, not reserved, without control characters. */
export function isCompanyId(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length >= 1 &&
    value.length <= MAX_COMPANY_ID &&
    !RESERVED.has(value.toLowerCase()) &&
    !UNSPEAKABLE.test(value)
  )
}

/** Every place of a request where a company can be named, as it came. */
export interface Named {
  readonly path: unknown
  readonly body: unknown
  readonly query: readonly string[]
}

export interface CompanyRules {
  readonly multiTenant: boolean
  readonly defaultCompanyId?: string | undefined
  readonly hooks: Pick<Hooks, "guard">
}

/** `null` and the empty text count as left out. */
const isNamed = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

/**
 * The company that the place `where` names; the empty text for a route without one. Throws the refusals of a missing or
 * odd id, or rejects with them where a plugin takes its time to judge.
 */
export function resolveCompany(where: CompanyIn, named: Named, rules: CompanyRules): string | Promise<string> {
  if (where === "none") return ""
  const value = where === "query" ? named.query[0] : named[where]
  if (!isNamed(value)) {
    if (!rules.multiTenant && rules.defaultCompanyId !== undefined) return rules.defaultCompanyId
    throw appError("COMPANY_ID_REQUIRED")
  }
  if (!isCompanyId(value)) throw appError("INVALID_COMPANY_ID")
  // The operator's own word stands above patterns.
  if (!rules.multiTenant && value === rules.defaultCompanyId) return value
  const verdict = rules.hooks.guard("company:validate", { company: value })
  if (verdict instanceof Promise) return verdict.then((refusal) => passed(value, refusal))
  return passed(value, verdict)
}

function passed(company: string, refusal: Refusal | undefined): string {
  if (refusal !== undefined) throw refusal.error
  return company
}

/**
 * What stands against this caller acting for `company`, or undefined. A company's key, and single-tenant mode, know one
 * company alone: naming any other is refused, whether or not it exists.
 */
export function companyRefusal(
  company: string,
  named: Named,
  principal: Principal,
  rules: CompanyRules,
): AppError | undefined {
  const all = [company, named.path, named.body, ...named.query].filter(isNamed)
  const only = principal.company ?? (rules.multiTenant ? undefined : rules.defaultCompanyId)
  if (only !== undefined && all.some((value) => value !== only)) {
    if (principal.company !== undefined) return appError("FORBIDDEN")
    return appError("FORBIDDEN", { message: "In single-tenant mode only the default company may be named" })
  }
  if (company !== "" && all.some((value) => value !== company)) {
    const fault = {
      path: "companyId",
      code: "VALIDATION_ERROR",
      message: "Path, body and query must name the same company",
    }
    return appError("VALIDATION_ERROR", { message: "The call names two different companies", details: [fault] })
  }
  return undefined
}
