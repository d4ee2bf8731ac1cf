import type { AtomicStore, Clock, Quota } from "../../core/plugin.ts"

/**
 * How batches and single sends share a window. A batch takes room the moment there is any; without this, single sends would
 * be refused for as long as it lasts.
 */
export interface Sharing {
  /** A single send asks; `went` tells that it has its stamp. */
  single(company: string, quota: Quota): { went(): void }
  /** What a message of a batch may count with: as long as single sends ask, some room is left to them. */
  batched(company: string, quota: Quota): Quota
}

export function createSharing(store: AtomicStore, clock: Pick<Clock, "monotonic">): Sharing {
  /** Until when a company counts as sending a batch: before, nobody counts what single sends ask for. */
  const batching = new Map<string, number>()

  const note = (kind: "asked" | "went", company: string, { limit, windowMs }: Quota): void => {
    void store.take(`rate-limit/${company}/${kind}`, { limit: Math.max(1, halfOf(limit)), windowMs, cost: 1 })
  }

  const count = (kind: "asked" | "went", company: string, { limit, windowMs }: Quota): number => {
    const most = Math.max(1, halfOf(limit))
    // More than there can be is never taken: it only tells what remains.
    const looked = store.take(`rate-limit/${company}/${kind}`, { limit: most, windowMs, cost: most + 1 })
    return looked instanceof Promise ? 0 : most - looked.remaining
  }

  return {
    single(company, quota) {
      const until = batching.get(company)
      if (until === undefined) return { went: nothing }
      if (until < clock.monotonic()) {
        batching.delete(company)
        return { went: nothing }
      }
      note("asked", company, quota)
      return { went: () => note("went", company, quota) }
    },

    batched(company, quota) {
      const { limit, windowMs } = quota
      batching.set(company, clock.monotonic() + windowMs)
      const asked = count("asked", company, quota)
      if (asked === 0) return quota
      const wanted = Math.min(halfOf(limit), asked + Math.ceil(limit / 10))
      const left = Math.max(0, wanted - count("went", company, quota))
      return { ...quota, limit: Math.max(1, limit - left) }
    },
  }
}

const halfOf = (limit: number): number => Math.floor(limit / 2)
const nothing = (): void => undefined
