import { boundedMap, type BoundedMap } from "./bounded.ts"
import { createWatch, type Watch } from "./watch.ts"

/** A text that a phone could read. */
export interface Received {
  /** Rises by one with each new message of this phone. */
  readonly seq: number
  readonly id: string
  /** Digits of the writer's phone number; for copies of what the own linked device sent, the own number. */
  readonly from: string
  /** Digits of the chat's phone number, or the group's JID. */
  readonly chat: string
  readonly text: string
  /** When it was read first, ms since the epoch. */
  readonly at: number
  lastAt: number
  /** How often it arrived and could be read, or was recognised as a repeat. */
  times: number
  /** True for copies of what the own linked devices sent. */
  readonly own: boolean
  readonly addressing: "pn" | "lid"
}

export interface InboxFilter {
  readonly id?: string | undefined
  readonly from?: string | undefined
  readonly chat?: string | undefined
  readonly text?: string | undefined
  readonly contains?: string | undefined
  readonly own?: boolean | undefined
  /** Only messages with a higher `seq`. */
  readonly after?: number | undefined
  /** Only messages that came at least this often. */
  readonly times?: number | undefined
}

export interface Inbox {
  add(message: Omit<Received, "seq" | "at" | "lastAt" | "times">): Received
  /** Notes that a known message came once more; false when it is not known. */
  repeat(from: string, id: string): boolean
  find(filter: InboxFilter, limit: number): Received[]
  /** The first `count` matches as soon as there are that many, or what there is after `ms`. */
  wait(filter: InboxFilter, count: number, ms: number): Promise<Received[]>
  clear(): void
  readonly total: number
  readonly forgotten: number
  readonly watch: Watch
}

const KEPT = 100_000

export function createInbox(): Inbox {
  const messages: BoundedMap<string, Received> = boundedMap(KEPT)
  const watch = createWatch()
  let seq = 0

  const find = (filter: InboxFilter, limit: number): Received[] => {
    const found: Received[] = []
    for (const message of messages.values()) {
      if (!matches(message, filter)) continue
      found.push(message)
      if (found.length >= limit) break
    }
    return found
  }
  const repeat = (from: string, id: string): boolean => {
    const known = messages.get(`${from} ${id}`)
    if (!known) return false
    known.times++
    known.lastAt = Date.now()
    watch.changed()
    return true
  }

  return {
    repeat,
    find,
    watch,
    add(message) {
      const key = `${message.from} ${message.id}`
      const known = messages.get(key)
      if (known) {
        repeat(message.from, message.id)
        return known
      }
      const now = Date.now()
      const added: Received = { ...message, seq: ++seq, at: now, lastAt: now, times: 1 }
      messages.set(key, added)
      watch.changed()
      return added
    },
    async wait(filter, count, ms) {
      const enough = (): Received[] | undefined => {
        const found = find(filter, count)
        return found.length >= count ? found : undefined
      }
      return (await watch.until(enough, ms)) ?? find(filter, count)
    },
    clear: () => messages.clear(),
    get total() {
      return seq
    },
    get forgotten() {
      return messages.forgotten
    },
  }
}

function matches(message: Received, filter: InboxFilter): boolean {
  if (filter.after !== undefined && message.seq <= filter.after) return false
  if (filter.id !== undefined && message.id !== filter.id) return false
  if (filter.from !== undefined && message.from !== filter.from) return false
  if (filter.chat !== undefined && message.chat !== filter.chat) return false
  if (filter.text !== undefined && message.text !== filter.text) return false
  if (filter.contains !== undefined && !message.text.includes(filter.contains)) return false
  if (filter.own !== undefined && message.own !== filter.own) return false
  return filter.times === undefined || message.times >= filter.times
}
