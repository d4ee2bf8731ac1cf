/** Messages of batches that have their stamp: one that is tried again within the window needs no other. */
export interface StampedMessages {
  has(company: string, messageId: string): boolean
  add(company: string, messageId: string, forMs: number): void
  delete(company: string, messageId: string): void
}

/** Entries at which those that have ended are looked for; after that, whenever there are twice as many as were left. */
const FIRST_SWEEP = 10_000

export function createStampedMessages(monotonic: () => number): StampedMessages {
  const ends = new Map<string, number>()
  let sweepAt = FIRST_SWEEP
  const keyOf = (company: string, messageId: string): string => `${company}\n${messageId}`

  return {
    has: (company, messageId) => (ends.get(keyOf(company, messageId)) ?? 0) > monotonic(),
    add(company, messageId, forMs) {
      const now = monotonic()
      if (ends.size >= sweepAt) {
        for (const [key, end] of ends) if (end <= now) ends.delete(key)
        sweepAt = Math.max(FIRST_SWEEP, 2 * ends.size)
      }
      ends.set(keyOf(company, messageId), now + forMs)
    },
    delete: (company, messageId) => void ends.delete(keyOf(company, messageId)),
  }
}
