import type { PluginContext } from "../../core/plugin.ts"
import { createRecent } from "./recent.ts"

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
  const byNetwork = createRecent<number[]>(MOST_ADDRESSES)
  return {
    failed(address) {
      const now = clock.monotonic()
      const network = networkOf(address)
      const recent = (byNetwork.get(network) ?? []).filter((at) => at > now - WINDOW_MS)
      const oldest = recent[0]
      const over = recent.length >= MOST && oldest !== undefined
      if (!over) recent.push(now)
      byNetwork.set(network, recent)
      return over ? Math.ceil((oldest + WINDOW_MS - now) / 1_000) : undefined
    },
  }
}

const GROUPS = 8
const OF_A_NETWORK = 4

/** Whoever has one IPv6 address has its whole /64, so that counts as one; an IPv4 address counts alone, however it is written. */
function networkOf(address: string): string {
  const bare = address.toLowerCase().replace(/%.*$/, "")
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/.exec(bare)?.[1]
  if (mapped !== undefined || !bare.includes(":")) return mapped ?? bare
  const [front = [], back] = bare.split("::").map((half) => (half === "" ? [] : half.split(":")))
  const zeros = back === undefined ? 0 : Math.max(0, GROUPS - front.length - back.length)
  const groups = [...front, ...Array.from({ length: zeros }, () => "0"), ...(back ?? [])]
  const network = groups.slice(0, OF_A_NETWORK).map((group) => group.replace(/^0+(?=.)/, ""))
  return `${network.join(":")}::/64`
}
