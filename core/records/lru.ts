/** A map that holds at most `limit` entries and forgets those that have not been used for longest. */
export interface Lru<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  /** Forgets every key that begins so. */
  deleteAll(prefix: string): void
}

/**
 * In two halves: what is used goes into the newer one, and when that is full the older one is let go of. So a use of what
 * was used a moment ago moves nothing, and an entry stays for at least `limit / 2` others.
 */
export function createLru<V>(limit: number): Lru<V> {
  const half = Math.max(1, Math.floor(limit / 2))
  let newer = new Map<string, V>()
  let older = new Map<string, V>()

  const set = (key: string, value: V): void => {
    newer.set(key, value)
    if (newer.size < half) return
    older = newer
    newer = new Map()
  }

  return {
    get(key) {
      const value = newer.get(key)
      if (value !== undefined) return value
      const found = older.get(key)
      if (found === undefined) return undefined
      older.delete(key)
      set(key, found)
      return found
    },
    set(key, value) {
      older.delete(key)
      set(key, value)
    },
    delete(key) {
      newer.delete(key)
      older.delete(key)
    },
    deleteAll(prefix) {
      for (const half of [newer, older]) for (const key of half.keys()) if (key.startsWith(prefix)) half.delete(key)
    },
  }
}
