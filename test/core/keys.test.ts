import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeSegment, encodeSegment } from "../../core/records/keys.ts"
import { compareUtf8, fromUtf8, utf8 } from "../../core/records/utf8.ts"
import { hostileIds, shown } from "../suites/hostile.ts"

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(data).digest())
const encode = (id: string): string => encodeSegment(id, sha256).text
/** Any string of code units, also those that are no text. */
const anyString = fc.string({ unit: "binary", maxLength: 200 })
const units = fc.array(fc.nat(0xffff), { maxLength: 40 }).map((codes) => String.fromCharCode(...codes))

describe("the key codec", () => {
  it.each([
    ["abc_d-9", "abc_d-9"],
    ["ABC", "=41=42=43"],
    ["a/b", "a=2fb"],
    ["..", "=2e=2e"],
    ["", "="],
    ["é", "=c3=a9"],
    ["=41", "=3d41"],
    ["\ud83d", "=ed=a0=bd"],
  ])("writes %j as %s", (id, segment) => {
    expect(encode(id)).toBe(segment)
    expect(decodeSegment(segment)).toBe(id)
  })

  it.each(hostileIds.map((id) => [shown(id), id]))("keeps to its alphabet and to 120 characters for %s", (_, id) => {
    expect(encode(id)).toMatch(/^[a-z0-9=_-]{1,120}$/)
  })

  it("is injective over all strings, and says when a segment is only a hash", () => {
    fc.assert(
      fc.property(fc.oneof(anyString, units), fc.oneof(anyString, units), (a, b) => {
        const { text, hashed } = encodeSegment(a, sha256)
        expect(text).toMatch(/^[a-z0-9=_-]{1,120}$/)
        expect(decodeSegment(text)).toBe(hashed ? undefined : a)
        expect(text === encode(b)).toBe(a === b)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each(["=4", "=zz", "A", "a b", "a=", "=="])("does not take %j for a segment of its own", (segment) => {
    expect(decodeSegment(segment)).toBeUndefined()
  })
})

describe("text as bytes", () => {
  it("is UTF-8 for text, and loses nothing of what is no text", () => {
    fc.assert(
      fc.property(fc.oneof(anyString, units), (text) => {
        expect(fromUtf8(utf8(text))).toBe(text)
        if (!/\p{Surrogate}/u.test(text)) expect(Buffer.from(utf8(text))).toEqual(Buffer.from(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it("sorts as its bytes do", () => {
    fc.assert(
      fc.property(anyString, anyString, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(utf8(a), utf8(b)))
      }),
      { numRuns: 2_000 },
    )
  })
})
