import { toError } from "../errors.ts"
import type { Logger } from "../log.ts"
import { type Again, type AttemptDeps, createAttempt, FIRST_RETRY_MS, type Held } from "./attempt.ts"
import { insert, type Lane, newLane } from "./lane.ts"
import type { ChatRef } from "../provider.ts"
import { createQueues } from "./queues.ts"
import type { Unsettled } from "./settle.ts"
import { wakeAt } from "./wake.ts"

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
  /** Why a message of that chat is held back, if handlers hold it or one before it; null: one that is still to come. */
  heldBy(chatId: string, messageId: string | null): Held | undefined
  has(messageId: string): boolean
  /** Starts nothing any more; resolves when what is under way has come back. */
  stop(): Promise<void>
}

export interface PumpDeps extends AttemptDeps {
  readonly company: string
  readonly log: Logger
  /** There is room for more. */
  readonly drained: () => void
}

/** Chats that one line serves at the same time. */
const SIDE_BY_SIDE = 32
const LAST_RETRY_MS = 60_000

export function createPump(deps: PumpDeps): Pump {
  const { clock, log, company } = deps
  const attempt = createAttempt(deps)
  const lanes = new Map<string, Lane>()
  const ready: Lane[] = []
  const sending = new Map<string, boolean>()
  const held = new Set<string>()
  let stopped = false
  let idle: (() => void) | undefined

  const laneOf = (chatId: string): Lane => {
    let lane = lanes.get(chatId)
    if (lane === undefined) {
      lane = newLane(chatId)
      lanes.set(chatId, lane)
    }
    return lane
  }

  const offer = (lane: Lane): void => {
    if (lane.ready || lane.busy > 0 || lane.wake !== undefined) return
    if (lane.items.length === 0) {
      queues.leave(lane)
      if (lanes.get(lane.id) === lane) lanes.delete(lane.id)
      return
    }
    if (queues.waits(lane)) return
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
      else offer(lane)
    }
  }

  const queues = createQueues<Lane>(clock, (lane) => {
    offer(lane)
    // Whoever goes first has its try begun before the next one is asked.
    void Promise.resolve().then(pull)
  })

  const sleep = (lane: Lane, again: Again): void => {
    if (stopped) return
    const wake = (): void => {
      lane.wake = undefined
      offer(lane)
      pull()
    }
    lane.wake?.cancel()
    lane.wake = undefined
    if ("firstMs" in again) {
      const ms = Math.min(LAST_RETRY_MS, again.firstMs * 2 ** Math.min(lane.tries++, 16))
      lane.wake = clock.after(Math.max(1, ms), wake)
      return queues.leave(lane)
    }
    lane.held = again.held
    if (again.queue !== null) return queues.stand(again.queue, lane, again.held.until)
    lane.wake = wakeAt(clock, again.held.until, wake)
    queues.leave(lane)
  }

  const serve = async (lane: Lane, item: Item): Promise<void> => {
    lane.busy++
    sending.set(item.messageId, false)
    const trial = {
      passed() {
        lane.held = undefined
        queues.leave(lane)
      },
      isStopped: () => stopped,
      isProven: () => sending.get(item.messageId) === true,
    }
    const again = await attempt(item, trial).catch((thrown: unknown): Again => {
      const { messageId, message } = item
      const requestId = message.row.requestId ?? undefined
      log.error({ company, messageId, requestId, error: toError(thrown).message }, "A send could not be tried")
      return { firstMs: FIRST_RETRY_MS }
    })
    const proven = trial.isProven()
    sending.delete(item.messageId)
    const now = lane.joined ?? lane
    now.busy--
    if (again === undefined || proven) {
      held.delete(item.messageId)
      now.tries = 0
      queues.leave(now)
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
        lane.held = undefined
        lane.tries = 0
        queues.call(lane)
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
      // Whoever writes into a chat that is held back may have been written to meanwhile.
      if (item.stoppable !== true && lane.held !== undefined) {
        lane.wake?.cancel()
        lane.wake = undefined
        queues.call(lane)
      }
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
      queues.leave(old)
      const lane = laneOf(into)
      old.joined = lane
      lane.busy += old.busy
      for (const item of old.items.splice(0)) insert(lane, item)
      queues.call(lane)
      offer(lane)
      pull()
    },

    get size() {
      return held.size
    },
    heldBy(chatId, messageId) {
      const lane = lanes.get(chatId)
      const waits = lane?.items.some((item) => messageId === null || item.messageId === messageId)
      if (lane?.held === undefined || waits !== true) return undefined
      return { reason: lane.held.reason, until: Math.max(lane.held.until, queues.until(lane) ?? 0) }
    },
    has: (messageId) => held.has(messageId),

    stop() {
      stopped = true
      for (const lane of lanes.values()) lane.wake?.cancel()
      queues.stop()
      if (sending.size === 0) return Promise.resolve()
      return new Promise((resolve) => {
        idle = resolve
      })
    },
  }
}
