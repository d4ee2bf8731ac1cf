import type { Clock, Timer } from "../clock.ts"
import { isErased } from "../company/guard.ts"
import { toError } from "../errors.ts"
import type { Ledger, Op } from "../ledger.ts"
import type { Logger } from "../log.ts"
import type { KnownFields } from "../log-fields.ts"
import type { Delivery, DeliveryChannel } from "../views.ts"
import { within } from "../within.ts"
import { attempt, type AttemptDeps, inTime, type Outcome } from "./attempt.ts"
import { createLanes, type Lane, type LaneLimits, type Lanes } from "./lanes.ts"
import {
  DELIVERY_TABLE,
  endOps,
  type Found,
  keyOf,
  LANE_TABLE,
  NEXT,
  readDelivery,
  retryOps,
  shown,
  tried,
} from "./record.ts"
import { nextWait } from "./schedule.ts"

/** Tries what is due, endpoint by endpoint. */
export interface Pump {
  readonly lanes: Lanes
  /** Nothing is tried before. */
  start(): void
  /** Something may be due. */
  look(): void
  /** Gives up on whatever is under way for the company, and knows of none of its endpoints any more. */
  forget(company: string): void
  /** Gives tries under way `ms` to come to their end; what is broken off is tried again after the next start. */
  stop(ms: number): Promise<void>
}

export interface PumpDeps extends AttemptDeps {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Logger
  readonly limits: LaneLimits
  /** 0–1. */
  readonly random: () => number
  channelOf(name: string): { readonly own: string; readonly channel: DeliveryChannel } | undefined
  counted(outcome: "delivered" | "retried" | "gone" | "given-up" | "cancelled"): void
}

/** After a failure of the ledger. */
const RESTS_MS = 30_000
/** However long a receiver asks everybody to wait, others of its deliveries have a try by then. */
const LONGEST_REST_MS = 60 * 60_000
const STOP_MS = 500

export function createPump(deps: PumpDeps): Pump {
  const { ledger, clock, log } = deps
  const lanes = createLanes(deps.limits)
  /** Of each try under way. */
  const aborts = new Map<string, AbortController>()
  const works = new Set<Promise<void>>()
  let begun = false
  let stopped = false
  let timer: Timer | undefined

  const work = (task: Promise<void>): void => {
    const done = task.finally(() => {
      works.delete(done)
      look()
    })
    works.add(done)
  }

  const look = (): void => {
    if (!begun || stopped) return
    for (let found = lanes.next(clock.now()); found !== undefined; found = lanes.next(clock.now())) {
      found.lane.reading = true
      work(read(found.lane, found.room))
    }
    timer?.cancel()
    const now = clock.now()
    const at = lanes.nextTime(now)
    timer = at === undefined ? undefined : clock.after(at - now, look)
  }

  /** Starts what is due of an endpoint, as far as there is room. */
  const read = async (lane: Lane, room: number): Promise<void> => {
    const { news } = lane
    let left = room
    try {
      const query = { index: NEXT, prefix: `${lane.name}\n`, limit: lane.running.size + room + 1 }
      const { rows, next } = await ledger.page(lane.company, DELIVERY_TABLE, query)
      const now = clock.now()
      // Beyond the rows that were read, unless the first that has to wait is among them.
      let dueAt = next === null ? Number.POSITIVE_INFINITY : now
      for (const row of rows) {
        const found = readDelivery(row)
        const key = keyOf(found.record)
        if (lane.running.has(key)) continue
        const at = found.record.nextAt ?? now
        if (at > now || left === 0) {
          dueAt = Math.max(at, now)
          break
        }
        left--
        begin(lane, key, found)
      }
      if (lane.news === news) lane.dueAt = dueAt
      if (rows.length === 0 && lane.running.size === 0) await close(lane, news)
    } catch (thrown) {
      lane.restsUntil = clock.now() + RESTS_MS
      log.warn({ company: lane.company, error: toError(thrown).message }, "Deliveries cannot be read; tried again")
    } finally {
      lanes.giveBack(lane, left)
      lane.reading = false
    }
  }

  /** Nothing waits for it any more, unless something came while that was found out. */
  const close = async (lane: Lane, news: number): Promise<void> => {
    const { company, name } = lane
    const [row] = await ledger.get(company, LANE_TABLE, [name])
    const { rows } = await ledger.page(company, DELIVERY_TABLE, { index: NEXT, prefix: `${name}\n`, limit: 1 })
    if (rows.length > 0 || lane.news !== news) return lanes.wake(lane)
    if (row !== undefined) {
      const gone: Op = { op: "delete", table: LANE_TABLE, key: name, version: row.version }
      if (!(await ledger.commit(company, [gone])).ok) return lanes.wake(lane)
    }
    if (lane.news === news) lanes.drop(lane)
  }

  const begin = (lane: Lane, key: string, found: Found): void => {
    lanes.began(lane, key)
    const abort = new AbortController()
    const place = `${lane.company}\n${key}`
    aborts.set(place, abort)
    work(
      run(lane, key, found, abort.signal).finally(() => {
        if (aborts.get(place) === abort) aborts.delete(place)
      }),
    )
  }

  const run = async (lane: Lane, key: string, found: Found, signal: AbortSignal): Promise<void> => {
    let well: boolean | undefined
    try {
      const known = deps.channelOf(lane.channel)
      if (known === undefined) {
        lane.restsUntil = Number.POSITIVE_INFINITY
        return
      }
      const outcome = await attempt(deps, lane.company, found.record, known.channel, signal)
      if (outcome.kind !== "cancelled") well = outcome.kind === "delivered"
      log.debug({ company: lane.company, ...step(found.record, outcome) }, "Delivery tried")
      await settle(lane, found, outcome, known, signal)
    } catch (thrown) {
      if (signal.aborted || isErased(thrown)) return
      // It may have arrived, and comes again: at least once.
      lane.restsUntil = clock.now() + RESTS_MS
      log.warn({ company: lane.company, error: toError(thrown).message }, "A delivery cannot be noted; tried again")
    } finally {
      lanes.ended(lane, key, well)
      lanes.wake(lane)
    }
  }

  const settle = async (
    lane: Lane,
    found: Found,
    { kind, attempt: made, asked, throttled = false }: Outcome,
    { own, channel }: { readonly own: string; readonly channel: DeliveryChannel },
    signal: AbortSignal,
  ): Promise<void> => {
    const { company } = lane
    const { record } = found
    const now = clock.now()
    if (kind === "failed") {
      if (throttled) lane.place.restsUntil = now + Math.min(asked ?? 0, LONGEST_REST_MS)
      const { waited } = record
      const waitMs = nextWait({ tries: record.tries + 1, waited, asked, random: deps.random() })
      if (waitMs !== undefined) {
        await ledger.commit(company, retryOps(found, made, waitMs))
        return deps.counted("retried")
      }
    }
    const state = kind === "failed" ? "given-up" : kind
    if (state === "gone" || state === "given-up") {
      const over = { ...tried(record, made), state, nextAt: null, endedAt: now } as const
      const about = { company, plugin: record.channel, deliveryId: record.id, state }
      log.warn(about, "A delivery has ended without having arrived")
      try {
        await inTime(clock, tell(channel, shown(company, over, own), state), signal)
      } catch (thrown) {
        log.error({ ...about, error: toError(thrown) }, "The end of a delivery was not heard")
      }
    }
    const ops = endOps(found, state, now, state === "cancelled" ? undefined : made)
    const { ok } = await ledger.commit(company, ops)
    if (ok) lane.waiting--
    deps.counted(state)
  }

  return {
    lanes,
    look,
    start() {
      begun = true
      look()
    },
    forget(company) {
      for (const lane of lanes.of(company)) {
        for (const key of lane.running) aborts.get(`${company}\n${key}`)?.abort()
        lanes.drop(lane)
      }
    },
    async stop(ms) {
      stopped = true
      timer?.cancel()
      if (works.size === 0 || (ms > 0 && (await within(clock, ms, Promise.all(works))))) return
      for (const abort of aborts.values()) abort.abort()
      await within(clock, STOP_MS, Promise.all(works))
    },
  }
}

/** What a channel throws at once is a rejection as well. */
async function tell(channel: DeliveryChannel, delivery: Delivery, why: "gone" | "given-up"): Promise<void> {
  await channel.ended?.(delivery, why)
}

function step({ id, channel, tries }: Found["record"], { kind, attempt: made }: Outcome): KnownFields {
  const { ms, status, error } = made
  return {
    plugin: channel,
    deliveryId: id,
    attempt: tries + 1,
    outcome: kind,
    status: status ?? undefined,
    code: error ?? undefined,
    ms,
  }
}
