import type { Bucket, Listing } from "./bucket.ts"
import { companyFolder, type ObjectName, parseName } from "./names.ts"
import { type DecodedObject, decodeObject, objectDamaged } from "./objects.ts"

/** What counts of a company's objects: a snapshot and what came after it, in their order. */
export interface Chain {
  readonly generation: string
  /** In the order in which they are applied. */
  readonly names: readonly string[]
  /** Bytes of all of them, and of the snapshot they begin with. */
  readonly bytes: number
  readonly snapshotBytes: number
  /** Number of the last object of the generation. */
  readonly last: number
  /** Sequence number of the last commit. */
  readonly to: number
  /** The company was erased, and not everything has gone yet. */
  readonly erased: boolean
}

export interface Folder {
  /** Undefined when there is nothing of the company. */
  readonly chain: Chain | undefined
  /** Highest generation of which anything is there; "" when there is nothing. */
  readonly highest: string
  /** Names of all objects of the company. */
  readonly names: readonly string[]
}

/**
 * Which objects count, in one request, and one more where a holder builds on what another has left. Without fencing all of
 * them do, whoever wrote them.
 */
export async function readFolder(bucket: Bucket, company: string, fencing: boolean): Promise<Folder> {
  const folder = companyFolder(company)
  const listing = await bucket.list(folder)
  const sizes = sizesOf(listing, folder)
  const names = [...sizes.keys()]
  const objects = names.map(parseName).filter((name) => name !== undefined)
  const highest = objects.reduce((last, { generation }) => (generation > last ? generation : last), "")
  if (highest === "") return { chain: undefined, highest, names }
  const last = objects.filter(({ generation }) => generation === highest)
  const chain = await chainOf(bucket, company, last, sizes)
  return { chain: fencing ? chain : { ...chain, names }, highest, names }
}

function sizesOf(listing: Listing, folder: string): Map<string, number> {
  return new Map(listing.objects.map(({ key, size }) => [key.slice(folder.length), size]))
}

async function chainOf(
  bucket: Bucket,
  company: string,
  generation: readonly ObjectName[],
  sizes: ReadonlyMap<string, number>,
): Promise<Chain> {
  const sorted = generation.toSorted((a, b) => a.number - b.number)
  const start = sorted.findLastIndex(({ kind }) => kind !== "d")
  const first = sorted[start]
  const last = sorted.at(-1)
  if (first === undefined || last === undefined) {
    throw objectDamaged(company, sorted[0]?.generation ?? "", "its beginning is missing")
  }
  for (const [index, { text, number }] of sorted.slice(start).entries()) {
    if (number !== first.number + index) throw objectDamaged(company, text, "the one before it is missing")
  }
  const base = first.kind === "h" ? await baseOf(bucket, company, first.text, sizes) : []
  const names = [...base, ...sorted.slice(start).map(({ text }) => text)]
  return {
    generation: first.generation,
    names,
    bytes: names.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0),
    snapshotBytes: sizes.get(names[0] ?? "") ?? 0,
    last: last.number,
    to: last.to,
    erased: last.kind === "e",
  }
}

async function baseOf(
  bucket: Bucket,
  company: string,
  name: string,
  sizes: ReadonlyMap<string, number>,
): Promise<readonly string[]> {
  const { base = [] } = (await readObject(bucket, company, name))?.head ?? {}
  const missing = base.find((one) => !sizes.has(one))
  if (missing !== undefined) throw objectDamaged(company, missing, "it is missing")
  return base
}

export interface LoadedCompany {
  readonly records: ReadonlyMap<string, Uint8Array>
  readonly fence: number
}

/**
 * Everything that a chain says, with the highest fence in it. Throws CREDENTIALS_DAMAGED when any of it is not readable;
 * the name of an object that has gone since it was listed.
 */
export async function loadChain(bucket: Bucket, company: string, chain: Chain): Promise<LoadedCompany | string> {
  const objects = await Promise.all(chain.names.map((name) => readObject(bucket, company, name)))
  const records = new Map<string, Uint8Array>()
  let fence = 0
  for (const [index, object] of objects.entries()) {
    if (object === undefined) return chain.names[index] ?? ""
    fence = Math.max(fence, object.head.fence)
    for (const { key, value } of object.records) {
      if (value === null) records.delete(key)
      else records.set(key, value)
    }
  }
  return { records, fence }
}

async function readObject(bucket: Bucket, company: string, name: string): Promise<DecodedObject | undefined> {
  const object = await bucket.get(companyFolder(company) + name)
  return object && decodeObject(company, name, object.bytes)
}
