import { ParseError, parsePhoneNumberWithError } from "libphonenumber-js/min"

export interface KnownPhone {
  /** Digits, country code first: as the library writes the number, else as they came. */
  readonly phone: string
  /** False when no country or service has this calling code. */
  readonly dialable: boolean
}

/** Numbers that were looked at before, since each message looks at its own twice. */
const REMEMBERED = 1_000

/**
 * Reads digits as an international number. A trunk prefix written after the country code (`+7 8 900 …`) is dropped; a
 * number the library finds too short, too long or unassigned is left as it came, for the operator's pattern to judge.
 */
export function createPhoneReader(): (digits: string) => KnownPhone {
  const known = new Map<string, KnownPhone>()
  return (digits) => {
    const before = known.get(digits)
    if (before !== undefined) return before
    const read = readPhone(digits)
    if (known.size >= REMEMBERED) known.clear()
    known.set(digits, read)
    return read
  }
}

function readPhone(digits: string): KnownPhone {
  try {
    return { phone: parsePhoneNumberWithError(`+${digits}`, { extract: false }).number.slice(1), dialable: true }
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown
    return { phone: digits, dialable: thrown.message !== "INVALID_COUNTRY" }
  }
}

const LONGEST_CODE = 3

/**
 * Whether some country or service has the calling code of the number. Decided once for each beginning, since a batch can
 * name a million people, and to read a number as a whole takes 10 µs and more.
 */
export function createCallingCodes(): (digits: string) => boolean {
  const known = new Map<string, boolean>()
  return (digits) => {
    const beginning = digits.slice(0, LONGEST_CODE)
    const before = known.get(beginning)
    if (before !== undefined) return before
    // As long as a number is, whatever the first one of this beginning looked like.
    const { dialable } = readPhone(`${beginning}1234567`)
    known.set(beginning, dialable)
    return dialable
  }
}
