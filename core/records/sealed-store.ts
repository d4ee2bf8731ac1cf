import { appError } from "../errors.ts"
import {
  asCredential,
  type AuthRecord,
  type CompanyStore,
  emptyRecord,
  type Entry,
  entriesOf,
  placeOf,
  portions,
  SEALED,
  type StoreDeps,
  unwrapOf,
  VAULT,
} from "./auth-records.ts"
import { createAuthCodec, recordOf, type Stored } from "./auth-codec.ts"
import { recordKey } from "./keys.ts"
import { andThen, type MaybePromise, type Sealer } from "./sealer.ts"
import type { AuthBatch, Write } from "../store.ts"
import { createTurns } from "./turns.ts"
import { damaged } from "./values.ts"
import { destroyedVault, finishedVault, newVault, openVault, type StoredVault, type Vault } from "./vault.ts"

/** What a company's store holds when it is opened. */
interface Found {
  /** Undefined while nothing is sealed. */
  readonly vault: Vault | undefined
  readonly empty: boolean
}

/** Records that a line's own saves wait for. */
const AT_ONCE = 100

/**
 * A company's auth state, sealed: records lie under names that say nothing, with the true id inside. Plain ones from
 * before are read and replaced until everything has been sealed anew; from then on they are damaged.
 */
export function openSealedStore(deps: StoreDeps, sealer: Sealer): CompanyStore {
  const { driver, company, owner, check, sha256 } = deps
  let codec = createAuthCodec(sealer, sha256)
  const turns = createTurns()
  let found: Promise<Found> | undefined
  let making: Promise<Vault> | undefined
  /** Of what was found, once it is: then nothing has to be waited for. */
  let vault: Vault | undefined
  /** Not yet in a commit that is known to be durable. */
  let fresh: StoredVault | undefined

  const look = async (): Promise<Found> => {
    const [record] = await driver.load(company, [VAULT])
    const vault = record && (await openVault(sealer, owner, "credentials", record, VAULT))
    if (vault !== undefined) return { vault, empty: false }
    // A broken off erasing is finished before anything begins anew.
    if (record !== undefined) await deps.erase()
    const keys = (await driver.keys(company)).filter((key) => key.includes("/") && !key.startsWith("==company"))
    if (keys.some((key) => key.includes(`/${SEALED}`))) throw damaged(VAULT, "it is missing, and with it the salt")
    if (keys.length > 0 && sealer.complete("credentials")) {
      throw damaged(VAULT, "there are plain records, where everything has been sealed")
    }
    return { vault: undefined, empty: keys.length === 0 }
  }

  const known = (): Promise<Found> => {
    if (found === undefined) {
      const looked = look().then(
        (at) => {
          if (found === looked) vault = at.vault
          return at
        },
        (thrown: unknown) => {
          // The next caller looks again.
          if (found === looked) found = undefined
          throw asCredential(thrown)
        },
      )
      found = looked
    }
    return found
  }

  const keep = (next: Vault): void => {
    vault = next
    found = Promise.resolve({ vault: next, empty: false })
  }

  const make = async (): Promise<Vault> => {
    const at = await known()
    if (at.vault !== undefined) return at.vault
    const made = await newVault(sealer, owner, "credentials", at.empty)
    fresh = made
    keep(made.vault)
    return made.vault
  }

  /** The vault for a write, made when there is none: one, whoever else asks meanwhile. */
  const vaultFor = (): Promise<Vault> => {
    making ??= make().finally(() => {
      making = undefined
    })
    return making
  }

  const prepare = (batch: AuthBatch): MaybePromise<readonly Write[]> => {
    const entries = entriesOf(batch, sha256)
    if (entries.length === 0) return []
    return vault === undefined ? vaultFor().then((made) => writesOf(made, entries)) : writesOf(vault, entries)
  }

  const writesOf = (of: Vault, entries: readonly Entry[]): MaybePromise<readonly Write[]> =>
    andThen(codec.keysOf(of, entries), (keys) => {
      const kept: string[] = []
      const records: AuthRecord[] = []
      const writes: Write[] = []
      for (const [index, { type, id, value, place }] of entries.entries()) {
        const key = keys[index] as string
        if (value === null) writes.push({ key, value })
        else {
          kept.push(key)
          records.push({ type, id, value })
        }
        if (!of.done) writes.push({ key: place, value: null })
      }
      if (kept.length === 0) return writes
      return andThen(codec.sealAll(of, kept, records), (sealed) => [...writes, ...sealed])
    })

  /** The vault goes with the first records that need it, and with each until one has arrived. */
  const commit = (writes: readonly Write[]): Promise<void> =>
    fresh === undefined ? deps.commit(writes) : commitWith(fresh, writes)

  const commitWith = async (made: StoredVault, writes: readonly Write[]): Promise<void> => {
    const salt = { key: VAULT, value: made.record }
    // Where half of a commit may be lost, it must not be this one.
    if (!deps.atomic) await deps.commit([salt])
    await deps.commit(deps.atomic ? [salt, ...writes] : writes)
    if (fresh === made) fresh = undefined
  }

  const resealPortion = async (vault: Vault, keys: readonly string[]): Promise<number> => {
    const records = await driver.load(company, keys)
    const some = keys.flatMap((key, index): Stored[] => {
      const record = records[index]
      const place = placeOf(key)
      return record === undefined || place === undefined || sealer.isNewest(record) ? [] : [{ ...place, record }]
    })
    if (some.length === 0) return 0
    const opened = await codec.openAll(vault, some)
    const items = some.map((one, index) => recordOf(one, opened[index]))
    const names = await codec.keysOf(vault, items)
    const writes = await codec.sealAll(vault, names, items)
    const gone = some.flatMap(({ key, sealed }): Write[] => (sealed ? [] : [{ key, value: null }]))
    check()
    await commit([...gone, ...writes])
    return some.length
  }

  return {
    async load(type, ids) {
      check()
      const { vault } = await known()
      const places = ids.map((id) => recordKey(type, id, sha256))
      const items = ids.map((id) => ({ type, id }))
      const keys = vault === undefined ? [] : await codec.keysOf(vault, items)
      const plain = vault?.done === true ? [] : places.map(({ text }) => text)
      const records = await driver.load(company, [...keys, ...plain])
      const there: (Stored & { readonly at: number })[] = []
      for (const [at, id] of ids.entries()) {
        // Of two, left by a store that keeps half of a change, the sealed one is the later.
        const sealed = records[at] !== undefined && keys.length > 0
        const record = sealed ? records[at] : records[keys.length + at]
        const key = sealed ? keys[at] : places[at]?.text
        if (record === undefined || key === undefined) continue
        there.push({ key, type, id, sealed, record, at, label: `${type}/${id} (${key})` })
      }
      const opened = vault === undefined ? there.map(({ record }) => record) : await codec.openAll(vault, there)
      const values = emptyRecord<Uint8Array>()
      for (const [index, { at, sealed, label = type }] of there.entries()) {
        const id = ids[at] as string
        const inside = sealed || (places[at]?.hashed ?? false)
        values[id] = unwrapOf(opened[index] as Uint8Array, label, id, inside)
      }
      return values
    },

    async save(batch) {
      check()
      await turns.next(prepare(batch), (writes) => {
        // The lease may have ended while the records were being sealed.
        check()
        return writes.length === 0 ? Promise.resolve() : commit(writes)
      })
    },

    clear: () =>
      turns.alone(async () => {
        check()
        const [record] = await driver.load(company, [VAULT])
        // The salt first and by itself: what a crash leaves of the rest can be opened by nobody.
        if (record !== undefined) await deps.commit([{ key: VAULT, value: destroyedVault }])
        await deps.erase()
        found = undefined
        fresh = undefined
        vault = undefined
        codec = createAuthCodec(sealer, sha256)
      }),

    async *all() {
      check()
      const { vault } = await known()
      for await (const some of portions(driver, company)) {
        const opened = vault === undefined ? some.map(({ record }) => record) : await codec.openAll(vault, some)
        yield some.map((one, index) => recordOf(one, opened[index]))
      }
    },

    async reseal(signal, wrote) {
      check()
      const at = await known()
      if ((at.vault === undefined && at.empty) || at.vault?.newest === true) return
      const vault = await vaultFor()
      const keys = (await driver.keys(company)).filter((key) => placeOf(key) !== undefined)
      for (let from = 0; from < keys.length; from += AT_ONCE) {
        if (signal.aborted) throw appError("SHUTTING_DOWN")
        const some = keys.slice(from, from + AT_ONCE)
        // Nothing is saved meanwhile, so that nothing newer can be written over.
        wrote(await turns.alone(() => resealPortion(vault, some)))
      }
      await turns.alone(async () => {
        check()
        const done = await finishedVault(sealer, vault)
        await deps.commit([{ key: VAULT, value: done.record }])
        fresh = undefined
        keep(done.vault)
      })
      await deps.settle()
    },
  }
}
