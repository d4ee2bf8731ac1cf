import type { PluginContext, Principal } from "../../core/plugin.ts"
import { createEnds } from "./ends.ts"
import { createRecent } from "./recent.ts"
import { createStoredKeys, granted, isExpired, type KeyRecord, type StoredKeys } from "./stored-keys.ts"

/** A key that has been read from the ledger. */
export interface KnownKey {
  readonly keyId: string
  readonly hash: Uint8Array
  readonly principal: Principal
}

/** The keys of companies, those in use remembered: a request with one of them reads nothing. */
export interface KnownKeys extends Pick<StoredKeys, "list" | "create" | "remove"> {
  /** A key that counts now: neither unknown nor revoked nor expired, of a company that has not been erased. */
  find(keyId: string): KnownKey | undefined | Promise<KnownKey | undefined>
  /** Notes that a request came with this key. */
  use(key: KnownKey): void
  /** Epoch ms, also of uses that are not written down yet. */
  usedAt(keyId: string, record: KeyRecord): number | null
}

interface Remembered extends KnownKey {
  readonly company: string
  /** Of the company: another one has keys of its own. */
  readonly generation: number
  readonly record: KeyRecord
  usedAt: number | null
  /** When the next use is to be written down. */
  noteFrom: number
}

const MOST_REMEMBERED = 10_000
/** A use is written down at most this often; what is shown is newer as long as the server runs. */
const NOTE_EVERY_MS = 3_600_000

type Context = Pick<
  PluginContext<unknown, never>,
  "storage" | "companies" | "system" | "clock" | "log" | "background" | "on"
>

export function createKnownKeys(context: Context): KnownKeys {
  const { companies, clock, background, on } = context
  const remembered = createRecent<Remembered>(MOST_REMEMBERED)
  /** Counts changes, so that what was read before one is not remembered after it. */
  let changes = 0
  const ends = createEnds(clock)
  const stored = createStoredKeys(context, {
    changed(keyId) {
      changes++
      remembered.delete(keyId)
      ends.tell(keyId)
    },
  })

  const counts = ({ company, generation, record }: Remembered): boolean =>
    companies.generation(company) === generation && !isExpired(record, clock.now())

  const load = async (keyId: string): Promise<Remembered | undefined> => {
    const before = changes
    const company = await stored.companyOf(keyId)
    // Taken before the record is read, so that it is never that of a later company.
    const generation = company === undefined ? undefined : companies.generation(company)
    if (company === undefined || generation === undefined) return undefined
    const record = await stored.read(company, keyId)
    if (record === undefined) return undefined
    const { hash, usedAt } = record
    const principal: Principal = { kind: "company", company, scopes: granted(record), onEnd: onEndOf(keyId, record) }
    const noteFrom = usedAt === null ? 0 : usedAt + NOTE_EVERY_MS
    const key: Remembered = { keyId, hash, principal, company, generation, record, usedAt, noteFrom }
    if (before === changes) remembered.set(keyId, key)
    return counts(key) ? key : undefined
  }

  const find = (keyId: string): KnownKey | undefined | Promise<KnownKey | undefined> => {
    const key = remembered.get(keyId)
    if (key === undefined || companies.generation(key.company) !== key.generation) return load(keyId)
    return counts(key) ? key : undefined
  }

  const onEndOf =
    (keyId: string, { expiresAt }: KeyRecord): NonNullable<Principal["onEnd"]> =>
    (over) => {
      let stop = (): void => undefined
      const end = (): void => {
        stop()
        over()
      }
      stop = ends.hear(keyId, expiresAt, over)
      // It may have ended since the request was let in; one that cannot be read again is taken for ended.
      void Promise.resolve(find(keyId)).then((key) => key ?? end(), end)
      return stop
    }

  on("company:erased", ({ company }) => stored.tidy(company))
  on("company:imported", ({ company }) => stored.adopt(company))
  // A crash can have come between a key and its place.
  on("app:ready", () => background("places of keys", (signal) => stored.tidy(undefined, signal)))

  return {
    list: stored.list,
    create: stored.create,
    remove: stored.remove,
    find,
    use({ keyId }) {
      const key = remembered.get(keyId)
      if (key === undefined) return
      const now = clock.now()
      key.usedAt = now
      if (now < key.noteFrom) return
      key.noteFrom = now + NOTE_EVERY_MS
      background("last use of a key", () => stored.used(key.company, keyId, now))
    },
    usedAt: (keyId, record) => remembered.get(keyId)?.usedAt ?? record.usedAt,
  }
}
