import type { Ledger, Op } from "../ledger.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { Tally } from "./totals.ts"

/**
 * What a company had counted whose records are going, on record with the house until that is over: whatever is killed in
 * between, each count is there exactly once.
 */
export interface Held {
  readonly tally: Tally
  /** Records of an import take the place of those that go. */
  readonly replaced: boolean
}

const HOUSE = ""
const TABLE = "totals-held"
const PAGE = 200

export async function readHeld(ledger: Ledger): Promise<Map<string, Held>> {
  const held = new Map<string, Held>()
  for (let after: string | undefined; ; ) {
    const page = await ledger.page(HOUSE, TABLE, { limit: PAGE, ...(after === undefined ? {} : { after }) })
    for (const { key, value } of page.rows) held.set(key, decodeRecord<Held>(value, `totals of ${key}`))
    if (page.next === null) return held
    after = page.next
  }
}

export const putHeld = (company: string, held: Held): Op => ({
  op: "put",
  table: TABLE,
  key: company,
  value: encodeRecord(held),
})

export const dropHeld = (company: string): Op => ({ op: "delete", table: TABLE, key: company })
