import type { Clock } from "../clock.ts"
import { toError } from "../errors.ts"
import { within } from "../within.ts"

/** What has been done so far at start, each with what takes it back; unwound in reverse, at a failed start and at the stop. */
export interface UndoStack {
  push(name: string, undo: () => unknown): void
  /**
   * Takes everything back, last first. One that throws or hangs does not keep the rest from being taken back: it is
   * reported, and each has what is left of `budgetMs`, at least `LEAST_MS`.
   */
  unwind(budgetMs: number): Promise<void>
}

export interface UndoOptions {
  readonly clock: Clock
  readonly onFailure: (name: string, error: Error) => void
}

/** Enough for what only has to let go of something. */
const LEAST_MS = 500

export function createUndoStack({ clock, onFailure }: UndoOptions): UndoStack {
  const done: { readonly name: string; readonly undo: () => unknown }[] = []
  return {
    push: (name, undo) => void done.push({ name, undo }),
    async unwind(budgetMs) {
      const end = clock.monotonic() + budgetMs
      for (let step = done.pop(); step !== undefined; step = done.pop()) {
        const left = Math.max(LEAST_MS, end - clock.monotonic())
        try {
          const inTime = await within(clock, left, Promise.resolve(step.undo()))
          if (!inTime) onFailure(step.name, new Error(`had not ended after ${Math.round(left)} ms`))
        } catch (thrown) {
          onFailure(step.name, toError(thrown))
        }
      }
    },
  }
}
