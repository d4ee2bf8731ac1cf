import type { MaybePromise } from "./sealer.ts"

/** Writes that begin in the order in which they were asked for, however long each takes to prepare. */
export interface Turns {
  /**
   * Begins `work` when `prepared` is there and all asked for before have begun, which may be at once; resolves when it has
   * ended.
   */
  next<T>(prepared: MaybePromise<T>, work: (value: T) => Promise<void>): Promise<void>
  /** Runs `work` when all asked for before has ended; what is asked for later waits for its end. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

export function createTurns(): Turns {
  /** What has not begun yet, in its order; undefined when everything has. */
  let last: Promise<unknown> | undefined
  const running = new Set<Promise<unknown>>()

  const follow = <T>(turn: Promise<T>): Promise<T> => {
    // Whoever comes next does not care how it ended.
    const settled: Promise<unknown> = turn
      .catch(() => undefined)
      .then(() => {
        if (last === settled) last = undefined
      })
    last = settled
    return turn
  }

  const run = <T>(value: T, work: (value: T) => Promise<void>): Promise<void> => {
    const done = work(value)
    const end = (): void => void running.delete(done)
    running.add(done)
    done.then(end, end)
    return done
  }

  return {
    next(prepared, work) {
      if (last === undefined && !(prepared instanceof Promise)) return run(prepared, work)
      const value = Promise.resolve(prepared)
      // Its failure is told in its turn.
      value.catch(() => undefined)
      // The work itself in an object, so that the next one does not wait for its end.
      const begun = follow((last ?? Promise.resolve()).then(() => value).then((at) => ({ done: run(at, work) })))
      return begun.then(({ done }) => done)
    },
    alone(work) {
      const before = last ?? Promise.resolve()
      return follow(before.then(() => Promise.allSettled(running)).then(work))
    },
  }
}
