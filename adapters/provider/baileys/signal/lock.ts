/** One at a time, in the order asked. Released when the task has settled, never by a timer. */
export type Lock = <T>(task: () => Promise<T>) => Promise<T>

export function createLock(): Lock {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const mine = last.then(task, task)
    // A failure is its own caller's; the next in line goes on all the same.
    last = mine.catch(() => undefined)
    return mine
  }
}
