import type { Clock } from "../clock.ts"
import type { Meter } from "../monitor/meter.ts"
import { createLru } from "../records/lru.ts"
import type { Item } from "./pump.ts"

/** How long messages wait until they are handed to the provider, measured at the first time since the start. */
export interface FirstTries {
  handsOver(item: Item): void
  /** It stays in the outbox, and will be handed over again. */
  again(item: Item): void
}

/** At least half of them, see `createLru`. */
const REMEMBERED = 10_000

export function createFirstTries(meter: Meter, clock: Clock): FirstTries {
  const tried = createLru<true>(REMEMBERED)
  return {
    handsOver({ messageId, message }) {
      const { queued } = message.row.times
      if (queued !== undefined && tried.get(messageId) === undefined) meter.waited(Math.max(0, clock.now() - queued))
    },
    again: ({ messageId }) => tried.set(messageId, true),
  }
}
