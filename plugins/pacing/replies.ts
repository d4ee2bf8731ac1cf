import type { Clock, PluginStorage } from "../../core/plugin.ts"

/** When somebody last wrote in each chat. */
export interface Replies {
  /** Somebody has written at that time. Durable, at least to a twenty-fourth of the window, when it resolves. */
  heard(company: string, chatId: string, at: number, windowMs: number): Promise<void>
  /** Whether somebody has written within the window; at once when it is in memory. */
  isReply(company: string, chatId: string, windowMs: number): boolean | Promise<boolean>
  /** Forgets on disk what no window reaches any more. */
  sweep(): Promise<void>
}

interface Heard {
  at: number
  /** What is on disk. */
  kept: number
}

/** Chats in memory, over all companies; the others are read again when they are needed. */
const REMEMBERED = 20_000
const SWEPT_AT_ONCE = 200
const PARTS = 24

export function createReplies(storage: PluginStorage, clock: Pick<Clock, "now">): Replies {
  const chats = new Map<string, Heard>()
  const keyOf = (chatId: string): string => `heard/${chatId}`

  const remember = (place: string, heard: Heard): Heard => {
    chats.delete(place)
    chats.set(place, heard)
    if (chats.size > REMEMBERED) for (const oldest of [...chats.keys()].slice(0, REMEMBERED / 10)) chats.delete(oldest)
    return heard
  }

  const within = ({ at }: Heard, windowMs: number): boolean => at > clock.now() - windowMs

  return {
    async heard(company, chatId, said, windowMs) {
      const place = `${company}\n${chatId}`
      const known = chats.get(place)
      // What was written while the line was down comes late, and may come after what was written later.
      const at = Math.max(known?.at ?? 0, Math.min(said, clock.now()))
      const heard = remember(place, { at, kept: known?.kept ?? 0 })
      if (heard.kept > at - windowMs / PARTS) return
      heard.kept = at
      await storage.of(company).put(keyOf(chatId), at, { due: at + windowMs })
    },

    isReply(company, chatId, windowMs) {
      if (windowMs === 0) return false
      const place = `${company}\n${chatId}`
      const known = chats.get(place)
      if (known !== undefined) return within(known, windowMs)
      return storage
        .of(company)
        .get<number>(keyOf(chatId))
        .then((kept = 0) => within(chats.get(place) ?? remember(place, { at: kept, kept }), windowMs))
    },

    async sweep() {
      for (;;) {
        const records = await storage.due(clock.now(), SWEPT_AT_ONCE)
        for (const { company, key } of records) await storage.of(company).delete(key)
        if (records.length < SWEPT_AT_ONCE) return
      }
    },
  }
}
