import type { Chats } from "./chats.ts"
import type { Clock } from "../clock.ts"
import { isErased } from "../company/guard.ts"
import { toError } from "../errors.ts"
import type { Logger } from "../log.ts"

/** Phone–LID pairs as lines report them: recorded in batches, since a linked phone's history brings thousands. */
export interface Pairs {
  learn(company: string, phone: string, lid: string): void
  forget(company: string): void
  stop(): void
}

interface Pair {
  readonly phone: string
  readonly lid: string
}

/** Pairs of one company that wait. The provider keeps its own record, so that one let go of here is learnt again. */
const WAITING = 20_000
const RETRY_MS = 5_000

export function createPairs(chats: Chats, clock: Clock, log: Logger): Pairs {
  const waiting = new Map<string, Pair[]>()
  const running = new Set<string>()
  const stopped = new AbortController()

  const drain = async (company: string): Promise<void> => {
    for (let batch = waiting.get(company); batch !== undefined; batch = waiting.get(company)) {
      waiting.delete(company)
      try {
        await chats.pair(company, batch)
      } catch (thrown) {
        if (isErased(thrown)) continue
        log.warn(
          { company, error: toError(thrown).message },
          "Phone numbers and LIDs could not be stored; trying again",
        )
        waiting.set(company, [...batch, ...(waiting.get(company) ?? [])].slice(-WAITING))
        try {
          await clock.sleep(RETRY_MS, stopped.signal)
        } catch {
          // The house stops.
          break
        }
      }
    }
    running.delete(company)
  }

  return {
    learn(company, phone, lid) {
      const pairs = waiting.get(company) ?? []
      pairs.push({ phone, lid })
      if (pairs.length > WAITING) pairs.shift()
      waiting.set(company, pairs)
      if (running.has(company) || stopped.signal.aborted) return
      running.add(company)
      // What one burst of events brings goes together.
      void Promise.resolve().then(() => drain(company))
    },
    forget: (company) => void waiting.delete(company),
    stop: () => stopped.abort(),
  }
}
