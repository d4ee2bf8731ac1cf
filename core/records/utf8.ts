/**
 * Text to bytes and back without loss. TextEncoder turns every lone surrogate into U+FFFD, which would make two hostile
 * ids one; here they keep the three bytes that UTF-8 would give them.
 */

/** In every runtime we run on, but not yet in the types of the language version we compile for. */
interface ModernText {
  isWellFormed(): boolean
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Injective over all strings; plain UTF-8 for well-formed ones. */
export function utf8(text: string): Uint8Array {
  return isText(text) ? encoder.encode(text) : wideBytes(text)
}

/** As `utf8`, into the bytes from `at` on, where there is room for three bytes of each code unit; the end of what was written. */
export function utf8Into(text: string, into: Uint8Array, at: number): number {
  if (isText(text)) return at + encoder.encodeInto(text, into.subarray(at)).written
  const bytes = wideBytes(text)
  into.set(bytes, at)
  return at + bytes.length
}

/** The inverse of `utf8`. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    // Not well-formed: only text with lone surrogates is stored so.
    return wideText(bytes)
  }
}

/** Orders two strings as their UTF-8 bytes do; the order of JavaScript differs where surrogates meet U+E000 and above. */
export function compareUtf8(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** False when a surrogate stands alone. */
function isText(text: string): boolean {
  return (text as unknown as ModernText).isWellFormed()
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

function wideBytes(text: string): Uint8Array {
  const bytes: number[] = []
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0
    if (point >= 0xd800 && point <= 0xdfff) {
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f))
    } else {
      bytes.push(...encoder.encode(char))
    }
  }
  return Uint8Array.from(bytes)
}

function wideText(bytes: Uint8Array): string {
  let text = ""
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0
    const width = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    let point = width === 1 ? first : first & (0xff >> (width + 1))
    for (let next = 1; next < width; next++) point = (point << 6) | ((bytes[at + next] ?? 0) & 0x3f)
    text += String.fromCodePoint(Math.min(point, 0x10ffff))
    at += width
  }
  return text
}
