/**
 * Stored values as JSON that says everything: bytes, numbers that JSON has no word for, and objects that look like one of
 * these signs stay what they are. `fromJson(toJson(value))` is `value`.
 */

const BYTES = "$bytes"
const NUMBER = "$number"
const PAIRS = "$pairs"
const ODD: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
])

export function toJson(value: unknown): unknown {
  if (typeof value === "number") return isOdd(value) ? { [NUMBER]: Object.is(value, -0) ? "-0" : String(value) } : value
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Uint8Array) return { [BYTES]: toBase64(value) }
  if (Array.isArray(value)) return value.map(toJson)
  const entries = Object.entries(value)
  if (entries.length === 1 && entries[0]?.[0].startsWith("$") === true) {
    return { [PAIRS]: entries.map(([key, inner]) => [key, toJson(inner)]) }
  }
  return Object.fromEntries(entries.map(([key, inner]) => [key, toJson(inner)]))
}

/** Throws a TypeError for a sign that says nothing. */
export function fromJson(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(fromJson)
  const entries = Object.entries(value)
  const [first] = entries
  if (entries.length === 1 && first !== undefined && first[0].startsWith("$")) return signed(first[0], first[1])
  return Object.fromEntries(entries.map(([key, inner]) => [key, fromJson(inner)]))
}

function signed(sign: string, inner: unknown): unknown {
  if (sign === BYTES) return fromBase64(inner)
  if (sign === NUMBER && typeof inner === "string") {
    const number = ODD.get(inner)
    if (number !== undefined) return number
  }
  if (sign === PAIRS && Array.isArray(inner)) {
    return Object.fromEntries(inner.map((pair: unknown) => [pairKey(pair), fromJson((pair as unknown[])[1])]))
  }
  throw new TypeError(`${sign} is no sign of an export`)
}

function pairKey(pair: unknown): string {
  if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string") return pair[0]
  throw new TypeError(`${PAIRS} holds pairs of a name and a value`)
}

function isOdd(value: number): boolean {
  return !Number.isFinite(value) || Object.is(value, -0)
}

/** In steps, since a call takes only so many arguments. */
const STEP = 0x2000

export function toBase64(bytes: Uint8Array): string {
  let text = ""
  for (let at = 0; at < bytes.length; at += STEP) text += String.fromCharCode(...bytes.subarray(at, at + STEP))
  return btoa(text)
}

/** Throws a TypeError for anything but base64. */
export function fromBase64(text: unknown): Uint8Array {
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw new TypeError("Bytes are written in base64")
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
