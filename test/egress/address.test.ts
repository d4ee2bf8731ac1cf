import { describe, expect, it } from "vitest"
import { type AddressKind, canonicalAddress, kindOf } from "../../adapters/egress/address.ts"

/** Each range by its first and last address, with those just outside it where they are public. */
const ranges: readonly (readonly [AddressKind, string, string])[] = [
  ["special", "0.0.0.0", "0.255.255.255"],
  ["public", "1.0.0.0", "9.255.255.255"],
  ["private", "10.0.0.0", "10.255.255.255"],
  ["public", "11.0.0.0", "100.63.255.255"],
  ["private", "100.64.0.0", "100.100.100.199"],
  ["near", "100.100.100.200", "100.100.100.200"],
  ["private", "100.100.100.201", "100.127.255.255"],
  ["public", "100.128.0.0", "126.255.255.255"],
  ["private", "127.0.0.0", "127.255.255.255"],
  ["public", "128.0.0.0", "168.63.129.15"],
  ["near", "168.63.129.16", "168.63.129.16"],
  ["public", "168.63.129.17", "169.253.255.255"],
  ["near", "169.254.0.0", "169.254.255.255"],
  ["public", "169.255.0.0", "172.15.255.255"],
  ["private", "172.16.0.0", "172.31.255.255"],
  ["public", "172.32.0.0", "191.255.255.255"],
  ["special", "192.0.0.0", "192.0.0.191"],
  ["near", "192.0.0.192", "192.0.0.192"],
  ["special", "192.0.0.193", "192.0.0.255"],
  ["public", "192.0.1.0", "192.0.1.255"],
  ["special", "192.0.2.0", "192.0.2.255"],
  ["public", "192.0.3.0", "192.31.195.255"],
  ["special", "192.31.196.0", "192.31.196.255"],
  ["public", "192.31.197.0", "192.52.192.255"],
  ["special", "192.52.193.0", "192.52.193.255"],
  ["public", "192.52.194.0", "192.88.98.255"],
  ["special", "192.88.99.0", "192.88.99.255"],
  ["public", "192.88.100.0", "192.167.255.255"],
  ["private", "192.168.0.0", "192.168.255.255"],
  ["public", "192.169.0.0", "192.175.47.255"],
  ["special", "192.175.48.0", "192.175.48.255"],
  ["public", "192.175.49.0", "198.17.255.255"],
  ["private", "198.18.0.0", "198.19.255.255"],
  ["public", "198.20.0.0", "198.51.99.255"],
  ["special", "198.51.100.0", "198.51.100.255"],
  ["public", "198.51.101.0", "203.0.112.255"],
  ["special", "203.0.113.0", "203.0.113.255"],
  ["public", "203.0.114.0", "223.255.255.255"],
  ["special", "224.0.0.0", "255.255.255.255"],
  ["special", "::", "::"],
  ["private", "::1", "::1"],
  ["special", "::2", "::fffe:ffff:ffff"],
  ["special", "64:ff9b::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
  ["special", "100::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["public", "2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["public", "2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["public", "2001:db9::", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["public", "2003::", "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"],
  ["public", "2620:4f:8001::", "3ffd:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "3ffe::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["private", "fc00::", "fd00:ec1:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["near", "fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["private", "fd00:ec3::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["near", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["special", "fec0::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
]

describe("the kind of an address", () => {
  it.each(ranges)("is %s from %s to %s", (kind, first, last) => {
    expect([kindOf(first), kindOf(last)]).toEqual([kind, kind])
  })

  it.each(ranges.filter(([, first]) => first.includes(".")))(
    "is the same inside IPv6 for IPv4: %s from %s to %s",
    (kind, first, last) => {
      expect([kindOf(`::ffff:${first}`), kindOf(`::ffff:${last}`)]).toEqual([kind, kind])
    },
  )

  it.each(["", "example.com", "127.1", "0x7f.1", "1.2.3.4.5", "2130706433", "[::1]", "::g", "1.2.3.4/8", "1.2.3.256"])(
    "is special for %j, which is no address written in full",
    (text) => {
      expect(kindOf(text)).toBe("special")
      expect(canonicalAddress(text)).toBeUndefined()
    },
  )

  it("does not depend on the spelling, the interface, or IPv4 standing inside IPv6", () => {
    expect(canonicalAddress("::FFFF:7f00:1")).toBe("127.0.0.1")
    expect(canonicalAddress("FE80:0:0::1%eth0")).toBe("fe80::1")
    expect(canonicalAddress("::127.0.0.1")).toBe("::7f00:1")
  })
})
