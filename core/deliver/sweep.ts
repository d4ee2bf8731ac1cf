import { isErased } from "../company/guard.ts"
import type { Ledger, Op } from "../ledger.ts"
import { DELIVERY_TABLE } from "./record.ts"

const AT_ONCE = 500

/** Removes deliveries that have been over for long. One that is sent again meanwhile stays. */
export async function sweepEnded(ledger: Ledger, now: number): Promise<void> {
  for (;;) {
    const rows = await ledger.due(DELIVERY_TABLE, now, AT_ONCE)
    const ops = new Map<string, Op[]>()
    for (const { company, key, version } of rows) {
      const some = ops.get(company) ?? []
      some.push({ op: "delete", table: DELIVERY_TABLE, key, version })
      ops.set(company, some)
    }
    let removed = 0
    for (const [company, some] of ops) removed += await remove(ledger, company, some)
    // What could not be removed would be found again and again.
    if (rows.length < AT_ONCE || removed === 0) return
  }
}

async function remove(ledger: Ledger, company: string, ops: readonly Op[]): Promise<number> {
  try {
    if ((await ledger.commit(company, ops)).ok) return ops.length
    let removed = 0
    for (const op of ops) if ((await ledger.commit(company, [op])).ok) removed++
    return removed
  } catch (thrown) {
    // The erasure that is going on takes them as well.
    if (isErased(thrown)) return 0
    throw thrown
  }
}
