import type { PluginStorage } from "../../core/plugin.ts"

/** What a company has sent in its day. Durable before a message goes, so that a restart does not begin the day anew. */
export interface Counts {
  /** The day's figures; at once when they are in memory. `date` of an earlier day than theirs changes nothing. */
  of(company: string, date: string): Day | Promise<Day>
  /** Writes them. Rejects when the ledger fails. */
  keep(company: string, day: Day): Promise<void>
}

export interface Day {
  date: string
  sent: number
  begun: number
  /** The latest that were counted: one that is tried again is not counted again. */
  readonly messages: Set<string>
  /** The latest chats that were begun, which stay new until somebody has answered or acknowledged. */
  readonly chats: Set<string>
}

interface Stored {
  readonly date: string
  readonly sent: number
  readonly begun: number
}

const KEY = "day"
/** More than a line has under way at a time. */
const REMEMBERED = 5_000

export function createCounts(storage: PluginStorage, generation: (company: string) => number | undefined): Counts {
  const days = new Map<string, { readonly generation: number | undefined; readonly day: Day }>()
  const loading = new Map<string, Promise<Day>>()
  /** The write that is to come for a company with one under way. */
  const writing = new Map<string, { readonly now: Promise<void>; next: Promise<void> | undefined }>()

  const forward = (day: Day, date: string): Day => {
    // A clock that is set back gives nobody a second day.
    if (date <= day.date) return day
    Object.assign(day, { date, sent: 0, begun: 0 })
    day.messages.clear()
    day.chats.clear()
    return day
  }

  const load = async (company: string): Promise<Day> => {
    const at = generation(company)
    const { date = "", sent = 0, begun = 0 } = (await storage.of(company).get<Stored>(KEY)) ?? {}
    const day: Day = { date, sent, begun, messages: new Set(), chats: new Set() }
    days.set(company, { generation: at, day })
    return day
  }

  const write = (company: string, { date, sent, begun }: Day): Promise<void> =>
    storage.of(company).put(KEY, { date, sent, begun } satisfies Stored)

  const begin = (company: string, day: Day): Promise<void> => {
    const now = write(company, day).finally(() => {
      if (writing.get(company)?.now === now && writing.get(company)?.next === undefined) writing.delete(company)
    })
    writing.set(company, { now, next: undefined })
    return now
  }

  return {
    of(company, date) {
      const known = days.get(company)
      if (known !== undefined && known.generation === generation(company)) return forward(known.day, date)
      const found = loading.get(company) ?? load(company).finally(() => loading.delete(company))
      loading.set(company, found)
      return found.then((day) => forward(day, date))
    },

    keep(company, day) {
      const under = writing.get(company)
      if (under === undefined) return begin(company, day)
      // What is under way may have been made without this one; whoever comes until it ends shares the next.
      under.next ??= under.now.then(
        () => begin(company, day),
        () => begin(company, day),
      )
      return under.next
    },
  }
}

/** Counts a message, and the chat that it begins. Gives what takes that back; undefined for one that is counted already. */
export function count(day: Day, messageId: string, begins: string | undefined): (() => void) | undefined {
  const { date } = day
  if (day.messages.has(messageId)) return undefined
  day.sent++
  if (begins !== undefined) day.begun++
  note(day.messages, messageId)
  if (begins !== undefined) note(day.chats, begins)
  return () => {
    if (day.date !== date || !day.messages.delete(messageId)) return
    day.sent--
    if (begins === undefined) return
    day.begun--
    day.chats.delete(begins)
  }
}

function note(latest: Set<string>, id: string): void {
  latest.add(id)
  if (latest.size <= REMEMBERED) return
  const [oldest] = latest
  if (oldest !== undefined) latest.delete(oldest)
}
