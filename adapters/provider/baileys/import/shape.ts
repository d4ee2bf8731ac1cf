/** Reading values that came out of a file, with an error that says what is missing. */

export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError(`${what} is no object`)
  return { ...value }
}

/** Bytes as they are, or as the base64 text in which the JavaScript libsignal keeps them. */
export function bytesOf(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value !== "string") throw new TypeError(`${what} is missing`)
  return new Uint8Array(Buffer.from(value, "base64"))
}

export function keyOf(value: unknown, what: string, length = 32): Uint8Array {
  const bytes = bytesOf(value, what)
  if (bytes.length !== length) throw new TypeError(`${what} has ${bytes.length} bytes, not ${length}`)
  return bytes
}

export function numberOf(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${what} is no whole number`)
  return Number(value)
}

/** A key pair whose public key is kept without its type byte. */
export function pairOf(value: unknown, what: string): { readonly private: Uint8Array; readonly public: Uint8Array } {
  const { private: secret, public: open } = fieldsOf(value, what)
  return { private: keyOf(secret, `${what}.private`), public: keyOf(open, `${what}.public`) }
}
