import { type LineRecord, loadRecord } from "./line/record.ts"
import { createLru } from "./records/lru.ts"
import type { Ledger } from "./ledger.ts"

/** The companies that have, or have had, a session here. */
export interface Companies {
  /** The record of a company that is not in memory as a line; undefined for one never seen. */
  record(company: string): Promise<LineRecord | undefined>
  /** A line's record has changed or gone. */
  forget(company: string): void
  /** A company has come into being. */
  add(company: string): void
  remove(company: string): void
  /** Ids in order, above `after`. */
  page(after: string | undefined, limit: number): Promise<{ ids: string[]; next: string | null }>
  count(): Promise<number>
  all(): Promise<readonly string[]>
}

/** Records kept in memory of companies at rest. */
const REMEMBERED = 1_000

export function createCompanies(ledger: Ledger): Companies {
  const records = createLru<LineRecord>(REMEMBERED)
  const added = new Set<string>()
  const removed = new Set<string>()
  let reading: Promise<Set<string>> | undefined
  let sorted: string[] | undefined

  const load = async (): Promise<Set<string>> => {
    const known = new Set<string>()
    for (const company of await ledger.companies()) {
      if ((await loadRecord(ledger, company)) !== undefined) known.add(company)
    }
    for (const company of added) known.add(company)
    for (const company of removed) known.delete(company)
    return known
  }

  const known = (): Promise<Set<string>> => {
    reading ??= load().catch((thrown: unknown) => {
      // The next caller tries again.
      reading = undefined
      throw thrown
    })
    return reading
  }

  const inOrder = async (): Promise<readonly string[]> => {
    const ids = await known()
    sorted ??= [...ids].sort()
    return sorted
  }

  const change = (company: string, into: Set<string>, outOf: Set<string>): void => {
    into.add(company)
    outOf.delete(company)
    sorted = undefined
    records.delete(company)
    void reading?.then(
      (ids) => {
        if (into === added) ids.add(company)
        else ids.delete(company)
        sorted = undefined
      },
      () => undefined,
    )
  }

  return {
    async record(company) {
      const cached = records.get(company)
      if (cached !== undefined) return cached
      const record = await loadRecord(ledger, company)
      if (record !== undefined) records.set(company, record)
      return record
    },
    forget: (company) => records.delete(company),
    add: (company) => change(company, added, removed),
    remove: (company) => change(company, removed, added),
    async page(after, limit) {
      const all = await inOrder()
      const from = after === undefined ? 0 : all.findIndex((id) => id > after)
      if (from < 0) return { ids: [], next: null }
      const ids = all.slice(from, from + limit)
      return { ids, next: from + limit < all.length ? (ids.at(-1) ?? null) : null }
    },
    count: async () => (await known()).size,
    all: inOrder,
  }
}
