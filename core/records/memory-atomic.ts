import type { AtomicStore, Quota, Taken } from "../atomic.ts"
import type { Clock } from "../clock.ts"

/** The stamps of one key within its window, oldest first; those before `from` have left it. */
interface Log {
  stamps: number[]
  from: number
  ends: number
}

interface Mark<T> {
  readonly value: T
  readonly ends: number
}

/** Keys at which what has ended is looked for; after that, whenever there are twice as many as were left. */
const FIRST_SWEEP = 1_000

/** Limits and counters of this process alone, by its own clock. They end with it. A key holds at most `limit` stamps. */
export function createMemoryAtomic(clock: Pick<Clock, "monotonic">): AtomicStore {
  const logs = new Map<string, Log>()
  const numbers = new Map<string, Mark<number>>()
  const values = new Map<string, Mark<Uint8Array>>()
  let sweepAt = FIRST_SWEEP

  const size = (): number => logs.size + numbers.size + values.size

  function sweep(now: number): void {
    if (size() < sweepAt) return
    for (const marks of [logs, numbers, values]) {
      for (const [key, { ends }] of marks) if (ends <= now) marks.delete(key)
    }
    sweepAt = Math.max(FIRST_SWEEP, 2 * size())
  }

  function live<T>(marks: Map<string, Mark<T>>, key: string, now: number): Mark<T> | undefined {
    const mark = marks.get(key)
    return mark === undefined || mark.ends <= now ? undefined : mark
  }

  return {
    take(key, quota) {
      const now = clock.monotonic()
      const log = logs.get(key) ?? { stamps: [], from: 0, ends: 0 }
      const taken = takeFrom(log, quota, now)
      if (taken.taken) {
        sweep(now)
        logs.set(key, log)
      }
      return taken
    },
    giveBack(key, { mark, cost }) {
      const log = logs.get(key)
      // Stamps of one moment are alike: whose it was makes no difference.
      const last = log?.stamps.lastIndexOf(Number(mark)) ?? -1
      if (log !== undefined && last >= log.from) log.stamps.splice(Math.max(log.from, last - cost + 1), cost)
    },
    async increment(key, by, ttlMs) {
      const now = clock.monotonic()
      const mark = live(numbers, key, now)
      const sum = (mark?.value ?? 0) + by
      sweep(now)
      numbers.set(key, { value: sum, ends: mark?.ends ?? now + (ttlMs ?? Number.POSITIVE_INFINITY) })
      return sum
    },
    async setIfAbsent(key, value, ttlMs) {
      const now = clock.monotonic()
      if (live(values, key, now) !== undefined) return false
      sweep(now)
      values.set(key, { value: Uint8Array.from(value), ends: now + ttlMs })
      return true
    },
    async get(key) {
      const mark = live(values, key, clock.monotonic())
      return mark === undefined ? undefined : Uint8Array.from(mark.value)
    },
    async delete(key) {
      for (const marks of [logs, numbers, values]) marks.delete(key)
    },
  }
}

function takeFrom(log: Log, { limit, windowMs, cost }: Quota, now: number): Taken {
  const { stamps } = log
  while (log.from < stamps.length && (stamps[log.from] ?? 0) <= now - windowMs) log.from++
  if (log.from * 2 > stamps.length) {
    stamps.splice(0, log.from)
    log.from = 0
  }
  const count = stamps.length - log.from
  const left = (stamp: number | undefined): number => (stamp === undefined ? 0 : Math.ceil(stamp + windowMs - now))
  if (count + cost > limit) {
    const retryAfterMs = cost > limit ? windowMs : left(stamps[log.from + count + cost - limit - 1])
    const remaining = Math.max(0, limit - count)
    return { taken: false, receipt: null, remaining, retryAfterMs, resetMs: left(stamps.at(-1)) }
  }
  for (let added = 0; added < cost; added++) stamps.push(now)
  log.ends = now + windowMs
  const receipt = { mark: now, cost }
  return { taken: true, receipt, remaining: limit - count - cost, retryAfterMs: 0, resetMs: left(now) }
}
