import { appError, isAppError } from "../errors.ts"
import type { AuthBatch, AuthStore, CompanyDriver, Write } from "../store.ts"
import { decodeSegment, recordKey, type Sha256 } from "./keys.ts"
import { fromUtf8, utf8 } from "./utf8.ts"
import { damaged, Format, formatOf, RECORD_VERSION } from "./values.ts"

/** How records of an auth state are named and wrapped, sealed or not. */

/** One record, opened. */
export interface AuthRecord {
  readonly type: string
  readonly id: string
  readonly value: Uint8Array
}

/** A company's auth state, with what the upkeep of it needs. */
export interface CompanyStore extends AuthStore {
  /** Everything there is, in portions. */
  all(): AsyncGenerator<readonly AuthRecord[]>
  /**
   * Seals under the newest key what is plain or under another; nothing that is written meanwhile is overwritten. `wrote`
   * hears of each portion. Without anybody who seals there is nothing to do.
   */
  reseal(signal: AbortSignal, wrote: (records: number) => void): Promise<void>
}

/** A company in a store, as its records are read and written. */
export interface StoreDeps {
  readonly driver: CompanyDriver
  /** Encoded, as the driver knows it. */
  readonly company: string
  /** Its true id. */
  readonly owner: string
  readonly sha256: Sha256
  /** False for a store that may keep half of a commit. */
  readonly atomic: boolean
  /** Throws FENCED once the lease has ended. */
  check(): void
  /** Under the lease's fence; no writes are no commit. */
  commit(writes: readonly Write[]): Promise<void>
  erase(): Promise<void>
  /** Resolves when what was replaced is gone, as far as the store can do that, and what replaced it is safe. */
  settle(): Promise<void>
}

/** Holds the true id of a company whose folder is a hash. No kind of record can be encoded to this. */
export const TRUE_NAME = "==company/id"
/** What sealed records are opened with; among the credentials, since these are worth nothing without it. */
export const VAULT = "creds/==vault"
/** Before the name of a sealed record; no id is encoded to anything that begins so. */
export const SEALED = "==="

export interface Entry {
  /** As stores hold it when it is plain. */
  readonly place: string
  readonly hashed: boolean
  readonly type: string
  readonly id: string
  readonly value: Uint8Array | null
}

export function entriesOf(batch: AuthBatch, sha256: Sha256): Entry[] {
  const entries: Entry[] = []
  for (const [type, records] of Object.entries(batch)) {
    for (const [id, value] of Object.entries(records)) {
      if (value !== null && !(value instanceof Uint8Array))
        throw new TypeError(`The value of a ${type} record is no bytes`)
      const { text, hashed } = recordKey(type, id, sha256)
      entries.push({ place: text, hashed, type, id, value })
    }
  }
  return entries
}

/** A record, with its true id in front where the key does not tell it. */
export function wrap(value: Uint8Array, trueId?: string): Uint8Array {
  if (trueId === undefined) {
    const record = new Uint8Array(2 + value.length)
    record[0] = RECORD_VERSION
    record[1] = Format.bytes
    record.set(value, 2)
    return record
  }
  const id = utf8(trueId)
  const record = new Uint8Array(6 + id.length + value.length)
  record[0] = RECORD_VERSION
  record[1] = Format.named
  new DataView(record.buffer).setUint32(2, id.length)
  record.set(id, 6)
  record.set(value, 6 + id.length)
  return record
}

/** The value of a record; `id` is the true one where the record tells it. Throws CREDENTIALS_DAMAGED or RECORD_SEALED. */
export function unwrap(
  record: Uint8Array,
  name: string,
): { readonly id: string | undefined; readonly value: Uint8Array } {
  return asCredentials(() => {
    const format = formatOf(record, name)
    if (format === Format.bytes) return { id: undefined, value: record.subarray(2) }
    if (format === Format.named && record.length >= 6) {
      const start = 6 + new DataView(record.buffer, record.byteOffset).getUint32(2)
      if (start <= record.length) return { id: fromUtf8(record.subarray(6, start)), value: record.subarray(start) }
    }
    throw damaged(name, `format ${format} does not fit it`)
  })
}

/** As `unwrap`, for a record whose id is known, and has to be the one inside where there is one. */
export function unwrapOf(record: Uint8Array, name: string, id: string, inside: boolean): Uint8Array {
  const found = unwrap(record, name)
  if (found.id === id || (found.id === undefined && !inside)) return found.value
  throw asCredential(damaged(name, "it is another record"))
}

/** To whoever runs a line, a damaged record of its auth state is damaged credentials, never absent ones. */
export function asCredentials<T>(work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw asCredential(thrown)
  }
}

export function asCredential(thrown: unknown): unknown {
  if (!isAppError(thrown) || thrown.code !== "RECORD_DAMAGED") return thrown
  return appError("CREDENTIALS_DAMAGED", { cause: thrown.cause ?? thrown })
}

/** What a key of a store stands for. */
export interface Place {
  readonly key: string
  readonly type: string
  /** Undefined where the record itself tells it. */
  readonly id: string | undefined
  readonly sealed: boolean
}

/** Undefined for what belongs to the store itself. */
export function placeOf(key: string): Place | undefined {
  if (key === TRUE_NAME || key === VAULT) return undefined
  const [kind = "", rest = ""] = key.split("/")
  const type = decodeSegment(kind)
  if (type === undefined) throw asCredential(damaged(key, "its name says nothing"))
  const sealed = rest.startsWith(SEALED)
  return { key, type, id: sealed ? undefined : decodeSegment(rest), sealed }
}

/** Records of one round trip. */
const PORTION = 200

/** Everything of a company as it is stored, in portions; a record that goes meanwhile is left out. */
export async function* portions(
  driver: CompanyDriver,
  company: string,
): AsyncGenerator<readonly (Place & { readonly record: Uint8Array })[]> {
  const places = (await driver.keys(company)).map(placeOf).filter((place) => place !== undefined)
  for (let at = 0; at < places.length; at += PORTION) {
    const some = places.slice(at, at + PORTION)
    const records = await driver.load(
      company,
      some.map(({ key }) => key),
    )
    yield some.flatMap((place, index) => {
      const record = records[index]
      return record === undefined ? [] : [{ ...place, record }]
    })
  }
}

/** Ids are anything, `__proto__` too. */
export function emptyRecord<T>(): Record<string, T> {
  return Object.create(null)
}
