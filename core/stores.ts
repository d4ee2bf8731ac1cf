import type { Clock } from "./clock.ts"
import { appError, isAppError, rootOf, toError } from "./errors.ts"
import type { Logger } from "./log.ts"
import type { Meter } from "./monitor/meter.ts"
import { meterStore } from "./monitor/metered.ts"
import type { StoreSpec } from "./settings/store-specs.ts"
import type { OpenStore } from "./store.ts"

/** The stores for auth state, by name. Each is opened when it is first needed, and only once. */
export interface Stores {
  /** Those a company can be put into. */
  readonly names: readonly string[]
  /** Where a company begins that nobody has put anywhere. */
  readonly standard: string
  /** The one through which processes share their limits, where one is set up. */
  readonly limits: string | undefined
  has(name: string): boolean
  /** Rejects with STORAGE_UNAVAILABLE, a StoreFault as its cause, for one that cannot be opened; the next caller tries again. */
  open(name: string): Promise<OpenStore>
  /** Those that are open now. */
  opened(): Promise<ReadonlyMap<string, OpenStore>>
  close(): Promise<void>
}

export interface StoresDeps {
  readonly specs: ReadonlyMap<string, StoreSpec>
  readonly standard: string
  /** The data folder. */
  readonly folder: string
  readonly instance: string
  readonly clock: Clock
  readonly log: Logger
  readonly meter?: Meter | undefined
}

export function createStores({ specs, standard, folder, instance, clock, log, meter }: StoresDeps): Stores {
  const opening = new Map<string, Promise<OpenStore>>()
  let closed = false

  const begin = async (name: string): Promise<OpenStore> => {
    const spec = specs.get(name)
    if (spec === undefined) {
      throw appError("STORAGE_UNAVAILABLE", { cause: new Error(`There is no store ${name}; see WHATSAPP_STORES`) })
    }
    const child = log.child({ store: name })
    const options = { ...spec.options, folder, store: name, instance, clock, log: child }
    const opened = meterStore(await spec.adapter.open(options), name, meter, clock)
    const store = { ...opened, check: oneAtATime(opened.check) }
    const { durable, atomic } = store.capabilities
    if (!durable) child.warn({}, "This store forgets its lines at a restart")
    if (!atomic) child.warn({}, "This store may keep half of a change at a crash")
    void inform(store, child)
    return store
  }

  /** What the server behind a store keeps less than the store promises is said once, when it is first used. */
  const inform = async (store: OpenStore, child: Logger): Promise<void> => {
    try {
      for (const warning of await store.check()) child.warn({}, warning)
    } catch (thrown) {
      if (!closed)
        child.error({ error: rootOf(thrown) }, "This store cannot be used now; its companies wait until it can")
    }
  }

  return {
    names: [...specs.keys()],
    standard,
    limits: [...specs.values()].find(({ adapter }) => adapter.sharesLimits === true)?.name,
    has: (name) => specs.has(name),

    async open(name) {
      if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The stores are closed") })
      const present = opening.get(name)
      if (present !== undefined) return present
      const begun = begin(name).catch((thrown: unknown) => {
        opening.delete(name)
        throw isAppError(thrown) ? thrown : appError("STORAGE_UNAVAILABLE", { cause: toError(thrown) })
      })
      opening.set(name, begun)
      return begun
    },

    async opened() {
      const stores = new Map<string, OpenStore>()
      for (const [name, begun] of opening) {
        // One that is not open has told whoever asked for it.
        const store = await begun.catch(() => undefined)
        if (store !== undefined) stores.set(name, store)
      }
      return stores
    },

    async close() {
      closed = true
      const failures: unknown[] = []
      for (const begun of opening.values()) {
        const store = await begun.catch(() => undefined)
        await store?.close().catch((thrown: unknown) => failures.push(thrown))
      }
      if (failures.length > 0) throw toError(failures[0])
    },
  }
}

/** Two checks at once would take each other's record away; whoever comes meanwhile shares the one that is running. */
function oneAtATime<T>(check: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= check().finally(() => {
      running = undefined
    })
    return running
  }
}
