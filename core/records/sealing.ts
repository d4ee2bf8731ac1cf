/** Sealing as plugins see it: what they are given with the hooks `record:…`, and what they may ask for. */

/** Whose records are sealed or opened, and which is which, in their order. */
export interface RecordsOf {
  readonly company: string
  /** What they are: the auth state of a line, or anything in the ledger. */
  readonly purpose: "credentials" | "messages"
  /** 32 random bytes kept beside the company's records; without them nothing opens any more. */
  readonly salt: Uint8Array
  readonly names: readonly string[]
}

/** Whose records are named. */
export interface NamingOf extends Omit<RecordsOf, "names"> {
  /** 32 random bytes of the company, kept sealed: they outlive every rotation, so that names do, too. */
  readonly key: Uint8Array
}

/**
 * Bytes at the beginning of a sealed record that name its key, the same for all that is sealed under the newest one: by
 * that core knows what is still to be sealed anew after a rotation.
 */
export const KEY_ID_BYTES = 8

/** Bytes in front of that in what `record:seal` gives, left free for core: a copy of each record would cost more than they do. */
export const SEALED_ROOM = 2

/** What the plugin that seals records asks of core. */
export interface RecordsControl {
  /** In `setup`: these records of companies are to be sealed from now on. What is sealed already stays so without it. */
  readonly seal: (purposes: readonly RecordsOf["purpose"][]) => void
  /** Seals everything under the newest key that is not: beside the lines, company by company. Once at a time. */
  readonly reseal: () => ResealProgress
  readonly resealProgress: () => ResealProgress
}

/** How far re-sealing is. Times are epoch ms. */
export interface ResealProgress {
  /** `failed`: some companies could not be done, and those alone are still to do. */
  readonly state: "idle" | "running" | "done" | "failed"
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly companies: { readonly total: number; readonly done: number; readonly failed: number }
  /** Records that were written anew. */
  readonly records: number
  /** The first of those that failed. */
  readonly failures: readonly { readonly companyId: string; readonly code: string; readonly message: string }[]
}
