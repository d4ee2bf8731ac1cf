import type { Holding, Homes } from "../homes/homes.ts"
import type { LineState } from "./state.ts"
import type { AuthStore } from "../store.ts"

/** The right to run a line, and the credentials it opens. */
export interface LineLease {
  /**
   * Claims the line if it is not held yet, erases credentials marked for it, and opens the store. `signal` ends the wait
   * for a store that the company is being moved to. Throws SESSION_OWNED_ELSEWHERE, or STORAGE_UNAVAILABLE.
   */
  open(signal?: AbortSignal): Promise<AuthStore>
  release(): Promise<void>
}

export function createLineLease(
  company: string,
  homes: Pick<Homes, "open">,
  state: LineState,
  onLost: () => void,
): LineLease {
  let claim: Promise<Holding> | undefined

  const hold = (signal: AbortSignal | undefined): Promise<Holding> => {
    if (claim !== undefined) return claim
    const asked: Promise<Holding> = homes.open(company, signal).then((holding) => {
      const lost = (): void => {
        // Our own release ends the lease as well; it has been let go of by then.
        if (claim !== asked) return
        claim = undefined
        onLost()
        void holding.release().catch(() => {
          // It is lost already: there is nothing left to give back.
        })
      }
      if (holding.lease.lost.aborted) queueMicrotask(lost)
      else holding.lease.lost.addEventListener("abort", lost)
      return holding
    })
    claim = asked
    asked.catch(() => {
      if (claim === asked) claim = undefined
    })
    return asked
  }

  return {
    async open(signal) {
      const { auth } = await hold(signal)
      if (state.record.erase) {
        await auth.clear()
        state.keep({ erase: false })
      }
      return auth
    },
    async release() {
      const held = claim
      claim = undefined
      // A claim that failed holds nothing.
      await held?.then(
        (holding) => holding.release(),
        () => undefined,
      )
    },
  }
}
