import { isIP } from "node:net"
import ipaddr from "ipaddr.js"

/**
 * `public`: reachable for everybody. `private`: loopback and networks of one's own. `near`: link-local, and where clouds
 * tell a machine its secrets. `special`: everything else, which no server of anybody's has.
 */
export type AddressKind = "public" | "private" | "near" | "special"

const PRIVATE: ReadonlySet<string> = new Set(["loopback", "private", "carrierGradeNat", "uniqueLocal"])

/** Meant for benchmarks; where a tunnel answers for name servers, it stands for names of the public. */
const TUNNELLED = ipaddr.parseCIDR("198.18.0.0/15")

/** Metadata services outside the link-local range: Azure, Alibaba, Oracle, and EC2 over IPv6. */
const METADATA = ["168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::/32"].map((range) =>
  ipaddr.parseCIDR(range),
)

/** The only IPv6 addresses that IANA has given to the public. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3")

/** Of these, what leads to an IPv4 address inside it, to nobody, or into somebody's own network; whatever the library says. */
const NOT_PUBLIC = [
  "2001::/23", // protocol assignments: Teredo, ORCHID, benchmarking
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "2620:4f:8000::/48", // AS112
  "3ffe::/16", // 6bone, given back
  "3fff::/20", // documentation
].map((range) => ipaddr.IPv6.parseCIDR(range))

/** An IP address in one spelling, an IPv4 address inside IPv6 taken out; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = parse(text)
  return address?.toString()
}

/** Decides by what is known to be public, so that a range nobody has thought of is refused. */
export function kindOf(text: string): AddressKind {
  const address = parse(text)
  if (address === undefined) return "special"
  const range = address.range()
  if (range === "linkLocal" || METADATA.some((known) => isIn(address, known))) return "near"
  if (PRIVATE.has(range) || isIn(address, TUNNELLED)) return "private"
  if (range !== "unicast") return "special"
  return address instanceof ipaddr.IPv4 || isPublic(address) ? "public" : "special"
}

function isPublic(address: ipaddr.IPv6): boolean {
  if (!address.match(GLOBAL_UNICAST) || NOT_PUBLIC.some((range) => address.match(range))) return false
  // ISATAP: the last 32 bits are an IPv4 address that a router inside would send it to.
  const [, , , , flags = 0, mark = 0] = address.parts
  return !((flags & ~0x0200) === 0 && mark === 0x5efe)
}

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, [range, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return address.kind() === range.kind() && address.match(range, bits)
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.replace(/%.*$/, "")
  // The library takes octal and short forms as well; an address that comes here is written in full.
  const version = isIP(bare)
  if (version === 0) return undefined
  // And it takes ::127.0.0.1 for ::ffff:127.0.0.1, which is another address; in hexadecimal it does not.
  return ipaddr.process(version === 4 ? bare : new URL(`http://[${bare}]/`).hostname.slice(1, -1))
}
