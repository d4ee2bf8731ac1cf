import type { z } from "@hono/zod-openapi"
import type { Fault } from "../refusal.ts"

/** Fields whose fault has a code of its own, wherever they stand. */
const CODE_BY_FIELD: Readonly<Record<string, string>> = {
  companyId: "INVALID_COMPANY_ID",
  phone: "INVALID_PHONE",
  phoneNumber: "INVALID_PHONE",
  to: "INVALID_PHONE",
  message: "INVALID_MESSAGE",
  mediaUrl: "INVALID_MEDIA_URL",
}

/** A caller's own keys can stand in a path; only what looks like a field's name, and not like a number of a phone, is repeated. */
const FIELD = /^(?!.*\d{5})[A-Za-z0-9_-]{1,64}$/

/** What a failed check says, in the shape of an answer's `details`. One fault per field; never an echo of the input. */
export function faultsOf(error: z.core.$ZodError): Fault[] {
  const byPath = new Map<string, Fault>()
  for (const issue of error.issues) {
    const path = issue.path.map((part) => (FIELD.test(String(part)) ? String(part) : "*")).join(".")
    if (byPath.has(path)) continue
    const last = issue.path.findLast((part) => typeof part === "string")
    const code =
      (typeof last === "string" && Object.hasOwn(CODE_BY_FIELD, last) && CODE_BY_FIELD[last]) || "VALIDATION_ERROR"
    byPath.set(path, { path, code, message: sentence(issue) })
  }
  return [...byPath.values()]
}

function sentence(issue: z.core.$ZodIssue): string {
  // Both quote the caller's keys.
  if (issue.code === "unrecognized_keys") return "There are fields here that this call does not know"
  if (issue.code === "invalid_key") return "A key here is not allowed"
  return issue.message
}
