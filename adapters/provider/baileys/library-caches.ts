import type { PossiblyExtendedCacheStore } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { createBoundedMap } from "./bounded-map.ts"

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
  return {
    // Changes are told by notifications. Each query makes new sessions with all devices and uses up a pre-key of each, so
    // asking every five minutes, as Baileys would, is hard on the contact. Big enough for the members of large groups.
    userDevicesCache: cache(2000, HOUR, clock),
    msgRetryCounterCache: cache(500, HOUR, clock),
    callOfferCache: cache(50, 5 * MINUTE, clock),
    placeholderResendCache: cache(200, HOUR, clock),
  }
}

function cache(max: number, maxAgeMs: number, clock: Clock): PossiblyExtendedCacheStore {
  const entries = createBoundedMap<unknown>({ max, maxAgeMs, clock })
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
