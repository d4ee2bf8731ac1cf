import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createLru } from "../../core/records/lru.ts"

describe("A map that forgets", () => {
  it("gives what was set last under a key or nothing, and never holds more than its limit", () => {
    const key = fc.integer({ min: 0, max: 12 }).map(String)
    const step = fc.tuple(fc.constantFrom("get", "set", "delete"), key)
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const lru = createLru<number>(limit)
        const values = new Map<string, number>()
        for (const [at, [what, name]] of steps.entries()) {
          if (what === "set") {
            lru.set(name, at)
            values.set(name, at)
            expect(lru.get(name)).toBe(at)
          }
          if (what === "delete") {
            lru.delete(name)
            values.delete(name)
          }
          expect([undefined, values.get(name)]).toContain(lru.get(name))
        }
        expect([...values.keys()].filter((one) => lru.get(one) !== undefined).length).toBeLessThanOrEqual(limit)
      }),
    )
  })

  it("still holds the last `limit / 2` that were set or read", () => {
    const lru = createLru<number>(10)
    for (let at = 0; at < 100; at++) {
      lru.set(`a${at}`, at)
      for (let back = 0; back < Math.min(5, at); back++) expect(lru.get(`a${at - back}`)).toBe(at - back)
      for (let back = Math.min(4, at); back >= 0; back--) lru.get(`a${at - back}`)
    }
    expect(lru.get("a0")).toBeUndefined()
  })

  it("keeps what is read again and again, however much else comes by", () => {
    const lru = createLru<string>(10)
    lru.set("dear", "yes")
    for (let at = 0; at < 1_000; at++) {
      lru.set(`other ${at}`, "x")
      expect(lru.get("dear")).toBe("yes")
    }
  })

  it("forgets one key, or every key that begins so", () => {
    const lru = createLru<number>(6)
    for (const key of ["a\n1", "a\n2", "b\n1", "a\n3"]) lru.set(key, 1)
    lru.delete("a\n2")
    lru.deleteAll("a\n")
    expect(["a\n1", "a\n2", "a\n3", "b\n1"].map((key) => lru.get(key))).toEqual([undefined, undefined, undefined, 1])
  })
})
