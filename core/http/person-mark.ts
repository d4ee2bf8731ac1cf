import type { System } from "../system.ts"

/** What stands for a phone number in a log: the same for the same number as long as this process lives, and no way back. */
export type PersonMark = (phone: string) => string | undefined

const DIGITS = 12
const KEY_BYTES = 32

/**
 * Marks under a key that nobody has seen: a plain hash of a phone number is found by trying them all. The key ends with the
 * process, so that lines of different lives cannot be joined. Undefined for what is no number.
 */
export function createPersonMark({ hmac, randomBytes }: Pick<System, "hmac" | "randomBytes">): PersonMark {
  const key = randomBytes(KEY_BYTES)
  const encoder = new TextEncoder()
  return (phone) => {
    // As far as one person can be told from another without knowing how countries write their numbers.
    const digits = phone
      .slice(0, 100)
      .replace(/@.*$|\D/gs, "")
      .replace(/^00/, "")
    if (digits.length < 5 || digits.length > 20) return undefined
    const mark = hmac(key, encoder.encode(digits)).subarray(0, DIGITS / 2)
    return Array.from(mark, (byte) => byte.toString(16).padStart(2, "0")).join("")
  }
}
