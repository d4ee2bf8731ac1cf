import { createHash } from "node:crypto"

/**
 * The keys of one store on a server that may hold others. A prefix ends with a colon and has no two in a row, and no
 * company has a colon: so no store's company is another's, and two colons in a row are ours.
 */
export interface Names {
  /** A hash: the records of a company by `kind/key`, and without a slash what is known of its writers. */
  company(company: string): string
  /** A set: every company that has had a record. */
  readonly companies: string
  /** A hash that expires: what is still known of the writers of a company that was erased. Holds no id. */
  erased(company: string): string
  /** Text that expires with the lease: the process of that instance which lives. */
  instance(instance: string): string
  /** Shared state by any text, told apart also where that is no well-formed Unicode. */
  shared(kind: "log" | "number" | "value", key: string): string
}

export const PREFIX = /^(?:[A-Za-z0-9_.{}-]+:)+$/

const SEGMENT = /^[a-z0-9=_-]+$/

export function checked(company: string): string {
  if (!SEGMENT.test(company)) throw new TypeError("Companies come in encoded")
  return company
}

/** Digests that are kept: every write names one. */
const MOST_KEPT = 10_000

export function createNames(prefix: string): Names {
  const digests = new Map<string, string>()
  function digest(company: string): string {
    const kept = digests.get(company)
    if (kept !== undefined) return kept
    const made = createHash("sha256").update(company).digest("hex")
    if (digests.size >= MOST_KEPT) digests.clear()
    digests.set(company, made)
    return made
  }

  return {
    company: (company) => `${prefix}${company}`,
    companies: `${prefix}:companies`,
    erased: (company) => `${prefix}:erased:${digest(company)}`,
    instance: (instance) => `${prefix}:instance:${JSON.stringify(instance)}`,
    shared: (kind, key) => `${prefix}:${kind}:${JSON.stringify(key)}`,
  }
}
