import type { Clock } from "../../../core/clock.ts"
import type { Bucket } from "./bucket.ts"
import { type Claim, claimKey, claimsFolder, claimsIn, stateBytes } from "./claim-names.ts"
import type { Heartbeat, Life } from "./heartbeat.ts"
import { companyFolder, fenceOf } from "./names.ts"

/** How one of several instances gets a company, on a server that lists what was written before. */
export interface Contest {
  /** One try: the claim, or that another living instance has it, or that several try at once. */
  enter(company: string, life: Life): Promise<Won | "taken" | "again">
  /** All claims of a company, and those that other living instances hold or try to get. */
  list(company: string): Promise<{ claims: readonly Claim[]; others: readonly Claim[]; date: number }>
}

export interface Won {
  readonly key: string
  readonly fence: number
  /** When its fence was chosen (monotonic ms). */
  readonly since: number
}

export interface ContestInput {
  readonly bucket: Bucket
  readonly heartbeat: Heartbeat
  readonly clock: Clock
  /** Highest fence that the local copy knows of. */
  localFence(company: string): Promise<number>
  /** Removes a claim that was not won, as soon as that is possible. */
  giveBack(key: string): void
}

/** Fences grow with the server's time, so that they do so although nothing is left to compare with after an erasure. */
const FENCES_PER_SECOND = 1_000_000
const LOOKS = 12
const WAIT_MS = 30

/** Lower than any fence chosen from that second on (ms, by the server's clock). */
export function timeFence(date: number): number {
  return Math.floor(date / 1_000) * FENCES_PER_SECOND
}

export function createContest({ bucket, heartbeat, clock, localFence, giveBack }: ContestInput): Contest {
  const { instance } = heartbeat

  async function list(company: string): Promise<{ claims: Claim[]; others: Claim[]; date: number }> {
    const listing = await bucket.list(claimsFolder(company))
    const claims = claimsIn(company, listing)
    const others: Claim[] = []
    for (const claim of claims) {
      // An earlier process of this instance is no more.
      if (claim.state === "released" || claim.instance === instance) continue
      if (await heartbeat.lives(claim.instance, claim.life)) others.push(claim)
    }
    return { claims, others, date: listing.date }
  }

  async function nextFence(company: string, claims: readonly Claim[], date: number): Promise<number> {
    const folder = companyFolder(company)
    const { objects } = await bucket.list(folder)
    const written = objects.map(({ key }) => fenceOf(key.slice(folder.length))).filter((fence) => !Number.isNaN(fence))
    const known = [...claims.map(({ fence }) => fence), ...written, await localFence(company)]
    return Math.max(...known, timeFence(date)) + 1
  }

  /**
   * Looks until nobody else is there. Whoever was alone in a list after writing the claim has it: anybody who writes later
   * sees it. Of several who see each other the first by name waits for the others to go.
   */
  async function isWon(company: string, key: string, life: Life): Promise<boolean> {
    for (let looks = 0; looks < LOOKS; looks++) {
      const { claims, others } = await list(company)
      if (others.length === 0) {
        await bucket.put(key, stateBytes("held"))
        if (!life.alive()) return false
        const dead = claims.filter((claim) => claim.key !== key).map((claim) => claim.key)
        // Where that fails they are judged dead by whoever sees them next.
        if (dead.length > 0) await bucket.remove(dead).catch(() => undefined)
        return life.alive()
      }
      if (others.some((other) => other.state === "held" || other.key < key)) return false
      await clock.sleep(WAIT_MS * (1 + Math.random()))
    }
    return false
  }

  return {
    list,
    async enter(company, life) {
      const { claims, others, date } = await list(company)
      if (others.some(({ state }) => state === "held")) return "taken"
      if (others.length > 0) return "again"
      const since = clock.monotonic()
      const fence = await nextFence(company, claims, date)
      const key = claimKey(company, fence, instance, life.id)
      try {
        await bucket.put(key, stateBytes("trying"))
        if (await isWon(company, key, life)) return { key, fence, since }
      } catch (error) {
        giveBack(key)
        throw error
      }
      await bucket.remove([key]).catch(() => giveBack(key))
      return "again"
    },
  }
}
