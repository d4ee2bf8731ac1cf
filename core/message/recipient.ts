import type { Recipient } from "../types.ts"

/** The longest spelling looked at: no id or number of WhatsApp's comes near it. */
const LONGEST = 128
/** As most programs write it; a batch can name a million people. */
const PLAIN = /^[1-9]\d{2,19}$/
/** With the agent and the device that an address can name; a message goes to all of a person's devices. */
const PHONE_JID = /^(\d{3,20})(?:_\d{1,3})?(?::\d{1,5})?@(?:s\.whatsapp\.net|c\.us)$/
const LID_JID = /^(\d{3,30})(?:_\d{1,3})?(?::\d{1,5})?@lid$/
const GROUP_JID = /^\d{5,30}(?:-\d{5,30})?@g\.us$/
/** Marks of writing direction and joining that come along when a number is copied from a screen. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g
/** The zeros of the digits in use beside our own; the other nine follow each. */
const ZEROS = [
  ...[0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66],
  ...[0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810],
]
/** From these to ASCII's. */
const FULL_WIDTH = 0xfee0
/** Every dash, and what else people put between digits; not the comma, after which an extension is dialled. */
const PUNCTUATION = /[\s()./\-\u2010-\u2015\u2212]/g

/**
 * A recipient in any spelling people use: a phone with or without `+`, `00` and punctuation, or an id ending in
 * `@s.whatsapp.net`, `@c.us` (its name in older tools), `@lid` or `@g.us`. Undefined for anything else. Whether the number exists, and whether it is
 * allowed, is not judged here.
 */
export function parseRecipient(value: unknown): Recipient | undefined {
  if (typeof value === "string" && PLAIN.test(value)) return { kind: "phone", phone: value }
  const text = spelling(value)
  if (text === undefined) return undefined
  if (!text.includes("@")) {
    const phone = digitsOf(text)
    return phone === undefined ? undefined : { kind: "phone", phone }
  }
  const id = text.trim().toLowerCase()
  const phone = PHONE_JID.exec(id)?.[1]
  if (phone !== undefined) return { kind: "phone", phone }
  const lid = LID_JID.exec(id)?.[1]
  if (lid !== undefined) return { kind: "lid", lid }
  return GROUP_JID.test(id) ? { kind: "group", group: id } : undefined
}

/** The digits of a phone number in any spelling, country code first; undefined when it is none. */
export function parsePhone(value: unknown): string | undefined {
  const recipient = parseRecipient(value)
  return recipient?.kind === "phone" ? recipient.phone : undefined
}

export function sameRecipient(a: Recipient, b: Recipient): boolean {
  return recipientText(a) === recipientText(b)
}

/** How an answer names the recipient: digits for a phone, else the id. */
export function recipientText(to: Recipient): string {
  if (to.kind === "phone") return to.phone
  return to.kind === "lid" ? `${to.lid}@lid` : to.group
}

function spelling(value: unknown): string | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value > 0 ? String(value) : undefined
  if (typeof value !== "string" || value.length === 0 || value.length > LONGEST) return undefined
  return /^[\x20-\x7e]*$/.test(value) ? value : plain(value)
}

/** In ASCII, as far as it says the same: a number in circled or raised digits is nobody's phone. */
function plain(text: string): string {
  return text
    .replace(INVISIBLE, "")
    .replace(/[\uff01-\uff5e]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - FULL_WIDTH))
    .replace(/\p{Nd}/gu, (digit) => {
      const code = digit.codePointAt(0) ?? 0
      const zero = ZEROS.find((first) => code >= first && code < first + 10)
      return zero === undefined ? digit : String(code - zero)
    })
}

function digitsOf(text: string): string | undefined {
  // A trunk zero in brackets, as in +44 (0)20 …, is dialled only inside the country.
  const bare = text
    .replace(/^\s*(?:tel|whatsapp):/i, "")
    .replace(/^(\s*(?:\+|00)?\s*\d{1,3}[\s.-]*)\(0\)/, "$1")
    .replace(PUNCTUATION, "")
  const digits = bare.replace(/^\+(?:00)?|^00/, "")
  return /^\d{3,20}$/.test(digits) ? digits : undefined
}
