/** Runs one piece of work after another by name; those of different names go on side by side. */
export type Lanes = <T>(name: string, work: () => Promise<T>) => Promise<T>

export function createLanes(): Lanes {
  const ends = new Map<string, Promise<void>>()
  return async (name, work) => {
    const result = (ends.get(name) ?? Promise.resolve()).then(work)
    // Whoever asked for the work hears how it ended; the next one only that it did.
    const end = result.then(
      () => undefined,
      () => undefined,
    )
    ends.set(name, end)
    try {
      return await result
    } finally {
      if (ends.get(name) === end) ends.delete(name)
    }
  }
}
