/** When a delivery that failed is tried again. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const FIRST = [5_000, 30_000, 2 * MINUTE, 10 * MINUTE] as const
/** From then on hourly. */
const HALF_HOURLY_MS = 6 * HOUR
export const LONGEST_MS = 72 * HOUR
/** Either way: a receiver that comes back is not met by everybody at once, and half an hour stays below 35 minutes. */
const JITTER = 0.1
const LONGEST_ASKED_MS = 24 * HOUR

export interface Wait {
  /** Tries so far. */
  readonly tries: number
  /** Ms that it has been made to wait between tries. Time in which the house stood still is not the receiver's. */
  readonly waited: number
  /** What the receiver has asked for, in ms. */
  readonly asked?: number | undefined
  /** 0–1. */
  readonly random: number
}

/** Ms until the next try; undefined when there is none. The last one is made after three days. */
export function nextWait({ tries, waited, asked = 0, random }: Wait): number | undefined {
  if (waited >= LONGEST_MS) return undefined
  const step = FIRST[tries - 1] ?? (waited < HALF_HOURLY_MS ? 30 * MINUTE : HOUR)
  const own = step * (1 - JITTER + 2 * JITTER * random)
  // Whoever asks for a time is not tried before it.
  const wanted = Math.min(asked, LONGEST_ASKED_MS) * (1 + JITTER * random)
  return Math.round(Math.min(Math.max(own, wanted), LONGEST_MS - waited))
}

/** Ms that a `Retry-After` header asks for, as seconds or as a date; undefined for anything else (RFC 9110, 10.2.3). */
export function retryAfter(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? ""
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  if (!/^[A-Z][a-z]{2},/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
