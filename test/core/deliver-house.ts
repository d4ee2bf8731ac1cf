import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { createGuard, type Guard } from "../../core/company/guard.ts"
import { createDeliver } from "../../core/deliver.ts"
import { createEvents, type Events } from "../../core/events.ts"
import { createHooks, type HookRegistry } from "../../core/hooks.ts"
import type { Ledger } from "../../core/ledger.ts"
import { createInstruments, type Instruments } from "../../core/loading/instruments.ts"
import { createIds } from "../../core/message/ids.ts"
import { createSequence } from "../../core/message/sequence.ts"
import type { Delivery, DeliveryDraft, DeliveryTarget } from "../../core/plugin.ts"
import { createPluginStorage } from "../../core/records/plugin-records.ts"
import type { Changes, DeliveriesView, PluginRecords } from "../../core/views.ts"
import { createTestClock, type TestClock } from "../support/clock.ts"
import { createTestLog, type TestLog } from "../support/log.ts"
import { createReceivers, type Receivers } from "../support/receivers.ts"

/** Deliveries with their receivers, time and chance in the test's hands. */
export interface DeliverHouse {
  readonly clock: TestClock
  readonly log: TestLog
  readonly ledger: Ledger
  readonly hooks: HookRegistry
  readonly instruments: Instruments
  readonly events: Events
  readonly receivers: Receivers
  readonly view: DeliveriesView
  /** Where an endpoint is; the name of a host by itself unless the test says otherwise. */
  target: (to: { readonly company: string; readonly endpoint: string }) => Promise<DeliveryTarget | undefined>
  /** What was said to have ended. */
  readonly ended: { readonly delivery: Delivery; readonly why: string }[]
  /** What hears of it. */
  onEnd: () => Promise<void>
  commit(company: string, changes: Changes): Promise<boolean>
  /** One delivery of the company salon-1, to `hook` unless it says otherwise. */
  send(id: string, more?: Partial<DeliveryDraft>, company?: string): Promise<boolean>
  find(id: string, endpoint?: string, company?: string): Promise<Delivery | undefined>
  /** Records of the plugin's own. */
  records(company: string): PluginRecords
  /** As an erasure does it. */
  erase(company: string): Promise<void>
  sweep(): Promise<void>
  /** When each call came, in ms from the first one. */
  times(): number[]
  /** The process ends as by a kill, and the next one begins `after` ms later. */
  restart(after?: number): Promise<DeliverHouse>
  /** What a snapshot shows of a metric, by outcome. */
  counted(name: string): Record<string, number>
}

export interface DeliverHouseOptions {
  readonly ledger?: Ledger
  readonly start?: number
  readonly random?: () => number
  /** Does not begin to try. */
  readonly resting?: boolean
  /** Declares no channel. */
  readonly deaf?: boolean
  /** As a ledger of one process sees it. */
  readonly wrap?: (ledger: Ledger) => Ledger
  readonly shared?: boolean
  readonly react?: Receivers["react"]
  /** Lets deliveries of an erased company out. */
  readonly lateOut?: boolean
}

export const COMPANY = "salon-1"
const PLUGIN = "sender"
const system = createNodeSystem()

export async function openDeliverHouse(options: DeliverHouseOptions = {}): Promise<DeliverHouse> {
  const clock = createTestClock(options.start)
  const log = createTestLog()
  const hooks = createHooks({ clock, log })
  const base = options.ledger ?? createMemoryLedger()
  const life = { over: false }
  const guard: Guard = createGuard(mortal((options.wrap ?? ((same) => same))(base), life))
  const { ledger } = guard
  const events = createEvents({ ledger, clock, ids: createIds(system.sha256), maxListeners: 10 })
  const instruments = createInstruments({ companies: 10 })
  const receivers = createReceivers(clock)
  if (options.react !== undefined) receivers.react = options.react
  const deliver = createDeliver({
    ...{ ledger, events, hooks, clock, log, instruments },
    egress: receivers.egress,
    sequence: createSequence(clock),
    random: options.random ?? (() => 0.5),
    isClosed: (company) => options.lateOut !== true && guard.isClosed(company),
  })
  const view = deliver.view(PLUGIN)
  const house: DeliverHouse = {
    clock,
    log,
    ledger,
    hooks,
    instruments,
    events,
    receivers,
    view,
    target: async ({ endpoint }) => ({ url: `https://${endpoint}.test/in`, secrets: [] }),
    ended: [],
    onEnd: async () => undefined,
    commit: (company, changes) => deliver.commit(PLUGIN, company, changes),
    send: (id, more = {}, company = COMPANY) =>
      house.commit(company, {
        deliveries: [{ id, channel: "out", endpoint: "hook", body: { type: "test", data: { id } }, ...more }],
      }),
    find: (id, endpoint = "hook", company = COMPANY) => view.find(company, { id, channel: "out", endpoint }),
    records: (company) => createPluginStorage(ledger, PLUGIN).of(company),
    async erase(company) {
      guard.close(company)
      deliver.forget(company)
      await base.erase(company)
    },
    sweep: deliver.sweep,
    times: () => receivers.got.map(({ at }) => at - (receivers.got[0]?.at ?? 0)),
    async restart(after = 0) {
      life.over = true
      const { react } = receivers
      const next = await openDeliverHouse({ ...options, react, ledger: base, start: clock.now() + after })
      next.target = house.target
      return next
    },
    counted(name) {
      const series = instruments.snapshot().find((one) => one.name === name)?.series ?? []
      return Object.fromEntries(
        series.map(({ labels, ...one }) => [labels["outcome"] ?? "", "value" in one ? one.value : one.count]),
      )
    },
  }
  if (options.deaf !== true) {
    view.channel("out", {
      ...(options.shared === true && { shared: true }),
      target: (to) => house.target(to),
      ended(delivery, why) {
        house.ended.push({ delivery, why })
        return house.onEnd()
      },
    })
  }
  if (options.resting !== true) deliver.start()
  await clock.settle()
  return house
}

/** A ledger for as long as its process lives. */
function mortal(ledger: Ledger, life: { over: boolean }): Ledger {
  const until = async <T>(result: Promise<T>): Promise<T> => {
    const value = await result
    return life.over ? new Promise(() => undefined) : value
  }
  return {
    ...ledger,
    commit: (company, ops) => (life.over ? new Promise(() => undefined) : until(ledger.commit(company, ops))),
    page: (company, table, query) => until(ledger.page(company, table, query)),
    get: (company, table, keys) => until(ledger.get(company, table, keys)),
  }
}

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
