import { createBehind } from "./behind.ts"
import type { Chats } from "./chats.ts"
import type { Clock } from "../clock.ts"
import { toError } from "../errors.ts"
import type { Ledger } from "../ledger.ts"
import type { Logger } from "../log.ts"
import type { OutboxRows } from "./outbox-rows.ts"
import { createPump, type Item, type Pump, type PumpDeps } from "./pump.ts"
import { OUTBOX_TABLE } from "./settle.ts"
import { createTrail } from "./trail.ts"

/** What one connected line has of its outbox in memory: a window from the front, and what need not wait behind it. */
export interface Sender {
  readonly pump: Pick<Pump, "settled" | "withdraw" | "heldBy">
  /** A message is durable in the outbox. */
  offer(item: Item): void
  merge(from: string, into: string): void
  /** Starts nothing any more; resolves when what is under way has come back. */
  stop(): Promise<void>
}

export interface SenderDeps extends Omit<PumpDeps, "drained"> {
  readonly company: string
  readonly ledger: Ledger
  readonly chats: Pick<Chats, "byId">
  readonly rows: OutboxRows
  readonly clock: Clock
  readonly log: Logger
  /** It may have gone out before, and such messages are held back. */
  readonly holdsBack: (item: Item & { readonly tried: boolean }) => boolean
}

/** Messages of one company in memory; the rest waits on disk. */
const WINDOW = 1_000
/** Single sends go on beside it, as long as there are no more in memory. */
const MOST_SINGLE = 10_000
const PAGE = 200
/** Messages behind the window whose chats are known. With more than that, what comes later waits for its turn. */
const MOST_BEHIND = 100_000
const RETRY_MS = 1_000

export function createSender(deps: SenderDeps): Sender {
  const { company, ledger, chats, rows, clock, log } = deps
  const trail = createTrail(log)
  const behind = createBehind()
  /** Accepted while a page was being read: the page may or may not hold them. */
  const meanwhile: Item[] = []
  /** The last key read from disk; there may be more behind it. */
  let seen = ""
  let more = true
  let filling = false
  /** The chats of all that lies behind are known. */
  let known = false
  let stopped = false

  const offer = (item: Item): void => {
    if (filling) return void meanwhile.push(item)
    const fits = pump.size < (item.stoppable === true ? WINDOW : MOST_SINGLE)
    if (!more && fits) {
      if (item.key > seen) seen = item.key
      return pump.add(item)
    }
    if (item.key <= seen) return pump.add(item)
    // The window is full of what waits: from here on what comes stays on disk until there is room.
    if (!more) [more, known] = [true, true]
    // Within a chat nobody overtakes; and one message of a batch has no reason to overtake another.
    if (known && fits && item.stoppable !== true && !behind.has(item.chatId)) {
      behind.pass(item.key)
      return pump.add(item)
    }
    behind.note(item.key, item.chatId)
  }

  const readOn = async (): Promise<void> => {
    const page = await ledger.page(company, OUTBOX_TABLE, { from: `${seen}\u0000`, limit: PAGE })
    const items = await rows.load(company, page.rows)
    if (stopped) return
    for (const item of items) {
      if (behind.hasPassed(item.key)) continue
      trail.takenUp(item.message.row)
      if (!deps.holdsBack(item)) pump.add(item)
    }
    seen = page.rows.at(-1)?.key ?? seen
    more = page.next !== null
    behind.read(seen)
  }

  /** Which chats have something behind the window: what comes to any other chat goes on. */
  const look = async (): Promise<void> => {
    const names = new Map<string, string>()
    for (let from = seen, on = true; on && !stopped; ) {
      const page = await ledger.page(company, OUTBOX_TABLE, { from: `${from}\u0000`, limit: PAGE })
      for (const row of page.rows) {
        const { chat } = rows.read(row)
        // Written before chats were noted: nobody can tell what it would overtake.
        if (chat === undefined) return
        if (!names.has(chat)) names.set(chat, (await chats.byId(company, chat))?.id ?? chat)
        behind.note(row.key, names.get(chat) ?? chat)
        from = row.key
      }
      if (behind.size > MOST_BEHIND) return
      on = page.next !== null
    }
    known = true
  }

  const fill = async (): Promise<void> => {
    if (filling || !more || pump.size > WINDOW / 2) return
    filling = true
    try {
      while (more && pump.size < WINDOW && !stopped) await readOn()
      if (more && !known) await look()
      filling = false
      for (const item of meanwhile.splice(0)) offer(item)
    } catch (thrown) {
      log.warn({ company, error: toError(thrown).message }, "The outbox cannot be read; trying again")
      clock.after(RETRY_MS, () => {
        filling = false
        if (!stopped) void fill()
      })
    }
  }

  const pump = createPump({ ...deps, drained: () => void fill() })
  void fill()

  return {
    pump,
    offer,
    merge(from, into) {
      behind.merge(from, into)
      pump.merge(from, into)
    },
    stop() {
      stopped = true
      return pump.stop()
    },
  }
}
