import type { Clock, Timer } from "../../../core/clock.ts"
import { appError } from "../../../core/errors.ts"
import { type StoreClaim, type StoreClaims, UNFENCED } from "../../../core/store.ts"
import type { Bucket } from "./bucket.ts"
import { stateBytes } from "./claim-names.ts"
import { createContest, timeFence, type Won } from "./contest.ts"
import { type Heartbeat, type Life, SERVER_CLOCK_MS } from "./heartbeat.ts"

/** A claim that this process has, as the copy of its company sees it. */
export interface Standing {
  readonly fence: number
  /** Nobody else can have taken over yet. */
  alive(): boolean
}

/** What this process knows of its own claims. */
export interface Standings {
  /** Undefined without a claim, and once it is lost. */
  of(company: string): Standing | undefined
  /** The claim with that fence was this process's and is lost. */
  lapsed(company: string, fence: number): boolean
  /**
   * Rejects with FENCED when nobody may write under this fence now: the claim is lost, or others have claimed since. Asks
   * the server, but for a claim of ours while the server is away.
   */
  permit(company: string, fence: number): Promise<void>
}

export interface Claims extends StoreClaims, Standings {
  /** Forgets who else had claimed a company that is erased. */
  erased(company: string): Promise<void>
  close(): Promise<void>
}

export interface ClaimsInput {
  readonly bucket: Bucket
  readonly heartbeat: Heartbeat
  readonly clock: Clock
  /** Highest fence that the local copy knows of. */
  localFence(company: string): Promise<number>
  /** Called before a claim is given up: whoever has it next finds everything in the bucket. */
  leaving(company: string): Promise<void>
  /** False: a claim counts for ever. */
  readonly fencing: boolean
}

interface Held extends Standing {
  readonly key: string
  readonly life: Life
  /** When its fence was chosen (monotonic ms). */
  readonly since: number
  readonly lost: AbortController
  /** Somebody else may have it. */
  over: boolean
  erased: boolean
}

const TRIES = 12
/** What did not get through is said again. */
const AGAIN_MS = 500
/** How long a write waits to hear that a claim of ours is still there. */
const ANSWER_MS = 3_000
const FIRST_WAIT_MS = 30
const LONGEST_WAIT_MS = 600

export function createClaims({ bucket, heartbeat, clock, localFence, leaving, fencing }: ClaimsInput): Claims {
  const held = new Map<string, Held>()
  const underWay = new Set<string>()
  const watched = new WeakSet<Life>()
  /** Releases that did not get through: nobody else can have these companies until they do. */
  const unsaid = new Map<string, () => Promise<void>>()
  let saying: Timer | undefined
  let closed = false

  function sayLater(key: string, say: () => Promise<void>): void {
    unsaid.set(key, say)
    saying ??= clock.after(AGAIN_MS, () => {
      saying = undefined
      const due = [...unsaid]
      unsaid.clear()
      for (const [key, say] of due) void say().catch(() => closed || sayLater(key, say))
    })
  }

  /** A claim that nobody stands behind is in everybody's way. */
  const giveBack = (key: string): void => sayLater(key, () => bucket.remove([key]))
  const contest = createContest({ bucket, heartbeat, clock, localFence, giveBack })

  function claimOf({ key, fence, since }: Won, life: Life): Held {
    const lost = new AbortController()
    const claim: Held = {
      key,
      fence,
      since,
      lost,
      life,
      over: false,
      erased: false,
      alive: () => !fencing || (!claim.over && life.alive()),
    }
    if (!watched.has(life)) {
      watched.add(life)
      // One for all claims: there may be hundreds.
      life.ended.addEventListener("abort", () => {
        for (const one of held.values()) if (one.life === life) one.lost.abort()
      })
    }
    return claim
  }

  /** Told only when everything is in the bucket; until then nobody else can have it, and what waits goes on. */
  async function giveFree(company: string, claim: Held): Promise<void> {
    if (claim.alive()) await leaving(company)
    if (claim.alive() && claim.erased) {
      // Nothing is left to tell the next one how far fences have come, but the time.
      await clock.sleep(Math.max(0, claim.since + SERVER_CLOCK_MS - clock.monotonic()))
    }
    claim.over = true
    // A life that has ended says as much.
    if (!claim.life.alive()) return
    if (claim.erased) await bucket.remove([claim.key])
    else await bucket.put(claim.key, stateBytes("released"))
    if (held.get(company) === claim) held.delete(company)
  }

  async function release(company: string, claim: Held): Promise<void> {
    if (claim.lost.signal.aborted) return
    claim.lost.abort()
    const say = (): Promise<void> => giveFree(company, claim)
    await say().catch(() => sayLater(claim.key, say))
  }

  async function obtain(company: string): Promise<StoreClaim | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const life = await heartbeat.living()
      if (life === undefined) return undefined
      const won = await contest.enter(company, life)
      if (won === "taken") return undefined
      if (won !== "again") {
        const claim = claimOf(won, life)
        unsaid.delete(held.get(company)?.key ?? "")
        held.set(company, claim)
        return { fence: claim.fence, lost: claim.lost.signal, release: () => release(company, claim) }
      }
      await clock.sleep(Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries))
    }
    return undefined
  }

  return {
    async claim(company) {
      const before = held.get(company)
      if (underWay.has(company) || before?.lost.signal.aborted === false) return undefined
      underWay.add(company)
      try {
        return await obtain(company)
      } finally {
        underWay.delete(company)
      }
    },

    of(company) {
      const claim = held.get(company)
      if (claim === undefined || !fencing) return claim
      return claim.over || claim.life.ended.aborted ? undefined : claim
    },

    lapsed: (company, fence) => lapsed(held.get(company), fence),

    async permit(company, fence) {
      if (!fencing) return
      const claim = held.get(company)
      if (lapsed(claim, fence)) throw appError("FENCED")
      if (claim?.alive() === true && (fence === UNFENCED || fence === claim.fence)) {
        // Whoever takes over removes it. Without an answer our own clock decides.
        const there = await bucket.get(claim.key, { tries: 1, timeoutMs: ANSWER_MS }).catch(() => "away" as const)
        if (there !== undefined) return
        claim.over = true
        claim.lost.abort()
        throw appError("FENCED")
      }
      const { claims, others } = await contest.list(company)
      if (others.length > 0 || claims.some((other) => other.fence > fence)) throw appError("FENCED")
    },

    async erased(company) {
      const own = held.get(company)
      if (own?.alive() === true) own.erased = true
      for (;;) {
        const { claims, others, date } = await contest.list(company)
        const kept = new Set([...others.map(({ key }) => key), ...(own?.alive() === true ? [own.key] : [])])
        const gone = claims.filter(({ key }) => !kept.has(key))
        // Once they are gone only the time tells how far fences have come.
        if (gone.every(({ fence }) => fence < timeFence(date))) return bucket.remove(gone.map(({ key }) => key))
        await clock.sleep(SERVER_CLOCK_MS / 2)
      }
    },

    async close() {
      closed = true
      await Promise.all([...held].map(([company, claim]) => release(company, claim)))
      saying?.cancel()
      await heartbeat.close()
    },
  }
}

function lapsed(claim: Held | undefined, fence: number): boolean {
  return claim !== undefined && fence <= claim.fence && !claim.alive()
}
