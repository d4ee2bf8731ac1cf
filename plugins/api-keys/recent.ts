/** A map that forgets what was used longest ago once it holds more than `most` entries. */
export interface Recent<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
}

export function createRecent<V>(most: number): Recent<V> {
  const entries = new Map<string, V>()
  const set = (key: string, value: V): void => {
    entries.delete(key)
    entries.set(key, value)
    if (entries.size <= most) return
    const [oldest] = entries.keys()
    if (oldest !== undefined) entries.delete(oldest)
  }
  return {
    get(key) {
      const value = entries.get(key)
      if (value !== undefined) set(key, value)
      return value
    },
    set,
    delete: (key) => void entries.delete(key),
  }
}
