import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeRecord, encodeRecord, Format, RECORD_VERSION } from "../../core/records/values.ts"

function faultOf(work: () => unknown): { readonly code?: string; readonly message?: string; readonly cause?: unknown } {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  return {}
}

const codeOf = (work: () => unknown): string => faultOf(work).code ?? "none"

describe("the value codec", () => {
  it("gives back any JSON-like value, with bytes at any depth", () => {
    const leaf = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ maxLength: 2_000 }),
      // JSON knows one zero.
      fc.double({ noNaN: true }).map((number) => number + 0),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 400 }),
    )
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc.array(tie("any"), { maxLength: 20 }),
        fc.dictionary(
          fc.string().filter((key) => key !== "__proto__"),
          tie("any"),
          { maxKeys: 20 },
        ),
      ),
    })).any
    fc.assert(
      fc.property(value, (any) => {
        expect(decodeRecord(encodeRecord(any))).toEqual(any)
      }),
      { numRuns: 500 },
    )
  })

  it("returns bytes as a Uint8Array of their own, never as a Buffer", () => {
    const record = encodeRecord({ key: Buffer.from("abc") })
    const { key } = decodeRecord<{ key: Uint8Array }>(record)
    expect(Object.getPrototypeOf(key)).toBe(Uint8Array.prototype)
    record.fill(0)
    expect(key).toEqual(Uint8Array.of(97, 98, 99))
  })

  it("works with sizes on both sides of every length form", () => {
    for (const size of [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536, 70_000]) {
      const values = ["x".repeat(size), new Uint8Array(size).fill(7), Array.from({ length: size }, (_, at) => at % 100)]
      const object = Object.fromEntries(Array.from({ length: size }, (_, at) => [`k${at}`, at]))
      expect(decodeRecord(encodeRecord([...values, object]))).toEqual([...values, object])
    }
    const numbers = [
      0,
      127,
      128,
      -32,
      -33,
      2 ** 31 - 1,
      2 ** 31,
      -(2 ** 31),
      -(2 ** 31) - 1,
      2 ** 53 - 1,
      1.5,
      Number.NaN,
      Infinity,
    ]
    expect(decodeRecord<number[]>(encodeRecord(numbers)).map((number) => String(number))).toEqual(numbers.map(String))
  })

  it("leaves out what is undefined", () => {
    expect(decodeRecord(encodeRecord({ a: undefined, b: 1 }))).toEqual({ b: 1 })
  })

  it("never lets a stored key __proto__ become a prototype", () => {
    const record = encodeRecord(JSON.parse('{"__proto__":{"admin":true},"a":1}'))
    expect(codeOf(() => decodeRecord(record))).toBe("RECORD_DAMAGED")
  })

  it.each([[1n], [() => 1], [Symbol("x")], [{ deep: { id: 5n } }]])(
    "refuses a value that no record can hold (%#)",
    (value) => {
      expect(() => encodeRecord(value)).toThrow()
    },
  )

  it("refuses a value without an end", () => {
    const loop: Record<string, unknown> = {}
    loop["self"] = loop
    expect(() => encodeRecord(loop)).toThrow()
  })

  it("calls a sealed record sealed, and names it in the cause only", () => {
    const sealed = Uint8Array.of(RECORD_VERSION, Format.sealed, 1, 2, 3)
    expect(codeOf(() => decodeRecord(sealed, "messages/5"))).toBe("RECORD_SEALED")
    const error = faultOf(() => decodeRecord(sealed.with(1, 9), "messages/5"))
    expect(error.message).not.toContain("messages/5")
    expect(String(error.cause)).toContain("messages/5")
  })

  it("calls any other bytes damaged: cut, lengthened, of another version, or of nothing", () => {
    const record = encodeRecord({ a: [1, "two", new Uint8Array(300)], b: "x".repeat(300) })
    for (let end = 0; end < record.length; end++)
      expect(
        codeOf(() => decodeRecord(record.subarray(0, end))),
        `${end}`,
      ).toBe("RECORD_DAMAGED")
    expect(codeOf(() => decodeRecord(Uint8Array.of(...record, 0)))).toBe("RECORD_DAMAGED")
    expect(codeOf(() => decodeRecord(record.with(0, 2)))).toBe("RECORD_DAMAGED")
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        expect(["none", "RECORD_DAMAGED"]).toContain(
          codeOf(() => decodeRecord(Uint8Array.of(RECORD_VERSION, Format.value, ...noise))),
        )
      }),
      { numRuns: 2_000 },
    )
  })
})
