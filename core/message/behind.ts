/**
 * What waits behind the part of an outbox that is in memory: which chats have something there, so that a message to any
 * other chat need not wait until all of it has been read.
 */
export interface Behind {
  note(key: string, chatId: string): void
  /** A message that went on although it lies behind. */
  pass(key: string): void
  hasPassed(key: string): boolean
  /** Everything up to this key has been read. */
  read(upTo: string): void
  has(chatId: string): boolean
  merge(from: string, into: string): void
  readonly size: number
}

export function createBehind(): Behind {
  const chats = new Map<string, string>()
  const counts = new Map<string, number>()
  const passed = new Set<string>()

  const count = (chatId: string, by: number): void => {
    const left = (counts.get(chatId) ?? 0) + by
    if (left > 0) counts.set(chatId, left)
    else counts.delete(chatId)
  }

  return {
    note(key, chatId) {
      if (chats.has(key) || passed.has(key)) return
      chats.set(key, chatId)
      count(chatId, 1)
    },
    pass: (key) => void passed.add(key),
    hasPassed: (key) => passed.has(key),
    read(upTo) {
      for (const [key, chatId] of chats) {
        if (key > upTo) continue
        chats.delete(key)
        count(chatId, -1)
      }
      for (const key of passed) if (key <= upTo) passed.delete(key)
    },
    has: (chatId) => counts.has(chatId),
    merge(from, into) {
      const moved = counts.get(from)
      if (moved === undefined || from === into) return
      for (const [key, chatId] of chats) if (chatId === from) chats.set(key, into)
      counts.delete(from)
      count(into, moved)
    },
    get size() {
      return chats.size
    },
  }
}
