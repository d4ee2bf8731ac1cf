import { appError } from "../../../core/errors.ts"

const LONGEST_CURSOR = 2_700

/** Part of a physical key as text of a URL. */
export function cursorText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url") || "."
}

/** Throws VALIDATION_ERROR for a text that is no cursor. */
export function cursorBytes(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined
  if (text === ".") return new Uint8Array()
  if (text.length > LONGEST_CURSOR || !/^[A-Za-z0-9_-]+$/.test(text)) throw notACursor()
  return Buffer.from(text, "base64url")
}

export function notACursor(): Error {
  return appError("VALIDATION_ERROR", { details: [{ path: "cursor", code: "invalid", message: "Not a cursor" }] })
}
