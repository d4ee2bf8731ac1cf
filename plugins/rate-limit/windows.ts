import type { AtomicStore, AtomicStores, Quota, Taken } from "../../core/plugin.ts"
import type { Reach } from "./reach.ts"

/** What a company has sent within its window. */
export interface Windows {
  take(company: string, quota: Quota): Stamped | Promise<Stamped>
  /** How many more may go, as far as this process knows and, where there is one, the shared store. Takes nothing. */
  left(company: string, quota: Quota): Promise<number>
}

export interface Stamped extends Taken {
  /** Takes the stamp back; nothing when there is none. */
  undo(): void
}

export interface WindowsDeps {
  readonly atomic: AtomicStores
  /** The way to what processes share. */
  readonly reach: Reach
}

/**
 * Every message has its stamp in this process, whatever other processes know of it: so the limit holds here from the moment
 * on at which the shared store is away, and also after it has come back with nothing. Where there is a shared store, the
 * message needs a stamp there as well.
 */
export function createWindows({ atomic: { local, shared }, reach }: WindowsDeps): Windows {
  const undoing =
    (key: string, own: Taken, also: (() => void) | undefined): (() => void) =>
    () => {
      if (own.receipt !== null) void local.giveBack(key, own.receipt)
      also?.()
    }

  const onward = (key: string, quota: Quota, own: Taken): Stamped | Promise<Stamped> => {
    if (!own.taken || shared === undefined || reach.away) return { undo: undoing(key, own, undefined), ...own }
    return everywhere(shared, key, quota, own)
  }

  const everywhere = async (store: AtomicStore, key: string, quota: Quota, own: Taken): Promise<Stamped> => {
    let answer: Promise<Taken> | undefined
    const seen = await reach.ask(() => {
      answer = Promise.resolve(store.take(key, quota))
      return answer
    })
    const everyStamp = undoing(key, own, () => {
      // A stamp that came too late to be waited for is taken back as well; where it never comes there is none.
      answer
        ?.then(({ receipt }) => (receipt === null ? undefined : store.giveBack(key, receipt)))
        .catch(() => undefined)
    })
    if (seen === undefined) return { ...own, undo: everyStamp }
    if (seen.taken) return { ...seen, remaining: Math.min(seen.remaining, own.remaining), undo: everyStamp }
    everyStamp()
    return { ...seen, undo: () => undefined }
  }

  const keyOf = (company: string): string => `rate-limit/${company}`

  return {
    async left(company, quota) {
      // More than there can be is never taken: it only tells what remains.
      const looking = { ...quota, cost: quota.limit + 1 }
      const own = await local.take(keyOf(company), looking)
      if (shared === undefined) return own.remaining
      const seen = await reach.ask(async () => shared.take(keyOf(company), looking))
      return Math.min(own.remaining, seen?.remaining ?? own.remaining)
    },

    take(company, quota) {
      const key = keyOf(company)
      const own = local.take(key, quota)
      return own instanceof Promise ? own.then((taken) => onward(key, quota, taken)) : onward(key, quota, own)
    },
  }
}
