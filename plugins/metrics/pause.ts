import type { Clock } from "../../core/plugin.ts"

/** How long one piece of work may hold up everything else. */
const PIECE_MS = 5

/** Lets others go first, once what has been done since the last pause has taken long. */
export function createPause(clock: Clock): () => Promise<void> {
  let begun = clock.monotonic()
  return async () => {
    if (clock.monotonic() - begun < PIECE_MS) return
    await clock.sleep(0)
    begun = clock.monotonic()
  }
}
