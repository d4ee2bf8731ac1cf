/** What handlers have taken for one message: it is given back when the message does not go after all. */
export interface Takings {
  /** What handlers get to say how to take theirs back. One that comes when the message has been dropped runs at once. */
  readonly undo: (task: () => void) => void
  /** The message does not go. */
  drop(): void
}

/** `onFault` hears what a task throws: the sender's own way on must not depend on it. */
export function createTakings(onFault: (thrown: unknown) => void): Takings {
  let tasks: (() => void)[] = []
  let dropped = false

  const run = (task: () => void): void => {
    try {
      task()
    } catch (thrown) {
      onFault(thrown)
    }
  }

  return {
    undo(task) {
      if (dropped) run(task)
      else tasks.push(task)
    },
    drop() {
      dropped = true
      const all = tasks.reverse()
      tasks = []
      for (const task of all) run(task)
    },
  }
}
