import { compareUtf8 } from "../../../core/records/utf8.ts"

/** Texts in the order of their UTF-8 bytes, with a value each. */
export interface SortedMap<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  /** Position of the first key that is not below `key`. */
  seek(key: string): number
  at(position: number): { readonly key: string; readonly value: V } | undefined
  values(): Iterable<V>
  readonly size: number
}

export function createSortedMap<V>(): SortedMap<V> {
  const values = new Map<string, V>()
  const order: string[] = []

  function seek(key: string): number {
    let low = 0
    let high = order.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareUtf8(order[middle] ?? "", key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    get: (key) => values.get(key),
    set(key, value) {
      if (!values.has(key)) order.splice(seek(key), 0, key)
      values.set(key, value)
    },
    delete(key) {
      if (values.delete(key)) order.splice(seek(key), 1)
    },
    seek,
    at(position) {
      const key = order[position]
      if (key === undefined) return undefined
      return { key, value: values.get(key) as V }
    },
    values: () => values.values(),
    get size() {
      return values.size
    },
  }
}
