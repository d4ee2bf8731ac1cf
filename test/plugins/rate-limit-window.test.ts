import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { AtomicStore, Quota, Taken } from "../../core/atomic.ts"
import { createMemoryAtomic } from "../../core/records/memory-atomic.ts"
import type { Call, Draft } from "../../core/types.ts"
import rateLimit from "../../plugins/rate-limit/index.ts"
import { everyScope } from "../http/harness.ts"
import type { TestClock } from "../support/clock.ts"
import { createPluginHouse } from "./house.ts"

const LIMIT = 20
const WINDOW = 30_000
const TEN_MINUTES = 600_000

const call: Call = { company: "acme", requestId: "r", principal: { kind: "admin", scopes: everyScope } }
const message: Draft = { to: { kind: "phone", phone: "79001234567" }, content: { type: "text", text: "a" } }

/** Sends that come `gap` ms after those before, `burst` at once; some of them are refused later than by the limit. */
type Arrivals = readonly { readonly gap: number; readonly burst: number; readonly dropped: boolean }[]

/** The times at which sends were accepted within ten minutes of the clock. */
async function accepted(arrivals: Arrivals, store: (clock: TestClock) => AtomicStore): Promise<number[]> {
  const house = await createPluginHouse({
    plugins: [[rateLimit, { perCompany: LIMIT, windowMs: WINDOW }]],
    atomic: (clock) => ({ local: store(clock), shared: undefined }),
  })
  const times: number[] = []
  for (const { gap, burst, dropped } of arrivals) {
    await house.clock.advance(gap)
    const now = house.clock.monotonic()
    if (now > TEN_MINUTES) break
    for (let at = 0; at < burst; at++) {
      const tasks: (() => void)[] = []
      const refusal = house.hooks.guard("message:limit", { ...call, message, undo: (task) => void tasks.push(task) })
      if (refusal instanceof Promise) throw new Error("The memory has to be waited for")
      if (dropped) for (const task of tasks) task()
      else if (refusal === undefined) times.push(now)
    }
  }
  return times
}

/** The most that lie within any window, whose beginning belongs to it and whose end does not. */
const mostInAnyWindow = (times: readonly number[]): number =>
  times.reduce((most, from, at) => {
    const end = times.findIndex((time) => time >= from + WINDOW)
    return Math.max(most, (end < 0 ? times.length : end) - at)
  }, 0)

/** A counter of two buckets, the earlier of which counts by the share of it that the window still covers. */
function createWeightedBuckets({ monotonic }: Pick<TestClock, "monotonic">): AtomicStore {
  const buckets = new Map<number, number>()
  const memory = createMemoryAtomic({ monotonic })
  return {
    ...memory,
    take(_key: string, { limit, windowMs, cost }: Quota): Taken {
      const now = monotonic()
      const bucket = Math.floor(now / windowMs)
      const earlier = (buckets.get(bucket - 1) ?? 0) * (1 - (now % windowMs) / windowMs)
      const count = buckets.get(bucket) ?? 0
      const taken = earlier + count + cost <= limit
      if (taken) buckets.set(bucket, count + cost)
      return {
        taken,
        receipt: taken ? { mark: now, cost } : null,
        remaining: 0,
        retryAfterMs: windowMs,
        resetMs: windowMs,
      }
    },
    giveBack: () => undefined,
  }
}

/** A full burst at the end of one bucket, and as much as the weights allow over the next. */
const overTheEdge: Arrivals = [
  { gap: WINDOW - 1, burst: LIMIT, dropped: false },
  ...Array.from({ length: 300 }, () => ({ gap: WINDOW / 300, burst: 2, dropped: false })),
]

describe("in ten minutes of the clock", () => {
  it("no window of that length holds more than the limit, whatever comes when", async () => {
    const gap = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }) },
      { weight: 2, arbitrary: fc.integer({ min: 400, max: 8_000 }) },
      { weight: 1, arbitrary: fc.constantFrom(WINDOW - 1, WINDOW, WINDOW + 1, WINDOW / 2) },
    )
    const burst = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) },
      { weight: 1, arbitrary: fc.integer({ min: LIMIT - 2, max: 3 * LIMIT }) },
    )
    const dropped = fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
    const arrivals = fc.array(fc.record({ gap, burst, dropped }), { minLength: 200, maxLength: 500, size: "max" })
    let full = 0
    await fc.assert(
      fc.asyncProperty(arrivals, async (pattern) => {
        const most = mostInAnyWindow(await accepted(pattern, createMemoryAtomic))
        expect(most).toBeLessThanOrEqual(LIMIT)
        if (most === LIMIT) full++
      }),
      { numRuns: 25, seed: 4 },
    )
    // The limit was reached, or nothing would have been shown.
    expect(full).toBeGreaterThan(20)
  }, 120_000)

  it("a burst at the edge, and all that comes after it, stays within the limit; weighted buckets let nearly twice as many in", async () => {
    expect(mostInAnyWindow(await accepted(overTheEdge, createMemoryAtomic))).toBe(LIMIT)
    expect(mostInAnyWindow(await accepted(overTheEdge, createWeightedBuckets))).toBeGreaterThan(1.8 * LIMIT)
  })
})
