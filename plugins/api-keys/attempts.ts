import type { PluginContext } from "../../core/plugin.ts"

const MOST = 20
const WINDOW_MS = 60_000
/** Addresses remembered at once; an attacker with more of them pushes out only those that have been silent longest. */
const MOST_ADDRESSES = 10_000

export interface Attempts {
  /** Notes a failed attempt; seconds to wait when there have been too many in the last minute, else undefined. */
  failed(address: string): number | undefined
}

/** Counts failed attempts by address: exact over any minute, in bounded memory. */
export function createAttempts(clock: PluginContext<unknown, never>["clock"]): Attempts {
  const byAddress = new Map<string, number[]>()
  return {
    failed(address) {
      const now = clock.monotonic()
      const recent = (byAddress.get(address) ?? []).filter((at) => at > now - WINDOW_MS)
      const oldest = recent[0]
      const over = recent.length >= MOST && oldest !== undefined
      if (!over) recent.push(now)
      // Set anew, so that the map stays in the order of the last attempt.
      byAddress.delete(address)
      byAddress.set(address, recent)
      if (byAddress.size > MOST_ADDRESSES) {
        const [silentLongest] = byAddress.keys()
        if (silentLongest !== undefined) byAddress.delete(silentLongest)
      }
      return over ? Math.ceil((oldest + WINDOW_MS - now) / 1_000) : undefined
    },
  }
}
