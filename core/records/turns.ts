/** Writes that begin in the order in which they were asked for, however long each takes to prepare. */
export interface Turns {
  /** Begins `work` when `prepared` is there and all asked for before have begun; resolves when it has ended. */
  next<T>(prepared: Promise<T>, work: (value: T) => Promise<void> | undefined): Promise<void>
  /** Runs `work` when all asked for before has ended; what is asked for later waits for its end. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  const running = new Set<Promise<unknown>>()

  const follow = <T>(turn: Promise<T>): Promise<T> => {
    // Whoever comes next does not care how it ended.
    last = turn.catch(() => undefined)
    return turn
  }

  return {
    next(prepared, work) {
      // Its failure is told in its turn.
      prepared.catch(() => undefined)
      const begun = follow(
        last
          .then(() => prepared)
          .then((value) => {
            const done = work(value)
            if (done === undefined) return undefined
            const settled: Promise<unknown> = done
              .catch(() => undefined)
              .finally(() => {
                running.delete(settled)
              })
            running.add(settled)
            // In an object, so that the next one does not wait for it.
            return { done }
          }),
      )
      return begun.then((started) => started?.done)
    },
    alone(work) {
      return follow(last.then(() => Promise.all(running)).then(work))
    },
  }
}
