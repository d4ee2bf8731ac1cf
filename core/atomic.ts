/**
 * Port: small shared state that several processes change at once: limits, counters, marks that may be set once. Keys are
 * any text of up to 1,000 characters; limits, numbers and values of one key are apart. Each call is one round trip and
 * happens as a whole or not at all. Takes of one key name one window: what lies outside of it is forgotten. What needs no
 * round trip is answered at once, without a promise.
 * Every call rejects with STORAGE_UNAVAILABLE while the store behind it cannot be reached.
 */
export interface AtomicStore {
  /**
   * A sliding log: `cost` stamps are added when at most `limit` then lie within the last `windowMs`, by the store's own
   * clock; a refused call adds nothing.
   */
  take(key: string, quota: Quota): Taken | Promise<Taken>
  /** Takes back the stamps of one `take`, and no others; those that have left the window are gone anyway. */
  giveBack(key: string, receipt: Receipt): void | Promise<void>
  /** Adds to a whole number (absent counts as 0) and gives the sum. The first write starts `ttlMs`, which is not renewed. */
  increment(key: string, by: number, ttlMs?: number): Promise<number>
  /** Sets a value that is not there yet; false when there is one. It goes after `ttlMs`. */
  setIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<boolean>
  get(key: string): Promise<Uint8Array | undefined>
  /** Whatever there is under the key. */
  delete(key: string): Promise<void>
}

export interface Quota {
  readonly limit: number
  readonly windowMs: number
  /** How many at once, 1 or more. */
  readonly cost: number
}

/** Which stamps a `take` has added; means something to the store that gave it, alone. */
export interface Receipt {
  readonly mark: string | number
  readonly cost: number
}

export interface Taken {
  readonly taken: boolean
  /** Null when refused. */
  readonly receipt: Receipt | null
  /** What may still be taken in this window. */
  readonly remaining: number
  /** When refused: ms until `cost` fit; 0 when taken. Never, when `cost` is above `limit`: then `windowMs`. */
  readonly retryAfterMs: number
  /** Ms until the window is empty again. */
  readonly resetMs: number
}
