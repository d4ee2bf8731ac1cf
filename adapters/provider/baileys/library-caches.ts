import type { PossiblyExtendedCacheStore } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { createBoundedMap, type Bounds } from "./bounded-map.ts"

/** The caches that Baileys would otherwise make itself: without bound, each with a timer that sweeps it. */
export interface LibraryCaches {
  readonly userDevicesCache: PossiblyExtendedCacheStore
  readonly msgRetryCounterCache: PossiblyExtendedCacheStore
  readonly callOfferCache: PossiblyExtendedCacheStore
  readonly placeholderResendCache: PossiblyExtendedCacheStore
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

export function createLibraryCaches(clock: Clock): LibraryCaches {
  const counters = cache({ max: 500, maxAgeMs: HOUR, clock })
  const resends = cache({ max: 200, maxAgeMs: HOUR, clock })
  const retried = createBoundedMap<true>({ max: 500, maxAgeMs: HOUR, clock })
  return {
    // Changes are told by notifications. Each query makes new sessions with all devices and uses up a pre-key of each, so
    // asking every five minutes, as Baileys would, is hard on the contact. Big enough for the members of large groups.
    userDevicesCache: cache({ max: 2000, maxAgeMs: HOUR, clock }),
    callOfferCache: cache({ max: 50, maxAgeMs: 5 * MINUTE, clock }),
    // Without its cache of recent messages Baileys asks our own phone for a copy before it asks the sender again, and waits
    // two seconds for it while nothing else is read. It leaves that out for a message it has asked the phone for already.
    msgRetryCounterCache: {
      ...counters,
      set(key, value) {
        retried.set(key.slice(0, key.lastIndexOf(":")), true)
        return counters.set(key, value)
      },
    },
    placeholderResendCache: {
      ...resends,
      get: <T>(key: string) => resends.get<T>(key) ?? (retried.get(key) as T | undefined),
    },
  }
}

function cache(bounds: Bounds): PossiblyExtendedCacheStore {
  const entries = createBoundedMap<unknown>(bounds)
  // The interface lets every caller name the type it once put in.
  const read = <T>(key: string): T | undefined => entries.get(key) as T | undefined
  return {
    get: read,
    set: (key, value) => {
      entries.set(key, value)
    },
    del: (key) => entries.delete(key),
    flushAll: () => entries.clear(),
    mget: async <T>(keys: string[]) => Object.fromEntries(keys.map((key) => [key, read<T>(key)])),
    mset: (pairs) => {
      for (const { key, value } of pairs) entries.set(key, value)
    },
  }
}
