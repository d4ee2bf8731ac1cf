import { createHash } from "node:crypto"
import type { Lease } from "../../../core/ownership.ts"
import type { StorageTools } from "../../../core/storage.ts"
import type { AuthStore, OpenStore, StoreCapabilities } from "../../../core/store.ts"

/** The store under test, opened anew for each test. */
export interface StoreSubject {
  readonly store: OpenStore
  readonly has: StoreCapabilities
  /** A company's store under a lease of its own. */
  company(id: string, fence?: number): AuthStore
  open(): Promise<void>
  /** Forgets whatever is only in memory, where anything survives that. */
  reopen(): Promise<void>
}

export const tools: StorageTools = { sha256: (data) => new Uint8Array(createHash("sha256").update(data).digest()) }

export function leaseOf(company: string, fence = 1): Lease & { end(): void } {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  return { company, fence, lost: ended.signal, release: async () => end(), end }
}
