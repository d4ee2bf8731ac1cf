import { ParseError, parsePhoneNumberWithError } from "libphonenumber-js/min"
import { parseRecipient } from "../../core/plugin.ts"

/** Entries of a blocklist: whom they stand for, in whatever spelling. */

/** An entry as it is kept: the digits of a phone, country code first, or `<user>@lid`. Or why it is none, without an echo. */
export type Reading = { readonly entry: string } | { readonly fault: string }

const UNREADABLE =
  "Write the phone internationally, such as +79001234567, or give an id ending in @s.whatsapp.net, @c.us or @lid"
const GROUP = "A group cannot be blocked: whoever writes in it is what counts"
const NO_COUNTRY = "No country has this calling code; write the number internationally, such as +79001234567"
const NO_LENGTH = "A phone number has 7 to 15 digits with its country code"
/** E.164; the shortest numbers there are have three digits of country code and four of their own. */
const LENGTH = /^\d{7,15}$/

/** A number as people write it, or an id of WhatsApp's. */
export function readNumber(value: unknown): Reading {
  const given = parseRecipient(value)
  if (given === undefined) return { fault: UNREADABLE }
  if (given.kind === "group") return { fault: GROUP }
  if (given.kind === "lid") return { entry: `${given.lid}@lid` }
  const digits = international(given.phone)
  if (digits === undefined) return { fault: NO_COUNTRY }
  return LENGTH.test(digits) ? { entry: digits } : { fault: NO_LENGTH }
}

/** Without a trunk prefix behind the country code (`+7 8 900 …`), with which no number would ever match. */
function international(digits: string): string | undefined {
  try {
    return parsePhoneNumberWithError(`+${digits}`, { extract: false }).number.slice(1)
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown
    return thrown.message === "INVALID_COUNTRY" ? undefined : digits
  }
}

/** What all spellings of one entry have in common. */
export function keyOf(entry: string): string {
  return entry.endsWith("@lid") ? entry : oneSpelling(entry)
}

/**
 * Three countries write their mobile numbers in two ways, and WhatsApp knows a person by either: Brazil with and without
 * the ninth digit, Mexico with and without 1, Argentina with and without 9.
 */
function oneSpelling(phone: string): string {
  // Country code, the digit in question, and the ten that are left of each such number.
  if (phone.length !== 13) return phone
  if (phone.startsWith("521")) return `52${phone.slice(3)}`
  if (phone.startsWith("549")) return `54${phone.slice(3)}`
  // Before any other digit the short form would be a landline, which is somebody else's.
  const short = phone.startsWith("55") && phone[4] === "9" && (phone[5] ?? "") >= "6"
  return short ? phone.slice(0, 4) + phone.slice(5) : phone
}

/** A list that can be asked. */
export interface Blocklist {
  readonly size: number
  hasPhone(phone: string): boolean
  hasLid(lid: string): boolean
}

export function compileList(entries: readonly string[]): Blocklist {
  const keys = new Set(entries.map(keyOf))
  const lids = entries.some((entry) => entry.endsWith("@lid"))
  return {
    size: entries.length,
    hasPhone: (phone) => keys.has(oneSpelling(phone)),
    hasLid: (lid) => lids && keys.has(`${lid}@lid`),
  }
}
