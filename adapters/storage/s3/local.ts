import { type OpenStore, UNFENCED, type Write } from "../../../core/store.ts"
import { objectDamaged } from "./objects.ts"

/** What the local copy of a company knows of itself, written with each of its commits. */
export interface Sync {
  /** Sequence number of its last commit. */
  readonly sequence: number
  /** Highest fence that has written. */
  readonly fence: number
  /** Generations that this copy is the source of: it has everything that is in them. */
  readonly own: readonly string[]
  /** What somebody else has left and this copy builds on: the generation, up to that commit. */
  readonly base?: { readonly generation: string; readonly to: number }
  /** The bucket has held something of the company. */
  readonly stored: boolean
}

/** The journal on the local disk: each commit is durable there before anything else happens. */
export interface Local {
  sync(company: string): Promise<Sync | undefined>
  load(company: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]>
  keys(company: string): Promise<string[]>
  /** Durable when it resolves. FENCED when a higher fence has written here. */
  commit(company: string, writes: readonly Write[], fence: number, sync: Sync): Promise<void>
  /** Puts other records in the place of all that is there. A crash in between leaves nothing, which is loaded again. */
  replace(company: string, records: ReadonlyMap<string, Uint8Array>, sync: Sync): Promise<void>
  erase(company: string): Promise<void>
  evict(company: string): Promise<void>
  companies(): Promise<string[]>
  /** What was replaced or deleted is no longer in the files. */
  compact(company: string): Promise<void>
  check(): Promise<unknown>
  close(): Promise<void>
}

/** No kind of record can be encoded to this. */
const SYNC = "==s3/sync"
const VERSION = 1
/** Version, sequence number and fence, which change with each commit; what hardly ever changes follows as JSON. */
const HEAD = 17

export function createLocal(store: OpenStore): Local {
  const { driver } = store
  const encode = syncEncoder()
  return {
    async sync(company) {
      const [value] = await driver.load(company, [SYNC])
      return value && decodeSync(company, value)
    },
    load: (company, keys) => driver.load(company, keys),
    keys: async (company) => (await driver.keys(company)).filter((key) => key !== SYNC),
    commit: (company, writes, fence, sync) =>
      driver.commit(company, [...writes, { key: SYNC, value: encode(sync) }], fence),
    async replace(company, records, sync) {
      await driver.erase(company)
      const writes: Write[] = [...records].map(([key, value]) => ({ key, value }))
      writes.push({ key: SYNC, value: encode(sync) })
      await driver.commit(company, writes, sync.fence === 0 ? UNFENCED : sync.fence)
    },
    erase: (company) => driver.erase(company),
    evict: (company) => driver.evict(company),
    companies: () => driver.companies(),
    compact: async (company) => store.compact?.(company),
    check: () => store.check(),
    close: () => store.close(),
  }
}

type Rest = Omit<Sync, "sequence" | "fence">

function syncEncoder(): (sync: Sync) => Uint8Array {
  /** By the list of generations, which is a new one whenever anything else changes. */
  const known = new WeakMap<object, Buffer>()
  return ({ sequence, fence, ...rest }) => {
    let json = known.get(rest.own)
    if (json === undefined) {
      json = Buffer.from(JSON.stringify(rest))
      known.set(rest.own, json)
    }
    const bytes = Buffer.allocUnsafe(HEAD + json.length)
    bytes[0] = VERSION
    bytes.writeDoubleBE(sequence, 1)
    bytes.writeDoubleBE(fence, 9)
    bytes.set(json, HEAD)
    return bytes
  }
}

function decodeSync(company: string, value: Uint8Array): Sync {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  if (bytes[0] !== VERSION) throw objectDamaged(company, SYNC, "the local copy is of another version")
  const rest = JSON.parse(bytes.toString("utf8", HEAD)) as Rest
  return { ...rest, sequence: bytes.readDoubleBE(1), fence: bytes.readDoubleBE(9) }
}
