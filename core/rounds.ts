import type { Clock } from "./clock.ts"
import { toError } from "./errors.ts"
import type { Logger } from "./log.ts"

/** Housekeeping that comes round again and again. */
export interface Rounds {
  /** Runs `task` every `ms`, never twice at a time; a failure is told and the next round tries again. */
  every(name: string, ms: number, task: () => Promise<void>): void
  /** Begins no further round. */
  stop(): void
}

export function createRounds(clock: Clock, log: Logger): Rounds {
  const timers: { cancel(): void }[] = []
  return {
    every(name, ms, task) {
      let running = false
      const round = async (): Promise<void> => {
        if (running) return
        running = true
        try {
          await task()
        } catch (thrown) {
          log.warn({ task: name, error: toError(thrown).message }, "Housekeeping failed; it is tried again")
        } finally {
          running = false
        }
      }
      timers.push(clock.every(ms, () => void round()))
    },
    stop() {
      for (const timer of timers) timer.cancel()
    },
  }
}
