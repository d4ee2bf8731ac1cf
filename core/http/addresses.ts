/** Whose X-Forwarded-For counts, and whom it names. Addresses are compared as bytes, an IPv4 one mapped into IPv6 as IPv4. */

/** A test of addresses; entries are single addresses or ranges such as `10.0.0.0/8`. Throws for one that is neither. */
export function addressList(entries: readonly string[]): (address: string) => boolean {
  const ranges = entries.map(parseRange)
  return (address) => {
    const bytes = parseAddress(address)
    return bytes !== undefined && ranges.some((range) => within(bytes, range))
  }
}

/**
 * The caller's own address: the peer's, or, as long as a trusted proxy speaks, the one it names, read from the right,
 * where the nearest proxy wrote.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | null,
  trusted: (address: string) => boolean,
): string | undefined {
  if (peer === undefined || forwardedFor === null || !trusted(peer)) return peer
  let client = peer
  for (const part of forwardedFor.split(",").reverse()) {
    const address = withoutPort(part.trim())
    if (parseAddress(address) === undefined) break
    client = address
    if (!trusted(address)) break
  }
  return client
}

interface Range {
  readonly bytes: readonly number[]
  readonly bits: number
}

function parseRange(entry: string): Range {
  const [address, bits, ...rest] = entry.split("/")
  const bytes = parseAddress(address ?? "")
  const most = (bytes?.length ?? 0) * 8
  const width = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (bytes === undefined || rest.length > 0 || !(width <= most)) {
    throw new Error(`WHATSAPP_TRUSTED_PROXIES: "${entry}" is neither an IP address nor a range such as 10.0.0.0/8`)
  }
  return { bytes, bits: width }
}

function within(bytes: readonly number[], range: Range): boolean {
  if (bytes.length !== range.bytes.length) return false
  for (let index = 0, left = range.bits; left > 0; index++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff
    if (((bytes[index] ?? 0) & mask) !== ((range.bytes[index] ?? 0) & mask)) return false
  }
  return true
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text)
  if (bracketed !== null) return bracketed[1] ?? ""
  return /^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(":")) : text
}

/** 4 or 16 bytes, or undefined for what is no IP address. */
function parseAddress(text: string): number[] | undefined {
  const bare = text.replace(/%.*$/, "").toLowerCase()
  const four = parseFour(bare)
  if (four !== undefined) return four
  if (!bare.includes(":") || bare.length > 45) return undefined
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  const tail = dotted === null ? [] : parseFour(dotted[2] ?? "")
  if (tail === undefined) return undefined
  const colons = dotted === null ? bare : (dotted[1] ?? "").replace(/([^:]):$/, "$1")
  const halves = colons.split("::")
  if (halves.length > 2) return undefined
  const [front, back] = halves.map((half) => (half === "" ? [] : groups(half)))
  if (front === undefined || (halves.length === 2 && back === undefined)) return undefined
  const known = front.length + (back?.length ?? 0) + tail.length
  if (halves.length === 1 ? known !== 16 : known > 14) return undefined
  const bytes = [...front, ...Array.from({ length: 16 - known }, () => 0), ...(back ?? []), ...tail]
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return mapped ? bytes.slice(12) : bytes
}

function parseFour(text: string): number[] | undefined {
  // A leading zero means octal to some and nothing to others.
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined
  const bytes = text.split(".").map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function groups(half: string): number[] | undefined {
  const parts = half.split(":")
  if (!parts.every((part) => /^[0-9a-f]{1,4}$/.test(part))) return undefined
  return parts.flatMap((part) => {
    const value = Number.parseInt(part, 16)
    return [value >> 8, value & 0xff]
  })
}
