import type { Timer } from "../clock.ts"
import type { Held } from "./attempt.ts"
import type { Item } from "./pump.ts"

/** What waits in one chat, in its order. */
export interface Lane {
  readonly id: string
  readonly items: Item[]
  busy: number
  tries: number
  wake: Timer | undefined
  /** Why its first message waits, where handlers hold it back. */
  held: Held | undefined
  /** It stands in the queue of lanes that can go on. */
  ready: boolean
  /** The lane that this one has become part of. */
  joined: Lane | undefined
}

export function newLane(id: string): Lane {
  return { id, items: [], busy: 0, tries: 0, wake: undefined, held: undefined, ready: false, joined: undefined }
}

export function insert({ items }: Lane, item: Item): void {
  let at = items.length
  while (at > 0 && (items[at - 1] as Item).key > item.key) at--
  items.splice(at, 0, item)
}
