import type { Ledger } from "./ledger.ts"
import type { Lease, Ownership } from "./ownership.ts"

const HOUSE = ""
const TABLE = "fence"
const KEY = "epoch"
/** Claims one process can make under one epoch; the next one begins a new epoch. */
const CLAIMS = 1_000_000

/**
 * Ownership for a data folder that only this process holds: a company is claimed when nobody here has it. The fence grows
 * over restarts, since each process begins a new epoch in the ledger before its first claim.
 */
export function createLocalOwnership(ledger: Ledger): Ownership {
  const held = new Set<string>()
  let epoch: Promise<number> | undefined
  let claims = 0

  async function nextEpoch(): Promise<number> {
    await ledger.commit(HOUSE, [{ op: "increment", table: TABLE, key: KEY, by: 1 }])
    return (await ledger.numbers(HOUSE, TABLE))[KEY] ?? 0
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
