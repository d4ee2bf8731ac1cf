import type { Clock, Timer } from "../clock.ts"
import { toError } from "../errors.ts"
import type { Logger } from "../log.ts"
import type { Hold } from "../plugin.ts"
import type { ChatRef, Connection, SendOutcome } from "../provider.ts"
import type { Unsettled } from "./settle.ts"

/** One message on its way out. */
export interface Item extends Unsettled {
  /** Its place in the company's order. */
  readonly key: string
  readonly messageId: string
  readonly chatId: string
  readonly to: ChatRef
  readonly wire: Uint8Array
  readonly expiresAt: number
  /** It may be stopped as long as it has not been tried, so each first try is put on record before. */
  readonly stoppable?: true
}

/** Sends what waits, over one connection: in order within a chat, many chats side by side. */
export interface Pump {
  add(item: Item): void
  /** A receipt has shown that it was sent. */
  settled(messageId: string): void
  /** Takes a waiting item out; false when it is being sent just now, or is not here. */
  withdraw(messageId: string): "withdrawn" | "sending" | "unknown"
  /** Two chats turned out to be one. */
  merge(from: string, into: string): void
  readonly size: number
  has(messageId: string): boolean
  /** Starts nothing any more; resolves when what is under way has come back. */
  stop(): Promise<void>
}

export interface PumpDeps {
  readonly company: string
  readonly connection: Connection
  readonly clock: Clock
  readonly log: Logger
  /** Called before the first try; undefined when nothing holds messages back. */
  readonly hold: ((item: Item) => Promise<Hold> | Hold) | undefined
  /** Awaited before each try, where a try has to be on record. False: the message has been stopped. */
  readonly beforeTry: (item: Item) => Promise<boolean> | true
  /** What an outcome means. True when the message has left the queue, false when it is to be tried again. */
  readonly outcome: (item: Item, outcome: SendOutcome) => boolean
  readonly expired: (item: Item) => void
  /** There is room for more. */
  readonly drained: () => void
}

interface Lane {
  readonly id: string
  readonly items: Item[]
  busy: number
  tries: number
  wake: Timer | undefined
  /** It stands in the queue of lanes that can go on. */
  ready: boolean
  /** The lane that this one has become part of. */
  joined: Lane | undefined
}

/** When to try again: at a time that was given, or after a delay that grows. */
type Again = { readonly atMs: number } | { readonly firstMs: number }

/** Chats that one line serves at the same time. */
const SIDE_BY_SIDE = 32
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** A message that may have gone out is not hurried after. */
const UNKNOWN_RETRY_MS = 30_000

export function createPump(deps: PumpDeps): Pump {
  const { connection, clock, log, company } = deps
  const lanes = new Map<string, Lane>()
  const ready: Lane[] = []
  const sending = new Map<string, boolean>()
  const held = new Set<string>()
  let stopped = false
  let idle: (() => void) | undefined

  const laneOf = (chatId: string): Lane => {
    let lane = lanes.get(chatId)
    if (lane === undefined) {
      lane = { id: chatId, items: [], busy: 0, tries: 0, wake: undefined, ready: false, joined: undefined }
      lanes.set(chatId, lane)
    }
    return lane
  }

  const offer = (lane: Lane): void => {
    if (lane.ready || lane.busy > 0 || lane.wake !== undefined) return
    if (lane.items.length === 0) {
      if (lanes.get(lane.id) === lane) lanes.delete(lane.id)
      return
    }
    lane.ready = true
    ready.push(lane)
  }

  const pull = (): void => {
    while (!stopped && sending.size < SIDE_BY_SIDE) {
      const lane = ready.shift()
      if (lane === undefined) return
      lane.ready = false
      const item = lane.busy === 0 ? lane.items.shift() : undefined
      if (item !== undefined) void serve(lane, item)
    }
  }

  const sleep = (lane: Lane, again: Again): void => {
    if (stopped) return
    const ms =
      "atMs" in again
        ? again.atMs - clock.now()
        : Math.min(LAST_RETRY_MS, again.firstMs * 2 ** Math.min(lane.tries++, 16))
    lane.wake?.cancel()
    lane.wake = clock.after(Math.max(1, ms), () => {
      lane.wake = undefined
      offer(lane)
      pull()
    })
  }

  const serve = async (lane: Lane, item: Item): Promise<void> => {
    lane.busy++
    sending.set(item.messageId, false)
    const again = await attempt(item).catch((thrown: unknown): Again => {
      log.error({ company, messageId: item.messageId, error: toError(thrown).message }, "A send could not be tried")
      return { firstMs: FIRST_RETRY_MS }
    })
    const proven = sending.get(item.messageId) === true
    sending.delete(item.messageId)
    const now = lane.joined ?? lane
    now.busy--
    if (again === undefined || proven) {
      held.delete(item.messageId)
      now.tries = 0
    } else {
      insert(now, item)
      sleep(now, again)
    }
    offer(now)
    if (stopped) {
      if (sending.size === 0) idle?.()
      return
    }
    pull()
    deps.drained()
  }

  const attempt = async (item: Item): Promise<Again | undefined> => {
    if (clock.now() >= item.expiresAt) {
      deps.expired(item)
      return undefined
    }
    if (deps.hold !== undefined) {
      const { notBefore } = await deps.hold(item)
      if (notBefore !== null && notBefore > clock.now()) return { atMs: notBefore }
    }
    const may = deps.beforeTry(item)
    if (may !== true && !(await may)) return undefined
    if (stopped) return { firstMs: FIRST_RETRY_MS }
    const outcome = await connection.send({ id: item.messageId, to: item.to, wire: item.wire })
    if (sending.get(item.messageId) === true || deps.outcome(item, outcome)) return undefined
    return { firstMs: outcome.outcome === "unknown" ? UNKNOWN_RETRY_MS : FIRST_RETRY_MS }
  }

  const insert = (lane: Lane, item: Item): void => {
    let at = lane.items.length
    while (at > 0 && (lane.items[at - 1] as Item).key > item.key) at--
    lane.items.splice(at, 0, item)
  }

  const withdraw = (messageId: string): "withdrawn" | "sending" | "unknown" => {
    if (!held.has(messageId)) return "unknown"
    if (sending.has(messageId)) return "sending"
    held.delete(messageId)
    for (const lane of lanes.values()) {
      const at = lane.items.findIndex((item) => item.messageId === messageId)
      if (at < 0) continue
      lane.items.splice(at, 1)
      if (at === 0) {
        // The next one has not been tried yet.
        lane.wake?.cancel()
        lane.wake = undefined
        lane.tries = 0
      }
      offer(lane)
      pull()
      break
    }
    return "withdrawn"
  }

  return {
    add(item) {
      if (stopped || held.has(item.messageId)) return
      held.add(item.messageId)
      const lane = laneOf(item.chatId)
      insert(lane, item)
      offer(lane)
      pull()
    },

    settled(messageId) {
      if (sending.has(messageId)) sending.set(messageId, true)
      else withdraw(messageId)
    },

    withdraw,

    merge(from, into) {
      const old = lanes.get(from)
      if (old === undefined || from === into) return
      lanes.delete(from)
      old.wake?.cancel()
      const lane = laneOf(into)
      old.joined = lane
      lane.busy += old.busy
      for (const item of old.items.splice(0)) insert(lane, item)
      offer(lane)
      pull()
    },

    get size() {
      return held.size
    },
    has: (messageId) => held.has(messageId),

    stop() {
      stopped = true
      for (const lane of lanes.values()) lane.wake?.cancel()
      if (sending.size === 0) return Promise.resolve()
      return new Promise((resolve) => {
        idle = resolve
      })
    },
  }
}
