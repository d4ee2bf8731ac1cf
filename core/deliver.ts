import type { Clock } from "./clock.ts"
import { createBodyText } from "./deliver/body.ts"
import type { Lane } from "./deliver/lanes.ts"
import { deliveryMetrics } from "./deliver/metrics.ts"
import { createPump } from "./deliver/pump.ts"
import {
  againOps,
  begin,
  beginOps,
  BY_CHANNEL,
  BY_ENDPOINT,
  type DeliveryRecord,
  DELIVERY_TABLE,
  keyOf,
  LANE_TABLE,
  laneOf,
  readDelivery,
  shown,
  WAITING_TABLE,
} from "./deliver/record.ts"
import { sweepEnded } from "./deliver/sweep.ts"
import type { Egress } from "./egress.ts"
import { appError, toError } from "./errors.ts"
import type { Events } from "./events.ts"
import type { Hooks } from "./hooks.ts"
import type { Ledger } from "./ledger.ts"
import type { Instruments } from "./loading/instruments.ts"
import type { Logger } from "./log.ts"
import type { Sequence } from "./message/sequence.ts"
import type { Metrics } from "./metrics.ts"
import { pluginOps } from "./records/plugin-records.ts"
import type { Changes, DeliveriesView, DeliveryChannel, DeliveryDraft, DeliveryRef } from "./views.ts"

/** Deliveries to URLs: kept in the ledger from the commit that brings them about until they arrive, or for three days. */
export interface Deliver {
  view(plugin: string): DeliveriesView
  /** See `commit` of a plugin's context. */
  commit(plugin: string, company: string, changes: Changes): Promise<boolean>
  /** Begins to try, with what an earlier process has left. */
  start(): void
  /** Removes what has been over for long, and takes up what others have put into the ledger. */
  sweep(): Promise<void>
  /** Ends what is under way for a company that has been erased. */
  forget(company: string): void
  stop(ms: number): Promise<void>
}

export interface DeliverDeps {
  /** Guarded. */
  readonly ledger: Ledger
  readonly events: Events
  readonly egress: Egress
  readonly hooks: Hooks
  readonly sequence: Sequence
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  readonly instruments?: Instruments | undefined
  isClosed(company: string): boolean
}

const LIMITS = { total: 128, each: 4, struggling: 64 }
/** Of one endpoint; whoever has more has to wait with it. */
const MOST_WAITING = 10_000
const LANES_AT_ONCE = 100_000
const RETRY_MS = 5_000
/** Visible ASCII without the full stop, which parts what is signed. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,200}$/
const ENDPOINT = /^[A-Za-z0-9_:-]{1,100}$/
const CHANNEL = /^[a-z0-9-]{1,50}$/

export function createDeliver(deps: DeliverDeps): Deliver {
  const { ledger, events, sequence, clock, log } = deps
  const channels = new Map<string, { readonly own: string; readonly channel: DeliveryChannel }>()
  deps.instruments?.declare("deliveries", deliveryMetrics)
  const metrics: Metrics<typeof deliveryMetrics> | undefined = deps.instruments?.of("deliveries")
  const pump = createPump({
    ...deps,
    limits: LIMITS,
    channelOf: (name) => channels.get(name),
    counted: (outcome) => metrics?.count("whatsapp_deliveries_total", { outcome }),
  })
  const { lanes } = pump
  metrics?.collect(() => metrics.set("whatsapp_deliveries_pending", lanes.waiting()))
  let stopped = false
  let taken = false

  const nameOf = (plugin: string, channel: string): string => `${plugin}/${channel}`

  const recordOf = (plugin: string, { id, channel, endpoint, body }: DeliveryDraft): DeliveryRecord => {
    const name = nameOf(plugin, channel)
    if (!channels.has(name)) throw new Error(`Plugin ${plugin}: there is no channel ${channel}`)
    if (!ID.test(id)) throw new TypeError("The id of a delivery is visible ASCII without a full stop, at most 200")
    if (!ENDPOINT.test(endpoint)) throw new TypeError("An endpoint is [A-Za-z0-9_:-], at most 100")
    return begin({ id, channel: name, endpoint }, createBodyText(body), sequence.next(), clock.now())
  }

  const open = (company: string, name: string, waiting: number): Lane => {
    const channel = channels.get(name.slice(0, name.indexOf("\n")))?.channel
    return lanes.open(company, name, waiting, channel?.shared === true)
  }

  const added = (company: string, name: string, waiting: 0 | 1): void => {
    const lane = lanes.get(company, name)
    // One that nobody knows has nothing else that waits, once all that was left has been taken up.
    if (lane === undefined) open(company, name, waiting).counted = taken
    else {
      lane.waiting += waiting
      lanes.wake(lane)
    }
  }

  /** What waits for an endpoint is asked of the ledger once, unless something happens there meanwhile. */
  const countWaiting = async (lane: Lane): Promise<void> => {
    const { news } = lane
    const numbers = await ledger.numbers(lane.company, WAITING_TABLE)
    if (lane.news !== news || lane.running.size > 0) return
    lane.waiting = numbers[lane.name] ?? 0
    lane.counted = true
  }

  const takeUp = async (): Promise<void> => {
    const unheard = new Set<string>()
    for (const { company, key: name } of await ledger.due(LANE_TABLE, clock.now(), LANES_AT_ONCE)) {
      const known = lanes.get(company, name)
      if (known?.counted === true) continue
      const lane = known ?? open(company, name, 0)
      await countWaiting(lane)
      if (!channels.has(lane.channel)) unheard.add(lane.channel)
    }
    for (const channel of unheard) log.warn({ plugin: channel }, "Deliveries wait for a plugin that is not there")
    taken = true
    pump.look()
  }

  const begun = async (): Promise<void> => {
    while (!stopped) {
      try {
        return await takeUp()
      } catch (thrown) {
        log.error({ error: toError(thrown).message }, "Deliveries that wait cannot be read; trying again")
        await clock.sleep(RETRY_MS)
      }
    }
  }

  const load = async (plugin: string, company: string, ref: DeliveryRef) => {
    const full = { ...ref, channel: nameOf(plugin, ref.channel) }
    const [row] = await ledger.get(company, DELIVERY_TABLE, [keyOf(full)])
    return row && readDelivery(row)
  }

  return {
    view: (plugin) => ({
      channel(name, channel) {
        if (!CHANNEL.test(name)) throw new TypeError("A channel is called by [a-z0-9-], at most 50")
        const full = nameOf(plugin, name)
        if (channels.has(full)) throw new Error(`Plugin ${plugin}: the channel ${name} is there already`)
        channels.set(full, { own: name, channel })
      },

      async list(company, channel, { endpoint, after, limit }) {
        const full = nameOf(plugin, channel)
        const where =
          endpoint === undefined
            ? { index: BY_CHANNEL, prefix: `${full}\n` }
            : { index: BY_ENDPOINT, prefix: `${laneOf({ channel: full, endpoint })}\n` }
        const query = { ...where, limit, reverse: true, ...(after !== undefined && { before: after }) }
        const { rows, next } = await ledger.page(company, DELIVERY_TABLE, query)
        return { deliveries: rows.map((row) => shown(company, readDelivery(row).record, channel)), next }
      },

      async find(company, ref) {
        const found = await load(plugin, company, ref)
        return found && shown(company, found.record, ref.channel)
      },

      async replay(company, ref) {
        for (;;) {
          const found = await load(plugin, company, ref)
          if (found === undefined) return false
          const { ok } = await ledger.commit(company, againOps(found, clock.now()))
          // A try that came to its end meanwhile has changed it.
          if (!ok) continue
          added(company, laneOf(found.record), found.record.state === "pending" ? 0 : 1)
          pump.look()
          return true
        }
      },
    }),

    async commit(plugin, company, { changes = [], events: happened = [], deliveries = [] }) {
      const records = deliveries.map((draft) => recordOf(plugin, draft))
      for (const record of records) {
        if ((lanes.get(company, laneOf(record))?.waiting ?? 0) >= MOST_WAITING) {
          throw appError("SERVER_BUSY", { message: "Too many deliveries wait for this endpoint", retryAfter: 60 })
        }
      }
      const ops = [...pluginOps(plugin, changes), ...records.flatMap(beginOps)]
      const drafts = happened.map(({ type, data }) => events.draft(type, data))
      const { ok } = await events.commit(company, ops, drafts)
      if (!ok) return false
      for (const record of records) added(company, laneOf(record), 1)
      if (records.length > 0) pump.look()
      return true
    },

    start() {
      pump.start()
      void begun()
    },
    async sweep() {
      await sweepEnded(ledger, clock.now())
      await takeUp()
    },
    forget: pump.forget,
    stop(ms) {
      stopped = true
      return pump.stop(ms)
    },
  }
}
