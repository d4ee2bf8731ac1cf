import { appError } from "../errors.ts"
import type { Lease, Ownership } from "../ownership.ts"
import type { OpenStore, StoreClaim } from "../store.ts"

/** A company held in this process and on every store that others reach as well. */
export interface Claimed {
  /** Fenced for `fencedBy`. */
  readonly lease: Lease
  release(): Promise<void>
}

export interface ClaimInput {
  readonly company: string
  /** As stores know it. */
  readonly encoded: string
  readonly ownership: Ownership
  /** The store that is written to. */
  readonly store: OpenStore
}

/** Throws SESSION_OWNED_ELSEWHERE, or STORAGE_UNAVAILABLE. */
export async function claimCompany({ company, encoded, ownership, store }: ClaimInput): Promise<Claimed> {
  const local = await ownership.claim(company)
  if (local === undefined) throw appError("SESSION_OWNED_ELSEWHERE")
  try {
    const claim = await claimOn(store, encoded)
    return claim === undefined ? { lease: local, release: () => local.release() } : joined(local, claim)
  } catch (thrown) {
    await local.release()
    throw thrown
  }
}

/** Undefined for a store that only this process reaches. Throws SESSION_OWNED_ELSEWHERE. */
export async function claimOn(store: OpenStore, encoded: string): Promise<StoreClaim | undefined> {
  if (store.claims === undefined) return undefined
  const claim = await store.claims.claim(encoded)
  if (claim === undefined) throw appError("SESSION_OWNED_ELSEWHERE")
  return claim
}

/** The fence is the store's, which all processes on it share. */
function joined(local: Lease, claim: StoreClaim): Claimed {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  for (const signal of [local.lost, claim.lost]) {
    if (signal.aborted) end()
    else signal.addEventListener("abort", end, { once: true })
  }
  const release = async (): Promise<void> => {
    end()
    // Ours first: a store that is away must not keep this process from claiming the company again.
    await local.release()
    await claim.release()
  }
  return { lease: { company: local.company, fence: claim.fence, lost: ended.signal, release }, release }
}
