import type { Ledger, Op, Page, PageQuery, Row } from "../../../core/ledger.ts"
import { expect } from "vitest"
import { bytes } from "../bytes.ts"

/** The ledger under test, opened anew for each test. */
export interface LedgerSubject {
  readonly ledger: Ledger
  /** True when what was committed survives closing. */
  readonly durable: boolean
  open(): Promise<void>
  /** Closes and opens, where anything survives that. */
  reopen(): Promise<void>
}

export const put = (table: string, key: string, text: string, more: object = {}): Op => ({
  op: "put",
  table,
  key,
  value: bytes(text),
  ...more,
})

export const keysOf = (rows: readonly Row[]): string[] => rows.map(({ key }) => key)

export const ok = { ok: true, positions: [] }

/** All keys of a query over table `m` of `acme`, page by page. */
export async function walk(subject: LedgerSubject, query: Omit<PageQuery, "limit">, limit: number): Promise<string[]> {
  const keys: string[] = []
  let next: string | null = null
  do {
    const bound = next === null ? {} : query.reverse === true ? { before: next } : { after: next }
    const page: Page = await subject.ledger.page("acme", "m", { ...query, ...bound, limit })
    expect(page.rows.length).toBeLessThanOrEqual(limit)
    keys.push(...keysOf(page.rows))
    next = page.next
  } while (next !== null)
  return keys
}
