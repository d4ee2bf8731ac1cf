import type { AtomicStore } from "../atomic.ts"
import type { Clock } from "../clock.ts"
import { appError, isAppError, rootOf, toError } from "../errors.ts"
import type { Ledger } from "../ledger.ts"
import type { Logger } from "../log.ts"
import type { Meter } from "../monitor/meter.ts"
import type { AtomicStores, HealthItem } from "../plugin.ts"
import { createMemoryAtomic } from "../records/memory-atomic.ts"
import { StartError } from "../settings/start-error.ts"
import { StoreFault } from "../store.ts"
import { createStores, type Stores } from "../stores.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import { variableOf } from "../settings/store-specs.ts"
import { within } from "../within.ts"
import type { HouseInput } from "./input.ts"

const HOUSE = ""
const TABLE = "instance"
const KEY = "id"
const ID_BYTES = 16
const CHECK_MS = 10_000
const CLOSED = "A store cannot be opened; its companies wait until it can"
/** Within the deadline of a health check. */
const ANSWER_MS = 1_500

/** Who this data folder is to other processes on a shared store: random, made once, the same over restarts. */
async function instanceOf(ledger: Ledger, randomBytes: (length: number) => Uint8Array): Promise<string> {
  const made = [...randomBytes(ID_BYTES)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  await ledger.commit(HOUSE, [{ op: "putIfAbsent", table: TABLE, key: KEY, value: encodeRecord(made) }])
  const [row] = await ledger.get(HOUSE, TABLE, [KEY])
  return row === undefined ? made : decodeRecord<string>(row.value, "the id of this instance")
}

/**
 * The stores of this server, with the standard one open. One that is away now is waited for by its own companies alone;
 * one that is set up wrongly stops the start.
 */
export async function openStores(
  { system, clock, log, prepared, undo }: HouseInput,
  ledger: Ledger,
  meter: Meter | undefined,
): Promise<Stores> {
  const { core: settings, stores: specs } = prepared.configured
  const standard = settings.storage
  const instance = await instanceOf(ledger, (length) => system.randomBytes(length))
  const stores = createStores({ specs, standard, folder: settings.sessionsPath, instance, clock, log, meter })
  undo.push("stores", () => stores.close())

  const looked = stores.open(standard).then((store) => store.check())
  try {
    // One that does not answer is waited for by its own companies; it has been told where it was opened.
    await within(clock, CHECK_MS, looked)
  } catch (thrown) {
    const fault = faultIn(thrown)
    if (fault !== undefined || !isAppError(thrown))
      throw startFault(standard, specs.get(standard)?.adapter, fault ?? thrown)
  }
  // Said early, rather than when the first company is put there.
  for (const name of Object.keys(settings.stores)) {
    if (name !== standard)
      stores.open(name).catch((thrown: unknown) => log.error({ store: name, error: rootOf(thrown) }, CLOSED))
  }
  return stores
}

/** Where limits and counters are kept: in this process, and in a store that processes share, where one is set up. */
export function openAtomic(stores: Stores, clock: Clock, log: Logger): AtomicStores {
  const local = createMemoryAtomic(clock)
  const { limits } = stores
  if (limits === undefined) return { local, shared: undefined }
  stores.open(limits).catch((thrown: unknown) => log.error({ store: limits, error: rootOf(thrown) }, CLOSED))
  return { local, shared: sharedAtomic(async () => (await stores.open(limits)).atomic) }
}

/** Each call finds the store anew, since one that could not be opened may be there by now. */
function sharedAtomic(open: () => Promise<AtomicStore | undefined>): AtomicStore {
  const atomic = async (): Promise<AtomicStore> => {
    const found = await open()
    if (found === undefined) throw appError("STORAGE_UNAVAILABLE")
    return found
  }
  return {
    take: async (key, quota) => (await atomic()).take(key, quota),
    giveBack: async (key, receipt) => (await atomic()).giveBack(key, receipt),
    increment: async (key, by, ttlMs) => (await atomic()).increment(key, by, ttlMs),
    setIfAbsent: async (key, value, ttlMs) => (await atomic()).setIfAbsent(key, value, ttlMs),
    get: async (key) => (await atomic()).get(key),
    delete: async (key) => (await atomic()).delete(key),
  }
}

/** Whether every store in use takes a record and gives it back. Names those that do not, and nothing else of them. */
export async function judgeStores(stores: Stores, clock: Clock, log: Logger): Promise<HealthItem> {
  const away: string[] = []
  await Promise.all(
    [...(await stores.opened())].map(async ([name, store]) => {
      try {
        if (!(await within(clock, ANSWER_MS, store.check()))) away.push(name)
      } catch (thrown) {
        log.warn({ store: name, error: rootOf(thrown) }, "A store did not take and give back a record")
        away.push(name)
      }
    }),
  )
  return away.length === 0 ? { ok: true } : { ok: false, detail: `cannot be reached: ${away.sort().join(", ")}` }
}

function faultIn(thrown: unknown): StoreFault | undefined {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause)
    if (error instanceof StoreFault) return error
  return undefined
}

type Adapter = Parameters<typeof variableOf>[0]

function startFault(name: string, adapter: Adapter | undefined, thrown: unknown): StartError {
  if (!(thrown instanceof StoreFault) || adapter === undefined) {
    return new StartError([`The store ${name} cannot be opened: ${toError(thrown).message}`])
  }
  return new StartError([`${variableOf(adapter, thrown.option)}: the store ${name}: ${thrown.message}`])
}
