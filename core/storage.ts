import { createStorage } from "unstorage"
import { appError, isAppError } from "./errors.ts"
import { decodeSegment, encodeSegment, recordKey, type Sha256 } from "./records/keys.ts"
import type { Lease } from "./ownership.ts"
import type { AuthBatch, AuthStore, OpenStore, Write } from "./store.ts"
import { fromUtf8, utf8 } from "./records/utf8.ts"
import { damaged, Format, formatOf, RECORD_VERSION } from "./records/values.ts"

/** What storage needs from outside: the digest of `System`, and who seals records, when anybody does. */
export interface StorageTools {
  readonly sha256: Sha256
  readonly sealer?: Sealer
}

/** Seals and opens records of a company, all of one commit or load in one call; names say which record is which. */
export interface Sealer {
  seal(company: string, names: readonly string[], records: readonly Uint8Array[]): Promise<Uint8Array[]>
  open(company: string, names: readonly string[], sealed: readonly Uint8Array[]): Promise<Uint8Array[]>
}

/** Holds the true id of a company whose folder is a hash. No kind of record can be encoded to this. */
const TRUE_NAME = "==company/id"

/**
 * One company's store, made from its lease: it cannot name anything outside its own company, and once the lease has ended
 * every call is FENCED.
 */
export function openCompanyStore(store: OpenStore, lease: Lease, tools: StorageTools): AuthStore {
  const company = encodeSegment(lease.company, tools.sha256)
  let named = !company.hashed

  function check(): void {
    if (lease.lost.aborted) throw appError("FENCED")
  }

  return {
    async load(type, ids) {
      check()
      const places = ids.map((id) => recordKey(type, id, tools.sha256))
      const stored = await store.driver.load(
        company.text,
        places.map((place) => place.text),
      )
      const found: Found[] = []
      for (const [index, record] of stored.entries()) {
        const id = ids[index]
        if (record !== undefined && id !== undefined) found.push({ id, name: `${type}/${id}`, record })
      }
      const opened = await openSealed(lease.company, found, tools.sealer)
      const values = emptyRecord<Uint8Array>()
      for (const { id, name, record } of opened) values[id] = unwrap(record, name, id)
      return values
    },

    async save(batch) {
      check()
      const entries = entriesOf(batch, tools.sha256)
      const writes = await sealEntries(lease.company, entries, tools.sealer)
      if (!named) writes.unshift({ key: TRUE_NAME, value: wrap(utf8(lease.company)) })
      // The lease may have ended while the records were being sealed.
      check()
      if (writes.length === 0) return
      await store.driver.commit(company.text, writes, lease.fence)
      named = true
    },

    async clear() {
      check()
      await store.driver.erase(company.text, lease.fence)
      named = !company.hashed
    },
  }
}

/** True ids of all companies with records in a store. */
export async function storedCompanies(store: OpenStore): Promise<string[]> {
  const ids: string[] = []
  for (const segment of await store.driver.companies()) {
    const plain = decodeSegment(segment)
    if (plain !== undefined) ids.push(plain)
    else {
      const [record] = await store.driver.load(segment, [TRUE_NAME])
      if (record !== undefined) ids.push(fromUtf8(unwrap(record, TRUE_NAME)))
    }
  }
  return ids
}

/** How many records of each kind a company has, without reading them. */
export async function countRecords(
  store: OpenStore,
  company: string,
  tools: StorageTools,
): Promise<Record<string, number>> {
  const base = `company:${encodeSegment(company, tools.sha256).text}:`
  const counts = emptyRecord<number>()
  for (const key of await createStorage({ driver: store.driver }).getKeys(base)) {
    const kind = decodeSegment(key.slice(base.length).split(":")[0] ?? "")
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

interface Found {
  readonly id: string
  readonly name: string
  readonly record: Uint8Array
}

interface Entry {
  readonly key: string
  readonly name: string
  readonly record: Uint8Array | null
}

function entriesOf(batch: AuthBatch, sha256: Sha256): Entry[] {
  const entries: Entry[] = []
  for (const [type, records] of Object.entries(batch)) {
    for (const [id, value] of Object.entries(records)) {
      if (value !== null && !(value instanceof Uint8Array))
        throw new TypeError(`The value of a ${type} record is no bytes`)
      const place = recordKey(type, id, sha256)
      const record = value === null ? null : wrap(value, place.hashed ? id : undefined)
      entries.push({ key: place.text, name: `${type}/${id}`, record })
    }
  }
  return entries
}

async function sealEntries(company: string, entries: readonly Entry[], sealer: Sealer | undefined): Promise<Write[]> {
  if (sealer === undefined) return entries.map(({ key, record }) => ({ key, value: record }))
  const names: string[] = []
  const plain: Uint8Array[] = []
  for (const { name, record } of entries) {
    if (record === null) continue
    names.push(name)
    plain.push(record)
  }
  const sealed = plain.length === 0 ? [] : await sealer.seal(company, names, plain)
  if (sealed.length !== plain.length) throw appError("PLUGIN_FAULT")
  let next = 0
  return entries.map(({ key, record }) => ({
    key,
    value: record === null ? null : head(Format.sealed, sealed[next++]),
  }))
}

async function openSealed(
  company: string,
  found: readonly Found[],
  sealer: Sealer | undefined,
): Promise<readonly Found[]> {
  const sealed = found.filter(({ record }) => record[0] === RECORD_VERSION && record[1] === Format.sealed)
  if (sealed.length === 0 || sealer === undefined) return found
  const opened = await sealer.open(
    company,
    sealed.map(({ name }) => name),
    sealed.map(({ record }) => record.subarray(2)),
  )
  const plain = new Map(sealed.map((entry, index) => [entry, opened[index]]))
  return found.map((entry) => ({ ...entry, record: plain.get(entry) ?? entry.record }))
}

function wrap(value: Uint8Array, trueId?: string): Uint8Array {
  if (trueId === undefined) return head(Format.bytes, value)
  const id = utf8(trueId)
  const record = new Uint8Array(6 + id.length + value.length)
  record.set([RECORD_VERSION, Format.named])
  new DataView(record.buffer).setUint32(2, id.length)
  record.set(id, 6)
  record.set(value, 6 + id.length)
  return record
}

function head(format: number, value: Uint8Array = new Uint8Array()): Uint8Array {
  const record = new Uint8Array(2 + value.length)
  record[0] = RECORD_VERSION
  record[1] = format
  record.set(value, 2)
  return record
}

function unwrap(record: Uint8Array, name: string, trueId?: string): Uint8Array {
  try {
    const format = formatOf(record, name)
    if (format === Format.bytes) return record.subarray(2)
    if (format === Format.named && record.length >= 6) {
      const start = 6 + new DataView(record.buffer, record.byteOffset).getUint32(2)
      if (start <= record.length && fromUtf8(record.subarray(6, start)) === trueId) return record.subarray(start)
    }
    throw damaged(name, `format ${format} does not fit it`)
  } catch (error) {
    // To whoever runs a line, a damaged record of its auth state is damaged credentials, never absent ones.
    if (isAppError(error) && error.code === "RECORD_DAMAGED")
      throw appError("CREDENTIALS_DAMAGED", { cause: error.cause })
    throw error
  }
}

/** Ids are anything, `__proto__` too. */
function emptyRecord<T>(): Record<string, T> {
  return Object.create(null)
}
