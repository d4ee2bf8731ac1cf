import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { createBackground } from "../../core/background.ts"
import { coreErrors } from "../../core/errors.ts"
import { createDeliver } from "../../core/deliver.ts"
import { createEvents } from "../../core/events.ts"
import { createHooks, type HookRegistry } from "../../core/hooks.ts"
import { createHttp, type Http } from "../../core/http/app.ts"
import type { OwnedRoute } from "../../core/http/table.ts"
import type { Ledger } from "../../core/ledger.ts"
import type { MonitorView } from "../../core/monitor.ts"
import type { AtomicStores, Plugin, ResealProgress } from "../../core/plugin.ts"
import { setUpPlugin } from "../../core/loading/plugin-setup.ts"
import type { ApiRoute } from "../../core/route.ts"
import { type CoreSettings, coreSettings } from "../../core/settings.ts"
import { createMemoryAtomic } from "../../core/records/memory-atomic.ts"
import { createPluginStorage } from "../../core/records/plugin-records.ts"
import { createIds } from "../../core/message/ids.ts"
import { createSequence } from "../../core/message/sequence.ts"
import { createStorageProbe } from "../../core/records/storage-probe.ts"
import type { Contact } from "../../core/types.ts"
import type { System } from "../../core/system.ts"
import type { SessionStatus } from "../../core/types.ts"
import { type Answer, owned, read } from "../http/harness.ts"
import { createInstruments } from "../../core/loading/instruments.ts"
import { createTestClock, type TestClock } from "../support/clock.ts"
import type { Egress } from "../../core/egress.ts"
import { createTestEgress } from "../support/egress.ts"
import { createTestMonitor } from "../support/monitor.ts"
import { createTestLog, type TestLog } from "../support/log.ts"

/** Plugins in a house of real parts, on a machine that is real and a clock that is not. */
export interface PluginHouse {
  readonly hooks: HookRegistry
  readonly http: Http
  readonly clock: TestClock
  readonly log: TestLog
  /** What outlives the house. */
  readonly ledger: Ledger
  /** What the lines are said to be. */
  sessions: SessionStatus[]
  /** The companies there are, with the settings that plugins declare. */
  readonly companies: Record<string, Readonly<Record<string, unknown>>>
  /** What is said of them when those at rest are asked for as well. */
  all: () => Promise<readonly SessionStatus[]>
  /** How often a company of that id has been erased. */
  readonly generations: Record<string, number>
  /** Companies asked for proof of life, in order. */
  readonly proved: string[]
  /** Companies whose connection was ended for its silence, in order. */
  readonly healed: string[]
  /** How a line answers when it is asked. */
  prove: (company: string) => Promise<void>
  /** Phones that WhatsApp was asked about, each after its company, in order. */
  readonly asked: string[]
  /** What WhatsApp says of a phone. */
  lookup: (phone: string) => Promise<Contact | undefined>
  /** What stands between the probe and the storage. */
  storage: (probe: () => Promise<void>) => Promise<void>
  call(method: string, path: string, init?: CallInit): Promise<Answer>
  stop(): Promise<void>
}

export interface CallInit {
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly remoteAddress?: string
}

export interface PluginHouseOptions {
  readonly plugins: readonly (readonly [Plugin, Readonly<Record<string, unknown>>])[]
  readonly routes?: readonly ApiRoute[]
  readonly settings?: Partial<CoreSettings>
  readonly egress?: Egress
  readonly atomic?: (clock: TestClock) => AtomicStores
  readonly ledger?: Ledger
  /** What the clock shows first, epoch ms. */
  readonly start?: number
  readonly system?: System
  readonly prepare?: (hooks: HookRegistry) => void
  /** The house's own figures; without it nothing is counted. */
  readonly monitor?: MonitorView
}

/** Nothing is sealed here. */
const resting = (): ResealProgress => ({
  state: "idle",
  startedAt: null,
  endedAt: null,
  companies: { total: 0, done: 0, failed: 0 },
  records: 0,
  failures: [],
})

export async function createPluginHouse(options: PluginHouseOptions): Promise<PluginHouse> {
  const clock = createTestClock(options.start)
  const log = createTestLog()
  const hooks = createHooks({ clock, log })
  const faults: string[] = []
  const services = new Map<string, unknown>()
  const stopping: (() => Promise<void>)[] = []
  const background = createBackground({ onFault: ({ message }) => void faults.push(message) })
  const ledger = options.ledger ?? createMemoryLedger()
  const probe = createStorageProbe(ledger, clock)
  const routes: OwnedRoute[] = owned(options.routes ?? [])
  options.prepare?.(hooks)
  const served: { http?: Http } = {}
  const serving = (): Http => {
    if (served.http === undefined) throw new Error("The house does not serve yet")
    return served.http
  }
  const house: PluginHouse = {
    hooks,
    clock,
    log,
    sessions: [],
    all: async () => house.sessions,
    proved: [],
    healed: [],
    companies: {},
    generations: {},
    prove: async () => undefined,
    asked: [],
    ledger,
    lookup: async () => undefined,
    storage: (probe) => probe(),
    get http() {
      return serving()
    },
    async call(method, path, { body, headers = {}, remoteAddress = "127.0.0.1" } = {}) {
      const type = body === undefined ? {} : { "content-type": "application/json" }
      const request = new Request(`http://localhost${path}`, {
        method,
        headers: { host: "localhost:3000", ...type, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return read(await serving().fetch(request, { remoteAddress }))
    },
    async stop() {
      for (const stop of stopping) await stop()
      await background.stop()
      if (faults.length > 0) throw new Error(`Background work failed: ${faults.join("; ")}`)
    },
  }

  const instruments = createInstruments({ companies: 100 })
  for (const [plugin] of options.plugins) {
    instruments.declare(plugin.name, plugin.metrics ?? {})
    for (const [hook, kind] of Object.entries(plugin.hooks ?? {})) hooks.declare(plugin.name, hook, kind)
  }
  const system = options.system ?? createNodeSystem()
  const egress = options.egress ?? createTestEgress({ clock, log })
  const events = createEvents({ ledger, clock, ids: createIds(system.sha256), maxListeners: 10 })
  const deliver = createDeliver({
    ...{ ledger, events, egress, hooks, clock, log, instruments },
    sequence: createSequence(clock),
    random: () => 0.5,
    isClosed: () => false,
  })
  stopping.push(() => deliver.stop(0))
  for (const [plugin, given] of options.plugins) {
    const undo = await setUpPlugin(plugin, plugin.config?.parse(given) ?? {}, {
      hooks,
      log,
      clock,
      background,
      instruments,
      monitor: options.monitor ?? createTestMonitor(ledger).monitor,
      routes,
      system,
      egress,
      atomic: options.atomic?.(clock) ?? { local: createMemoryAtomic(clock), shared: undefined },
      storage: (name) => createPluginStorage(ledger, name),
      companies: () => ({
        exists: async (company) => Object.hasOwn(house.companies, company),
        settings: (company) => house.companies[company] ?? {},
        async change({ company }, change) {
          const now = house.companies[company] ?? {}
          house.companies[company] = Object.freeze({ ...now, ...change(now) })
        },
        async ensure({ company }) {
          house.companies[company] ??= {}
        },
        generation: (company) => house.generations[company] ?? 0,
      }),
      sessions: {
        list: () => house.sessions,
        get: (company) => house.sessions.find(({ companyId }) => companyId === company),
        look: async (company) => house.sessions.find(({ companyId }) => companyId === company),
        all: () => house.all(),
        prove: (company) => {
          house.proved.push(company)
          return house.prove(company)
        },
        heal: (company) => {
          house.healed.push(company)
          return true
        },
        lookup: (company, phone) => {
          house.asked.push(`${company} ${phone}`)
          return house.lookup(phone)
        },
      },
      events: { read: events.read, tail: events.tail },
      deliveries: deliver.view,
      commit: deliver.commit,
      records: { seal: () => undefined, reseal: resting, resealProgress: resting },
      foresee: () => Promise.reject(new Error("There are no lines here")),
      provider: "baileys",
      dataFolder: ".",
      probeStorage: () => house.storage(probe),
      services,
      document: () => serving().document(),
    })
    if (undo !== undefined) stopping.unshift(async () => undo())
  }
  hooks.freeze()
  deliver.start()
  served.http = createHttp({
    routes,
    hooks,
    log,
    clock,
    settings: { ...coreSettings.parse({}), ...options.settings },
    errors: { ...coreErrors, ...Object.assign({}, ...options.plugins.map(([plugin]) => plugin.errors)) },
    isClosing: () => false,
    version: "0.0.0",
  })
  return house
}

/** A line as the house tells of it. */
export function session(companyId: string, more: Partial<SessionStatus> = {}): SessionStatus {
  return {
    companyId,
    status: "connected",
    connected: true,
    user: null,
    connectedAt: 0,
    lastActivity: 0,
    lastProofAt: 0,
    reconnectAttempts: 0,
    restriction: null,
    lastError: null,
    provider: "baileys",
    storage: "memory",
    ...more,
  }
}
