import type { Clock } from "../../core/plugin.ts"

/** The time between messages: of a company, and to one chat. Times are monotonic: a clock that is set holds nobody up. */
export interface Pace {
  /** Ms until a message of the company, and one to the chat, may go. */
  wait(company: string, chatId: string, spacingMs: number): { readonly pace: number; readonly spacing: number }
  /** It goes now. Gives what takes that back. */
  take(company: string, chatId: string, intervalMs: number): () => void
}

/** Chats in memory, over all companies. */
const REMEMBERED = 50_000

export function createPace(clock: Pick<Clock, "monotonic">): Pace {
  /** When the next message of a company may go. */
  const next = new Map<string, number>()
  /** When the last one to a chat went. */
  const last = new Map<string, number>()

  return {
    wait(company, chatId, spacingMs) {
      const now = clock.monotonic()
      const went = last.get(`${company}\n${chatId}`)
      return {
        pace: Math.max(0, (next.get(company) ?? 0) - now),
        spacing: went === undefined ? 0 : Math.max(0, went + spacingMs - now),
      }
    },

    take(company, chatId, intervalMs) {
      const now = clock.monotonic()
      const place = `${company}\n${chatId}`
      const [nextBefore, lastBefore] = [next.get(company), last.get(place)]
      const [nextNow, lastNow] = [now + intervalMs, now]
      next.set(company, nextNow)
      last.delete(place)
      last.set(place, lastNow)
      if (last.size > REMEMBERED) for (const oldest of [...last.keys()].slice(0, REMEMBERED / 10)) last.delete(oldest)
      return () => {
        if (next.get(company) === nextNow) restore(next, company, nextBefore)
        if (last.get(place) === lastNow) restore(last, place, lastBefore)
      }
    },
  }
}

function restore(times: Map<string, number>, key: string, before: number | undefined): void {
  if (before === undefined) times.delete(key)
  else times.set(key, before)
}
