import { appError, isAppError } from "../errors.ts"
import type { Ledger } from "../ledger.ts"

/**
 * The ledger as all those see it who may still be at work for a company that has just been erased: nothing they write gets
 * in any more, or the company would come back half.
 */
export interface Guard {
  readonly ledger: Ledger
  close(company: string): void
  /** The company begins anew. */
  open(company: string): void
  isClosed(company: string): boolean
  /** How often a company of this id has been erased since the start: another number is another company. */
  generation(company: string): number
}

/** Only tests let late writes in, to see what the guard is for. */
export function createGuard(ledger: Ledger, lets: { readonly lateWritesIn?: boolean } = {}): Guard {
  const closed = new Set<string>()
  const generations = new Map<string, number>()
  return {
    ledger: {
      ...ledger,
      async commit(company, ops) {
        if (closed.has(company) && lets.lateWritesIn !== true) throw appError("COMPANY_ERASED")
        return ledger.commit(company, ops)
      },
    },
    close(company) {
      closed.add(company)
      generations.set(company, (generations.get(company) ?? 0) + 1)
    },
    open: (company) => void closed.delete(company),
    isClosed: (company) => closed.has(company),
    generation: (company) => generations.get(company) ?? 0,
  }
}

/** True for what is thrown at those who write for an erased company: trying again is of no use. */
export function isErased(thrown: unknown): boolean {
  return isAppError(thrown) && thrown.code === "COMPANY_ERASED"
}
