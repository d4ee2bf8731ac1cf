import { AppError, appError, isAppError } from "../errors.ts"
import type { Hooks } from "../hooks.ts"
import { KEY_ID_BYTES, type NamingOf, type RecordsOf, SEALED_ROOM } from "./sealing.ts"
import { Format, RECORD_VERSION } from "./values.ts"

export type Purpose = RecordsOf["purpose"]
/** Whose records, and with which salt. */
export type Owner = Omit<RecordsOf, "names">
export type MaybePromise<T> = T | Promise<T>

/** Seals, opens and names the records of a company, all of one commit or load in one call. Synchronous where the plugins are. */
export interface Sealer {
  /** Whether records of companies that begin now are sealed. */
  seals(purpose: Purpose): boolean
  /** Whether everything of every company has been sealed: then one without a salt and with records is no earlier one. */
  complete(purpose: Purpose): boolean
  /** True for a record that is sealed under the newest key. */
  isNewest(record: Uint8Array): boolean
  /** Records as they are stored, with the head that says that they are sealed. */
  seal(owner: Owner, names: readonly string[], records: readonly Uint8Array[]): MaybePromise<readonly Uint8Array[]>
  /** The inverse. Throws RECORD_DAMAGED or RECORD_SEALED for one that does not open. */
  open(owner: Owner, names: readonly string[], sealed: readonly Uint8Array[]): MaybePromise<readonly Uint8Array[]>
  /** `[a-z0-9]+` each. */
  name(naming: NamingOf, names: readonly string[]): MaybePromise<readonly string[]>
  randomBytes(length: number): Uint8Array
}

export interface SealerDeps {
  readonly hooks: Pick<Hooks, "transform">
  readonly randomBytes: (length: number) => Uint8Array
  /** Id of the newest key. */
  readonly keyId: Uint8Array
  readonly seals: (purpose: Purpose) => boolean
  readonly complete: (purpose: Purpose) => boolean
}

const NAME = /^[a-z0-9]{1,64}$/

export function isSealed(record: Uint8Array): boolean {
  return record[0] === RECORD_VERSION && record[1] === Format.sealed && record.length > SEALED_ROOM
}

/** Bytes that are no record of ours, as they are; throws RECORD_SEALED where nobody has opened them. */
export function unsealed(bytes: Uint8Array, name: string): Uint8Array {
  if (isSealed(bytes)) throw appError("RECORD_SEALED", { cause: new Error(`${name} is sealed`) })
  return bytes
}

/** The id of the key of a sealed record. */
export function keyIdOf(record: Uint8Array): Uint8Array {
  return record.subarray(SEALED_ROOM, SEALED_ROOM + KEY_ID_BYTES)
}

export function createSealer({ hooks, randomBytes, keyId, seals, complete }: SealerDeps): Sealer {
  const isNewest = (record: Uint8Array): boolean => {
    if (!isSealed(record) || record.length < SEALED_ROOM + KEY_ID_BYTES) return false
    for (let at = 0; at < KEY_ID_BYTES; at++) if (record[SEALED_ROOM + at] !== keyId[at]) return false
    return true
  }
  return {
    seals,
    complete,
    isNewest,
    randomBytes,
    seal: (owner, names, records) => sealThrough(hooks, owner, names, records),
    open(owner, names, sealed) {
      const bare = sealed.map((record) => record.subarray(SEALED_ROOM))
      return hooks.transform("record:open", bare, { ...owner, names })
    },
    name: (naming, names) => andThen(hooks.transform("record:name", names, naming), checkNames),
  }
}

/** Opens all of them, or throws an error that names the one that does not open; `label` says more of it than its name. */
export function openNamed(
  sealer: Sealer,
  owner: Owner,
  names: readonly string[],
  sealed: readonly Uint8Array[],
  label: (at: number) => string | undefined = () => undefined,
): MaybePromise<readonly Uint8Array[]> {
  const tell = async (thrown: unknown): Promise<never> => {
    for (const [at, name] of names.entries()) await openOne(sealer, owner, name, sealed[at], label(at) ?? name)
    throw thrown
  }
  try {
    const opened = sealer.open(owner, names, sealed)
    return opened instanceof Promise ? opened.catch(tell) : opened
  } catch (thrown) {
    return tell(thrown)
  }
}

async function openOne(
  sealer: Sealer,
  owner: Owner,
  name: string,
  record: Uint8Array | undefined,
  label: string,
): Promise<void> {
  try {
    if (record !== undefined) await sealer.open(owner, [name], [record])
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown
    const cause = new Error(`${label} does not open`, { cause: thrown.cause })
    throw new AppError(thrown.code, thrown.spec, { message: thrown.message, cause })
  }
}

/** Seals with whatever key is the newest. */
export function sealThrough(
  hooks: Pick<Hooks, "transform">,
  owner: Owner,
  names: readonly string[],
  records: readonly Uint8Array[],
): MaybePromise<readonly Uint8Array[]> {
  return andThen(hooks.transform("record:seal", records, { ...owner, names }), (sealed) => {
    for (const [index, record] of sealed.entries()) {
      // What came back as it went in, or too short to be sealed, must not be stored as if it were.
      if (record === records[index] || record.length < SEALED_ROOM + KEY_ID_BYTES) throw appError("PLUGIN_FAULT")
      record[0] = RECORD_VERSION
      record[1] = Format.sealed
    }
    return sealed
  })
}

/** `next` with the value, at once when it is there. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => R): MaybePromise<Awaited<R>> {
  return value instanceof Promise ? (value.then(next) as Promise<Awaited<R>>) : (next(value) as Awaited<R>)
}

function checkNames(names: readonly string[]): readonly string[] {
  if (names.every((name) => NAME.test(name))) return names
  throw appError("PLUGIN_FAULT", { cause: new Error("A plugin gave names that no store can hold") })
}
