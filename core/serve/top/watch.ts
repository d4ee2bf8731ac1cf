import { SwitchboardError } from "../client/error.ts"
import { CommandFailure } from "../companies/failure.ts"
import { type Changes, createTracker, type Figures } from "./figures.ts"
import type { Scene } from "./view.ts"

/** Looks at a server again and again, and knows what to show of it. */
export interface Watch {
  /**
   * One look. A server that does not answer makes a scene with `away`; one that does not let this key look rejects with a
   * CommandFailure.
   */
  look(): Promise<Scene>
  /** As it is now, without a new look. */
  scene(): Scene
  /** Why the last look failed, when it did. */
  failure(): SwitchboardError | undefined
}

const REFUSED: ReadonlySet<string> = new Set(["UNAUTHORIZED", "FORBIDDEN", "TOO_MANY_ATTEMPTS", "INVALID_ARGUMENT"])

export function createWatch(
  url: string,
  collect: () => Promise<Figures>,
  remedyOf: (code: string) => string | undefined,
): Watch {
  const tracker = createTracker()
  let figures: Figures | undefined
  let changes: Changes | undefined
  let away: Scene["away"]
  let failure: SwitchboardError | undefined
  let takenAt: number | undefined

  const scene = (): Scene => ({ url, now: Date.now(), figures, takenAt, changes, away })
  return {
    scene,
    failure: () => failure,
    async look() {
      try {
        figures = await collect()
        takenAt = Date.now()
        changes = tracker.note(figures)
        away = undefined
        failure = undefined
      } catch (thrown) {
        if (!(thrown instanceof SwitchboardError)) throw thrown
        const { code, message } = thrown
        if (REFUSED.has(code)) throw new CommandFailure(message, { code, remedy: remedyOf(code) })
        failure = thrown
        away = { since: away?.since ?? Date.now(), message }
      }
      return scene()
    },
  }
}
