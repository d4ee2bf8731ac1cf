import { appError } from "../../../core/errors.ts"
import { fromUtf8, utf8 } from "../../../core/records/utf8.ts"

const LONGEST_CURSOR = 40_000

/** Hex, since a cursor is text of a URL and a key is any text. */
export function cursorText(key: string): string {
  let text = "k"
  for (const byte of utf8(key)) text += byte.toString(16).padStart(2, "0")
  return text
}

/** Throws VALIDATION_ERROR for a text that is no cursor. */
export function cursorKey(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (text.length > LONGEST_CURSOR || !/^k(?:[0-9a-f]{2})*$/.test(text)) {
    throw appError("VALIDATION_ERROR", { details: [{ path: "cursor", code: "invalid", message: "Not a cursor" }] })
  }
  const bytes = new Uint8Array((text.length - 1) / 2)
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(1 + at * 2, 3 + at * 2), 16)
  return fromUtf8(bytes)
}
