import type { Call, PluginContext, Principal } from "../../core/plugin.ts"
import { isKeyId, newKey } from "./key-text.ts"
import { createLanes } from "./lanes.ts"

/** What a key can open in its company, in the order in which they are listed. */
export const SCOPES = ["send", "read", "session", "admin"] as const
export type KeyScope = (typeof SCOPES)[number]

/** A key as it is kept; times are epoch ms. */
export interface KeyRecord {
  /** SHA-256 of the whole key. It has 256 random bits, so that no guessing gets from here to there. */
  readonly hash: Uint8Array
  readonly name: string
  readonly scopes: readonly KeyScope[]
  readonly createdAt: number
  readonly expiresAt: number | null
  /** As last written down. */
  readonly usedAt: number | null
}

export interface StoredKey {
  readonly keyId: string
  readonly record: KeyRecord
}

/** Keys in the ledger: the record with its company, and in the house only whose a key id is. */
export interface StoredKeys {
  /** Whose a key is, or was. */
  companyOf(keyId: string): Promise<string | undefined>
  read(company: string, keyId: string): Promise<KeyRecord | undefined>
  /** All of a company, oldest first. */
  list(company: string): Promise<readonly StoredKey[]>
  /** The text is nowhere kept. Undefined when the company has as many keys as it may. */
  create(call: Call, wanted: Wanted): Promise<(StoredKey & { readonly text: string }) | undefined>
  /** False when there is no such key. */
  remove(company: string, keyId: string): Promise<boolean>
  /** Writes down when a key was last used, if it is still there. */
  used(company: string, keyId: string, at: number): Promise<void>
  /** Lets the keys be found that an import has brought. */
  adopt(company: string): Promise<void>
  /** Forgets whose a key id was where the key is gone: of one company, or of all. */
  tidy(company?: string, signal?: AbortSignal): Promise<void>
}

export interface Wanted {
  readonly name: string
  readonly scopes: readonly KeyScope[]
  readonly expiresAt: number | null
}

export interface StoredKeysOptions {
  /** Hears of keys that are no longer what they were, also when that is uncertain. */
  readonly changed: (keyId: string) => void
}

/** Keys of a company at once; enough for each of its programs to have one of its own, and few enough to be read in one go. */
export const MOST_KEYS = 100
/** Ids are 36^10: that two are equal is next to impossible, and twice in a row means that something else is wrong. */
const TRIES = 3

interface Place {
  readonly company: string
}

type Context = Pick<PluginContext<unknown, never>, "storage" | "companies" | "system" | "clock" | "log">

export function createStoredKeys(
  { storage, companies, system, clock, log }: Context,
  { changed }: StoredKeysOptions,
): StoredKeys {
  const places = storage.of("")
  const keysOf = (company: string) => storage.secretsOf(company)
  const lane = createLanes()

  const list = async (company: string): Promise<StoredKey[]> => {
    const { records } = await keysOf(company).list<KeyRecord>({ limit: MOST_KEYS })
    return records
      .map(({ key, value }) => ({ keyId: key, record: value }))
      .sort((a, b) => a.record.createdAt - b.record.createdAt || (a.keyId < b.keyId ? -1 : 1))
  }

  const forget = async (keyId: string): Promise<void> => {
    try {
      await places.delete(keyId)
    } catch (error) {
      // A place without a key opens nothing, and is found again at the next start.
      log.warn({ keyId, error }, "Whose a key was could not be forgotten yet")
    }
  }

  /** Keys that make room for one more; undefined when none can. */
  const displaced = (all: readonly StoredKey[]): readonly StoredKey[] | undefined => {
    const most = all.length - MOST_KEYS + 1
    if (most <= 0) return []
    const now = clock.now()
    const over = all.filter(({ record }) => isExpired(record, now))
    return over.length < most ? undefined : over.slice(0, most)
  }

  const write = async (company: string, wanted: Wanted, gone: readonly StoredKey[]) => {
    const { keyId, text } = newKey(system.randomBytes)
    const hash = system.sha256(new TextEncoder().encode(text))
    const record: KeyRecord = { hash, ...wanted, createdAt: clock.now(), usedAt: null }
    try {
      if (!(await places.putIfAbsent(keyId, { company } satisfies Place))) return undefined
      const drop = gone.map(({ keyId: key }) => ({ op: "delete", key }) as const)
      if (await keysOf(company).commit([{ op: "putIfAbsent", key: keyId, value: record }, ...drop]))
        return { keyId, record, text }
      await forget(keyId)
      return undefined
    } catch (thrown) {
      await forget(keyId)
      throw thrown
    }
  }

  return {
    companyOf: async (keyId) => (await places.get<Place>(keyId))?.company,

    read: (company, keyId) => keysOf(company).get<KeyRecord>(keyId),

    list,

    async create(call, wanted) {
      const { company } = call
      await companies.ensure(call)
      return lane(company, async () => {
        const gone = displaced(await list(company))
        if (gone === undefined) return undefined
        for (let attempt = 0; attempt < TRIES; attempt++) {
          const made = await write(company, wanted, gone)
          if (made === undefined) continue
          for (const { keyId } of gone) {
            changed(keyId)
            await forget(keyId)
          }
          return made
        }
        throw new Error("No free key id was found")
      })
    },

    remove: (company, keyId) =>
      lane(company, async () => {
        if (!isKeyId(keyId) || (await keysOf(company).get(keyId)) === undefined) return false
        try {
          await keysOf(company).delete(keyId)
        } finally {
          // Also after a failure: the commit may have got through.
          changed(keyId)
        }
        await forget(keyId)
        return true
      }),

    used: (company, keyId, at) =>
      lane(company, async () => {
        const keys = keysOf(company)
        const generation = companies.generation(company)
        const record = await keys.get<KeyRecord>(keyId)
        if (record === undefined || generation === undefined) return
        try {
          await keys.put(keyId, { ...record, usedAt: at } satisfies KeyRecord)
        } catch (thrown) {
          // An erased company takes no more writes, and its keys are gone with it.
          if (companies.generation(company) === generation) throw thrown
        }
      }),

    adopt: (company) =>
      lane(company, async () => {
        for (const { keyId } of await list(company)) {
          changed(keyId)
          await places.putIfAbsent(keyId, { company } satisfies Place)
        }
      }),

    async tidy(company, signal) {
      for (let after: string | undefined; ; ) {
        const { records, next } = await places.list<Place>(after === undefined ? {} : { after })
        for (const { key: keyId, value: place } of records) {
          if (company !== undefined && place.company !== company) continue
          // A key that is being made has its place before it is there; its turn is waited for.
          await lane(place.company, async () => {
            if ((await keysOf(place.company).get(keyId)) !== undefined) return
            changed(keyId)
            await places.delete(keyId)
          })
        }
        if (next === null) return
        after = next
        // A house of many keys serves meanwhile.
        await clock.sleep(0, signal)
      }
    },
  }
}

export function isExpired({ expiresAt }: Pick<KeyRecord, "expiresAt">, now: number): boolean {
  return expiresAt !== null && expiresAt <= now
}

/** The scopes that a key's caller has: an admin of a company may do everything in it. */
export function granted({ scopes }: Pick<KeyRecord, "scopes">): Principal["scopes"] {
  return new Set(scopes.includes("admin") ? SCOPES : scopes)
}
