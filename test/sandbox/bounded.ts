/** A map that forgets its oldest entries beyond a limit and says how many it forgot. */
export interface BoundedMap<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
  delete(key: K): void
  values(): IterableIterator<V>
  clear(): void
  readonly size: number
  readonly forgotten: number
}

export function boundedMap<K, V>(limit: number): BoundedMap<K, V> {
  const entries = new Map<K, V>()
  let forgotten = 0
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.set(key, value)
      if (entries.size <= limit) return
      const [oldest] = entries.keys()
      if (oldest === undefined) return
      entries.delete(oldest)
      forgotten++
    },
    delete: (key) => void entries.delete(key),
    values: () => entries.values(),
    clear: () => entries.clear(),
    get size() {
      return entries.size
    },
    get forgotten() {
      return forgotten
    },
  }
}

/** Keeps the last `limit` items. */
export interface BoundedList<T> {
  push(item: T): void
  items(): readonly T[]
}

export function boundedList<T>(limit: number): BoundedList<T> {
  let list: T[] = []
  return {
    push(item) {
      list.push(item)
      if (list.length > limit * 2) list = list.slice(-limit)
    },
    items: () => (list.length > limit ? list.slice(-limit) : list),
  }
}
