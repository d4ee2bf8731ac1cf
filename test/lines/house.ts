import { createHash } from "node:crypto"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createHomes } from "../../core/homes/homes.ts"
import type { OpenStore } from "../../core/store.ts"
import { createStores, type Stores } from "../../core/stores.ts"
import { storeOptions } from "../support/store-options.ts"
import { createHooks, type HookRegistry } from "../../core/hooks.ts"
import type { Ledger } from "../../core/ledger.ts"
import type { MonitorView } from "../../core/monitor.ts"
import { createLines, type Lines } from "../../core/lines.ts"
import { TOTALS_TABLE } from "../../core/monitor/totals.ts"
import { createLocalOwnership } from "../../core/records/local-ownership.ts"
import type { Call, LineEvent, Scope } from "../../core/types.ts"
import type { CompanyFields } from "../../core/views.ts"
import { coreSettings, type CoreSettings } from "../../core/settings.ts"
import { createTestClock, type TestClock } from "../support/clock.ts"
import {
  createFakeAuths,
  createFakeHomes,
  createFakeProvider,
  type FakeAuths,
  type FakeProvider,
} from "../support/fake-provider.ts"
import { createTestEgress, type TestEgressOptions } from "../support/egress.ts"
import { createTestLog, type TestLog } from "../support/log.ts"
import { createTestMonitor } from "../support/monitor.ts"
import { createTestSystem } from "../support/system.ts"

/** The lines of a house over a ledger, with time and WhatsApp in the test's hands. */
export interface House {
  readonly lines: Lines
  readonly provider: FakeProvider
  readonly auths: FakeAuths
  /** With `stores`: by name. */
  readonly stores: ReadonlyMap<string, OpenStore>
  readonly ledger: Ledger
  readonly clock: TestClock
  readonly hooks: HookRegistry
  readonly log: TestLog
  readonly settings: CoreSettings
  /** What the ledger has counted of the company's messages. */
  counted(company: string): Promise<Record<string, number>>
  /** Counts from the beginning of this process. */
  readonly monitor: MonitorView
  /** Links the company and opens its line. */
  connect(company: string): Promise<void>
  send(company: string, body: Record<string, unknown>, options?: SendOptions): Promise<Sent>
  events(company: string): Promise<LineEvent[]>
  /**
   * Nothing of this house goes on; the next one finds what was durable. `kill` skips every farewell. `ledger` gives the
   * next one a ledger opened anew from what the old one left.
   */
  reopen(how?: "stop" | "kill", ledger?: () => Promise<Ledger>): Promise<House>
}

export interface SendOptions {
  readonly key?: string
  readonly respondAsync?: boolean
}

export interface Sent {
  readonly status: number
  readonly data: Record<string, unknown>
  readonly replayed: boolean
}

export interface HouseOptions {
  readonly settings?: Partial<CoreSettings>
  readonly ledger?: Ledger
  /** Wraps the ledger, to make it fail. */
  readonly wrap?: (ledger: Ledger) => Ledger
  /** Adds handlers before anything runs. */
  readonly hooks?: (hooks: HookRegistry) => void
  readonly random?: () => number
  /** Where names lead, and whether they may lead inside. */
  readonly egress?: TestEgressOptions
  /** Settings of companies that plugins would declare. */
  readonly companyFields?: CompanyFields
  /** Takes away what keeps late writes for an erased company out. */
  readonly lateWritesIn?: boolean
  /** Takes away what keeps repeated calls from other systems out. */
  readonly repeatsIn?: boolean
  /** Real stores in memory, the first of which is the standard one; without them auth state is in `auths`. */
  readonly stores?: readonly string[]
}

const OF_MESSAGES = /^(sent|received|failed|blocked|error:[A-Z]+|media[A-Z][a-z]+)$/
const SCOPES: ReadonlySet<Scope> = new Set(["send", "read", "session", "admin", "operator"])

export const callOf = (company: string): Call => ({
  company,
  requestId: "test",
  principal: { kind: "admin", scopes: SCOPES },
})

interface Kept {
  readonly ledger: Ledger
  readonly auths: FakeAuths
  readonly clock: TestClock
  readonly stores: ReadonlyMap<string, OpenStore>
}

export function openHouse(options: HouseOptions = {}): House {
  return furnish(options, {
    ledger: options.ledger ?? createMemoryLedger(),
    auths: createFakeAuths(),
    clock: createTestClock(),
    stores: new Map(),
  })
}

/** As `openHouse`, with real stores in memory that outlive its processes. */
export async function openStoredHouse(options: HouseOptions & { readonly stores: readonly string[] }): Promise<House> {
  const opened = options.stores.map(async (name) => [name, await memoryStorage.open(storeOptions())] as const)
  return furnish(options, {
    ledger: options.ledger ?? createMemoryLedger(),
    auths: createFakeAuths(),
    clock: createTestClock(),
    stores: new Map(await Promise.all(opened)),
  })
}

function furnish(options: HouseOptions, { ledger: base, auths, clock, stores }: Kept): House {
  const settings: CoreSettings = { ...coreSettings.parse({}), ...options.settings }
  const log = createTestLog()
  const hooks = createHooks({ clock, log })
  options.hooks?.(hooks)
  const provider = createFakeProvider(clock.now)
  // What a dead process would have written must not reach the ledger that the next one opens.
  const life = { over: false }
  const { book, meter, monitor } = createTestMonitor(mortal((options.wrap ?? ((same) => same))(base), life))
  const { ledger } = book
  const ownership = createLocalOwnership(ledger)
  const homes =
    stores.size === 0
      ? createFakeHomes(auths, ownership)
      : createHomes({ ledger, ownership, stores: shelve(stores, clock, log), tools: () => ({ sha256 }) })
  const lines = createLines({
    settings,
    provider,
    ledger,
    homes,
    storeNames: stores.size === 0 ? ["filesystem"] : [...stores.keys()],
    hooks,
    clock,
    log,
    meter,
    totals: book.ends,
    sha256,
    openSha256: createTestSystem().openSha256,
    egress: createTestEgress({ clock, log, ...options.egress }),
    ...(options.companyFields !== undefined && { companyFields: options.companyFields }),
    ...(options.lateWritesIn === true && { lateWritesIn: true }),
    ...(options.repeatsIn === true && { repeatsIn: true }),
    random: options.random ?? (() => 0.5),
  })

  const house: House = {
    lines,
    provider,
    auths,
    stores,
    ledger,
    clock,
    hooks,
    log,
    settings,
    monitor,
    async connect(company) {
      const asked = lines.commands.initialize(callOf(company), {})
      await clock.settle()
      if (!lines.sessions.peek(company)?.record.linked) {
        provider.line(company).qr("qr")
        await asked
        await provider.line(company).link()
        await clock.advance(1)
      }
      await provider.line(company).open()
      await asked
      await clock.settle()
    },
    async send(company, body, { key, respondAsync = false } = {}) {
      const answer = await lines.outbound.send({
        call: callOf(company),
        body: { phone: "79001234567", message: "hello", ...body },
        idempotencyKey: key,
        respondAsync,
      })
      if (!("replayed" in answer)) return { ...answer, replayed: false }
      if (answer.replayed instanceof Error) throw answer.replayed
      return { ...answer.replayed, replayed: true }
    },
    async counted(company) {
      const numbers = Object.entries(await ledger.numbers(company, TOTALS_TABLE))
      return Object.fromEntries(numbers.filter(([key]) => OF_MESSAGES.test(key)))
    },
    events: (company) => lines.events.read(company, 0, 1_000),
    async reopen(how = "kill", again = async () => base) {
      if (how === "stop") {
        const stopped = lines.stop(5_000)
        await clock.advance(5_000)
        await stopped
      }
      life.over = true
      for (const connection of provider.connections) connection.end("closed-by-us")
      const { wrap: _wrap, ...rest } = options
      return furnish(rest, { ledger: await again(), auths, clock, stores })
    },
  }
  return house
}

const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest()

/** Stores that are open already, under their names. */
function shelve(stores: ReadonlyMap<string, OpenStore>, clock: TestClock, log: TestLog): Stores {
  const specs = [...stores].map(([name, store]) => {
    // What closes is a process, not the store.
    const open = async (): Promise<OpenStore> => ({ ...store, close: async () => undefined })
    return [name, { name, adapter: { name: "memory", open }, options: {} }] as const
  })
  const [standard = ""] = stores.keys()
  return createStores({ specs: new Map(specs), standard, folder: "", instance: "test", clock, log })
}

/** A ledger for as long as its process lives: afterwards nothing comes back from it and nothing gets in. */
function mortal(ledger: Ledger, life: { over: boolean }): Ledger {
  const guarded =
    <A extends unknown[], R>(run: (...input: A) => Promise<R>) =>
    async (...input: A): Promise<R> => {
      if (life.over) return new Promise(() => undefined)
      const result = await run(...input)
      return life.over ? new Promise(() => undefined) : result
    }
  return {
    commit: guarded(ledger.commit),
    get: guarded(ledger.get),
    page: guarded(ledger.page),
    log: guarded(ledger.log),
    tail: guarded(ledger.tail),
    numbers: guarded(ledger.numbers),
    due: guarded(ledger.due),
    dump: guarded(ledger.dump),
    companies: guarded(ledger.companies),
    erase: guarded(ledger.erase),
    close: async () => undefined,
  }
}
