import type { Clock } from "../../../core/clock.ts"

/** A map that forgets what was used longest ago, and optionally what is too old. No timers: age is looked at on reading. */
export interface BoundedMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  clear(): void
  readonly size: number
}

export interface Bounds {
  readonly max: number
  /** Entries older than this are as good as absent. */
  readonly maxAgeMs?: number
  readonly clock?: Clock
}

export function createBoundedMap<V>(bounds: Bounds): BoundedMap<V> {
  const entries = new Map<string, { readonly value: V; readonly since: number }>()
  const now = () => bounds.clock?.monotonic() ?? 0
  return {
    get(key) {
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      if (bounds.maxAgeMs !== undefined && now() - entry.since > bounds.maxAgeMs) return undefined
      entries.set(key, entry)
      return entry.value
    },
    set(key, value) {
      entries.delete(key)
      entries.set(key, { value, since: now() })
      if (entries.size <= bounds.max) return
      const oldest = entries.keys().next()
      if (!oldest.done) entries.delete(oldest.value)
    },
    delete(key) {
      entries.delete(key)
    },
    clear: () => entries.clear(),
    get size() {
      return entries.size
    },
  }
}
