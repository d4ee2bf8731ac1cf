import { describe, expect, it } from "vitest"
import { addressList, clientAddress } from "../../core/http/addresses.ts"

const trusted = addressList(["10.0.0.0/8", "192.0.2.7", "fd00::/8"])

describe("The client's address", () => {
  it.each([
    ["the peer's, without a header", "203.0.113.9", null, "203.0.113.9"],
    ["the peer's, when it is no trusted proxy", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["what a trusted proxy says", "10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["what the nearest proxy says, not what the caller made up", "10.1.2.3", "127.0.0.1, 198.51.100.1", "198.51.100.1"],
    ["beyond every trusted proxy on the way", "10.1.2.3", "198.51.100.1, 192.0.2.7, 10.9.9.9", "198.51.100.1"],
    ["the first of only trusted ones", "10.1.2.3", "10.0.0.1, 10.0.0.2", "10.0.0.1"],
    ["the peer's, when the header is no address", "10.1.2.3", "unknown, <script>", "10.1.2.3"],
    ["the same for an IPv4 peer written as IPv6", "::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["without the port that some proxies add", "fd00::5", "198.51.100.1:4711", "198.51.100.1"],
    ["without brackets", "fd00::5", "[2001:db8::1]:4711", "2001:db8::1"],
  ])("is %s", (_, peer, header, expected) => {
    expect(clientAddress(peer, header, trusted)).toBe(expected)
  })

  it("is unknown where the runtime does not tell, whatever a header says", () => {
    expect(clientAddress(undefined, "198.51.100.1", trusted)).toBeUndefined()
  })
})

describe("A list of addresses", () => {
  it.each([
    ["10.0.0.0", true],
    ["10.255.255.255", true],
    ["11.0.0.0", false],
    ["192.0.2.7", true],
    ["192.0.2.8", false],
    ["fdff::1", true],
    ["fe00::1", false],
    ["::ffff:192.0.2.7", true],
    ["::ffff:c000:207", true],
    ["010.0.0.1", false],
    ["10.0.0", false],
    ["10.0.0.256", false],
    ["", false],
    ["fd00:::1", false],
    ["fd00::1::2", false],
    ["fd00:1:2:3:4:5:6:7:8", false],
    ["fd00%eth0::1", false],
    ["fd00::1%eth0", true],
  ])("with %s: %s", (address, expected) => {
    expect(trusted(address)).toBe(expected)
  })

  it("takes ranges that end within a byte", () => {
    const within = addressList(["172.16.0.0/12"])
    expect([within("172.31.255.255"), within("172.32.0.0")]).toEqual([true, false])
    expect(addressList(["0.0.0.0/0"])("8.8.8.8")).toBe(true)
    expect(addressList(["0.0.0.0/0"])("::1")).toBe(false)
  })

  it.each(["proxy", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0.0/x", "::/129", ""])("refuses %s by name", (entry) => {
    expect(() => addressList([entry])).toThrow("WHATSAPP_TRUSTED_PROXIES")
  })
})
