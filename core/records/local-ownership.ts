import type { Clock } from "../clock.ts"
import type { Ledger } from "../ledger.ts"
import type { Lease, Ownership } from "../ownership.ts"

const HOUSE = ""
const TABLE = "fence"
const KEY = "epoch"
/** Claims one process can make under one epoch; the next one begins a new epoch. */
const CLAIMS = 1_000_000

/**
 * Ownership for a data folder that only this process holds: a company is claimed when nobody here has it. The fence grows
 * over restarts, since each process begins a new epoch in the ledger before its first claim. With a clock an epoch is at
 * least the second it began in, so that stores which have seen fences go on under a ledger that was begun anew.
 */
export function createLocalOwnership(ledger: Ledger, clock?: Pick<Clock, "now">): Ownership {
  const held = new Set<string>()
  let epoch: Promise<number> | undefined
  let claims = 0

  async function nextEpoch(): Promise<number> {
    const last = (await ledger.numbers(HOUSE, TABLE))[KEY] ?? 0
    const next = Math.max(last + 1, Math.floor((clock?.now() ?? 0) / 1_000))
    await ledger.commit(HOUSE, [{ op: "increment", table: TABLE, key: KEY, by: next - last }])
    return next
  }

  async function nextFence(): Promise<number> {
    if (claims === CLAIMS) epoch = undefined
    if (epoch === undefined) {
      claims = 0
      const begun = nextEpoch()
      epoch = begun
      // A ledger that is unavailable now may be back at the next claim.
      begun.catch(() => {
        if (epoch === begun) epoch = undefined
      })
    }
    const claim = claims++
    return (await epoch) * CLAIMS + claim
  }

  return {
    async claim(company) {
      if (held.has(company)) return undefined
      held.add(company)
      try {
        return lease(company, await nextFence(), held)
      } catch (error) {
        held.delete(company)
        throw error
      }
    },
  }
}

function lease(company: string, fence: number, held: Set<string>): Lease {
  const ended = new AbortController()
  return {
    company,
    fence,
    lost: ended.signal,
    async release() {
      if (ended.signal.aborted) return
      ended.abort()
      held.delete(company)
    },
  }
}
