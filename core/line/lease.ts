import { appError } from "../errors.ts"
import type { LineState } from "./state.ts"
import type { Lease, Ownership } from "../ownership.ts"
import type { AuthStore } from "../store.ts"

/** The right to run a line, and the credentials it opens. */
export interface LineLease {
  /**
   * Claims the line if it is not held yet, erases credentials marked for it, and opens the store.
   * Throws SESSION_OWNED_ELSEWHERE, or STORAGE_UNAVAILABLE.
   */
  open(): Promise<AuthStore>
  release(): Promise<void>
}

export function createLineLease(
  company: string,
  ownership: Ownership,
  openAuth: (company: string, lease: Lease) => AuthStore,
  state: LineState,
  onLost: () => void,
): LineLease {
  let claim: Promise<Lease> | undefined

  const hold = (): Promise<Lease> => {
    if (claim !== undefined) return claim
    const asked: Promise<Lease> = ownership.claim(company).then((lease) => {
      if (lease === undefined) throw appError("SESSION_OWNED_ELSEWHERE")
      lease.lost.addEventListener("abort", () => {
        // Our own release ends the lease as well; it has been let go of by then.
        if (claim !== asked) return
        claim = undefined
        onLost()
      })
      return lease
    })
    claim = asked
    asked.catch(() => {
      if (claim === asked) claim = undefined
    })
    return asked
  }

  return {
    async open() {
      const auth = openAuth(company, await hold())
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
        (lease) => lease.release(),
        () => undefined,
      )
    },
  }
}
