import { fromUtf8, utf8 } from "./utf8.ts"

/**
 * Key codec of the auth stores: every segment becomes `[a-z0-9=_-]+`, so that no store can take two ids for one, fold
 * their case, cut them at `?`, or see a path in them.
 */

const PLAIN = /^[a-z0-9_-]+$/
const ENCODED = /^(?:[a-z0-9_-]|=[0-9a-f]{2})+$/
/** A file name has at most 255 bytes on every system we run on, and some stores add to it. */
const LONGEST = 120
const EMPTY = "="
const HASHED = "=="

export type Sha256 = (data: Uint8Array) => Uint8Array

export interface EncodedSegment {
  readonly text: string
  /** True when the id was too long: the segment is a hash, and the true id has to be kept in the value. */
  readonly hashed: boolean
}

/** Injective: lower-case letters, digits, `_` and `-` stay, every other byte becomes `=hh`. */
export function encodeSegment(id: string, sha256: Sha256): EncodedSegment {
  if (id.length <= LONGEST && PLAIN.test(id)) return { text: id, hashed: false }
  if (id === "") return { text: EMPTY, hashed: false }
  const bytes = utf8(id)
  if (bytes.length <= LONGEST) {
    const text = escape(bytes)
    if (text.length <= LONGEST) return { text, hashed: false }
  }
  return { text: HASHED + hex(sha256(bytes)), hashed: true }
}

/** The id a segment stands for; `undefined` when it is a hash or was not made here. */
export function decodeSegment(segment: string): string | undefined {
  if (segment === EMPTY) return ""
  if (!ENCODED.test(segment)) return undefined
  if (!segment.includes("=")) return segment
  const bytes: number[] = []
  for (let at = 0; at < segment.length; at++) {
    if (segment[at] === "=") {
      bytes.push(Number.parseInt(segment.slice(at + 1, at + 3), 16))
      at += 2
    } else {
      bytes.push(segment.charCodeAt(at))
    }
  }
  return fromUtf8(Uint8Array.from(bytes))
}

/** `kind/key` as a store holds it. */
export function recordKey(kind: string, id: string, sha256: Sha256): EncodedSegment {
  const left = encodeSegment(kind, sha256)
  const right = encodeSegment(id, sha256)
  return { text: `${left.text}/${right.text}`, hashed: right.hashed }
}

function escape(bytes: Uint8Array): string {
  let text = ""
  for (const byte of bytes) {
    const kept = (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || byte === 95 || byte === 45
    text += kept ? String.fromCharCode(byte) : `=${byte.toString(16).padStart(2, "0")}`
  }
  return text
}

function hex(bytes: Uint8Array): string {
  let text = ""
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0")
  return text
}
