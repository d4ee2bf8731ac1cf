import { createStorage, type Driver, type Storage } from "unstorage"
import { appError, isAppError, toError } from "../errors.ts"
import { PROBE, probeCompanies } from "./store-probe.ts"
import { asDriver, type CompanyDriver, type OpenStore, UNFENCED, type Write } from "../store.ts"

const ROOT = "company"

/**
 * A store behind any other unstorage driver. It has no commit, so that a crash may leave half of a batch, and what it
 * promises of durability is unknown; the capabilities say so. Its quirks stay here: values that come back as another
 * type, errors that come back as values, a `clear` that does nothing or too much.
 *
 * Rejects with STORAGE_UNAVAILABLE when the driver does not give back, list and remove what it was given.
 */
export async function openForeignStore(name: string, driver: Driver): Promise<OpenStore> {
  const storage = createStorage({ driver })
  if ((driver.setItemRaw ?? driver.setItem) === undefined || driver.removeItem === undefined) {
    throw new TypeError(`The driver ${name} cannot write`)
  }
  const companies = createCompanies(storage)
  await probe(name, companies)
  return {
    driver: asDriver(name, companies),
    capabilities: { durable: false, atomic: false },
    async check() {
      await probeCompanies(companies)
      return []
    },
    async flush() {
      // What the driver does behind a write is not known; nothing waits here.
    },
    close: () => storage.dispose(),
  }
}

function createCompanies(storage: Storage): CompanyDriver {
  const fences = new Map<string, number>()
  /** The last commit of each company that is under way: two must not mix their halves. */
  const queues = new Map<string, Promise<void>>()

  async function write(company: string, writes: readonly Write[]): Promise<void> {
    await Promise.all(
      writes.map(({ key, value }) =>
        value === null
          ? attempt(() => storage.removeItem(itemKey(company, key)))
          : attempt(() => storage.setItemRaw(itemKey(company, key), Uint8Array.from(value))),
      ),
    )
  }

  function inTurn(company: string, work: () => Promise<void>): Promise<void> {
    const turn = (queues.get(company) ?? Promise.resolve()).then(work)
    // The next one's turn comes whatever became of this.
    const settled = turn.catch(() => undefined)
    queues.set(company, settled)
    void settled.then(() => {
      if (queues.get(company) === settled) queues.delete(company)
    })
    return turn
  }

  async function keys(company: string): Promise<string[]> {
    const base = `${ROOT}:${company}:`
    const found = await attempt(() => storage.getKeys(base))
    return found.filter((key) => key.startsWith(base)).map((key) => key.slice(base.length).replace(":", "/"))
  }

  return {
    load: (company, wanted) =>
      Promise.all(wanted.map(async (key) => bytesOf(await attempt(() => storage.getItemRaw(itemKey(company, key)))))),
    commit: (company, writes, fence) =>
      inTurn(company, async () => {
        if (fence < (fences.get(company) ?? 0)) throw appError("FENCED")
        if (fence !== UNFENCED) fences.set(company, fence)
        await write(company, writes)
      }),
    keys,
    erase: (company) =>
      inTurn(company, async () => {
        // One by one: the `clear` of stock drivers removes nothing, or other companies' records.
        for (const key of await keys(company)) await attempt(() => storage.removeItem(itemKey(company, key)))
        const left = await keys(company)
        if (left.length > 0) throw unavailable(new Error(`${left.length} records could not be removed`))
        fences.delete(company)
      }),
    async companies() {
      const found = await attempt(() => storage.getKeys(`${ROOT}:`))
      const names = found.map((key) => key.split(":")[1] ?? "")
      return [...new Set(names)].filter((company) => company !== "" && company !== PROBE)
    },
    async evict(company) {
      await queues.get(company)
    },
  }
}

/** Some drivers take everything and keep nothing: a bucket that does not exist, a listing of other objects only. */
async function probe(name: string, companies: CompanyDriver): Promise<void> {
  const key = "probe/probe"
  const value = Uint8Array.of(1, 0, 255, 10, 123)
  const fail = (what: string): Error => unavailable(new Error(`The driver ${name} ${what}`))
  await companies.commit(PROBE, [{ key, value }], UNFENCED)
  const [read] = await companies.load(PROBE, [key])
  if (read === undefined || read.join() !== value.join()) throw fail("does not give back what it was given")
  if (!(await companies.keys(PROBE)).includes(key)) throw fail("does not list what it holds")
  await companies.erase(PROBE)
  const [left] = await companies.load(PROBE, [key])
  if (left !== undefined) throw fail("does not remove what it should")
}

function itemKey(company: string, key: string): string {
  return `${ROOT}:${company}:${key.replace("/", ":")}`
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0))
  // The file driver hands out what went wrong as if it were the value.
  if (value instanceof Error) throw unavailable(value)
  throw unavailable(new Error(`Bytes came back as ${typeof value}`))
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isAppError(error) ? error : unavailable(toError(error))
  }
}

function unavailable(cause: Error): Error {
  return appError("STORAGE_UNAVAILABLE", { cause })
}
