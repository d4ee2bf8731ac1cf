import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { AtomicStore, Taken } from "../../core/atomic.ts"
import { bytes } from "./bytes.ts"
import { hostileIds, shown } from "./hostile.ts"

/** What a store brings: two processes that share it, and its time. */
export interface AtomicFixture {
  readonly clients: readonly [AtomicStore, AtomicStore]
  /** Lets at least this much time go by for the store. */
  pass(ms: number): Promise<void>
  cleanup(): Promise<void>
}

/** Long enough that what belongs into one window does so on a slow machine. */
const WINDOW_MS = 2_000

/** Every atomic store behaves like this. */
export function describeAtomicStore(name: string, factory: () => Promise<AtomicFixture>): void {
  describe(`atomic store ${name}`, () => {
    let fixture: AtomicFixture
    let one: AtomicStore
    let two: AtomicStore

    beforeEach(async () => {
      fixture = await factory()
      ;[one, two] = fixture.clients
    })
    afterEach(() => fixture.cleanup())

    const take = async (key: string, limit: number, cost = 1, store = one): Promise<Taken> =>
      store.take(key, { limit, windowMs: WINDOW_MS, cost })

    it("takes up to the limit, says what remains, and refuses the next", async () => {
      for (const remaining of [2, 1, 0]) {
        const taken = await take("k", 3)
        expect(taken).toMatchObject({ taken: true, remaining, retryAfterMs: 0, resetMs: WINDOW_MS })
        expect(taken.receipt?.cost).toBe(1)
      }
      const refused = await take("k", 3, 1, two)
      expect(refused).toMatchObject({ taken: false, remaining: 0 })
      expect(refused.retryAfterMs).toBeGreaterThan(0)
      expect(refused.retryAfterMs).toBeLessThanOrEqual(WINDOW_MS)
      expect(refused.resetMs).toBeGreaterThanOrEqual(refused.retryAfterMs)
      expect((await take("other", 3)).remaining).toBe(2)
    })

    it("lets exactly the limit through when two clients ask 400 times at once", async () => {
      const quota = { limit: 100, windowMs: 60_000, cost: 1 }
      const asked = await Promise.all(
        Array.from({ length: 400 }, async (_, at) => (at % 2 ? one : two).take("k", quota)),
      )
      expect(asked.filter(({ taken }) => taken)).toHaveLength(100)
      const left = asked.filter(({ taken }) => taken).map(({ remaining }) => remaining)
      expect(left.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at))
    })

    it("gives room again stamp by stamp as each leaves the window, and no earlier", async () => {
      for (let at = 0; at < 3; at++) await take("k", 5)
      await fixture.pass(WINDOW_MS / 2)
      expect((await take("k", 5, 2)).taken).toBe(true)
      const refused = await take("k", 5)
      expect(refused.taken).toBe(false)
      expect(refused.retryAfterMs).toBeLessThanOrEqual(WINDOW_MS / 2)
      await fixture.pass(refused.retryAfterMs)
      // The first three stamps lie close together; the other two stay for another half of the window.
      await fixture.pass(50)
      const taken = await Promise.all(Array.from({ length: 8 }, () => take("k", 5)))
      expect(taken.filter((one) => one.taken)).toHaveLength(3)
    })

    it("adds nothing by a refused call", async () => {
      await take("k", 2, 2)
      for (let at = 0; at < 20; at++) expect((await take("k", 2)).taken).toBe(false)
      await fixture.pass(WINDOW_MS)
      expect(await take("k", 2)).toMatchObject({ taken: true, remaining: 1 })
    })

    it("takes back the stamps of one call and no others, so that later ones stay as long as they would have", async () => {
      const first = await take("k", 3)
      await fixture.pass(WINDOW_MS / 2)
      await take("k", 3, 2, two)
      if (first.receipt === null) throw new Error("The first was not taken")
      await one.giveBack("k", first.receipt)
      const last = await take("k", 3)
      expect(last).toMatchObject({ taken: true, remaining: 0 })
      await fixture.pass(WINDOW_MS / 2)
      expect((await take("k", 3)).taken).toBe(false)
      await one.giveBack("k", first.receipt)
      expect((await take("k", 3)).taken).toBe(false)
      if (last.receipt === null) throw new Error("The last was not taken")
      await Promise.all([one.giveBack("k", last.receipt), one.giveBack("other", last.receipt)])
      expect(await take("k", 3)).toMatchObject({ taken: true, remaining: 0 })
    })

    it("takes several at once or none, and says when as many fit", async () => {
      expect(await take("k", 5, 3)).toMatchObject({ taken: true, remaining: 2 })
      await fixture.pass(WINDOW_MS / 4)
      expect(await take("k", 5, 3)).toMatchObject({ taken: false, remaining: 2 })
      expect(await take("k", 5, 2)).toMatchObject({ taken: true, remaining: 0 })
      const [few, many] = [await take("k", 5, 3), await take("k", 5, 4)]
      expect(many.retryAfterMs).toBeGreaterThan(few.retryAfterMs + WINDOW_MS / 8)
      await fixture.pass(many.retryAfterMs)
      expect(await take("k", 5, 4)).toMatchObject({ taken: true, remaining: 1 })
    })

    it("never takes more than the limit at once, and says so by the length of the window", async () => {
      expect(await take("k", 3, 4)).toEqual({
        taken: false,
        receipt: null,
        remaining: 3,
        retryAfterMs: WINDOW_MS,
        resetMs: 0,
      })
      expect(await take("k", 3, 3)).toMatchObject({ taken: true, remaining: 0 })
    })

    it("keeps to a limit that is lower than before", async () => {
      await take("k", 10, 8)
      expect(await take("k", 5)).toMatchObject({ taken: false, remaining: 0 })
      expect(await take("k", 10)).toMatchObject({ taken: true, remaining: 1 })
    })

    it("takes thousands at once", async () => {
      expect(await take("k", 5_000, 4_000)).toMatchObject({ taken: true, remaining: 1_000 })
      expect(await take("k", 5_000, 1_001)).toMatchObject({ taken: false, remaining: 1_000 })
      expect(await take("k", 5_000, 1_000)).toMatchObject({ taken: true, remaining: 0 })
    })

    it("counts exactly when two clients add at once", async () => {
      const sums = await Promise.all(Array.from({ length: 200 }, (_, at) => (at % 2 ? one : two).increment("k", 1)))
      expect(sums.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, at) => at + 1))
      expect(await one.increment("k", -200)).toBe(0)
      expect(await two.increment("other", 5)).toBe(5)
    })

    it("forgets a number after its time, which later additions do not renew", async () => {
      expect(await one.increment("k", 1, WINDOW_MS)).toBe(1)
      await fixture.pass(WINDOW_MS / 2)
      expect(await two.increment("k", 1, WINDOW_MS)).toBe(2)
      await fixture.pass(WINDOW_MS / 2)
      expect(await one.increment("k", 1, WINDOW_MS)).toBe(1)
    })

    it("sets a value once, whoever comes first, until its time is over", async () => {
      const set = await Promise.all(
        Array.from({ length: 20 }, (_, at) => (at % 2 ? one : two).setIfAbsent("k", Uint8Array.of(at), WINDOW_MS)),
      )
      expect(set.filter((won) => won)).toHaveLength(1)
      expect(await two.get("k")).toEqual(Uint8Array.of(set.indexOf(true)))
      await fixture.pass(WINDOW_MS)
      expect(await one.get("k")).toBeUndefined()
      expect(await two.setIfAbsent("k", bytes("again"), WINDOW_MS)).toBe(true)
    })

    it("gives back the bytes it was given, as a copy", async () => {
      const value = Uint8Array.from({ length: 256 }, (_, index) => index)
      await one.setIfAbsent("k", value, 60_000)
      const first = await two.get("k")
      expect(first).toEqual(value)
      first?.fill(0)
      value.fill(1)
      expect(await one.get("k")).toEqual(Uint8Array.from({ length: 256 }, (_, index) => index))
      expect(await one.setIfAbsent("empty", new Uint8Array(), 60_000)).toBe(true)
      expect(await one.get("empty")).toEqual(new Uint8Array())
    })

    it("keeps limits, numbers and values of one key apart, and deletes them together", async () => {
      await take("k", 1)
      await one.increment("k", 3)
      await one.setIfAbsent("k", bytes("v"), 60_000)
      expect(await two.get("k")).toEqual(bytes("v"))
      expect((await take("k", 1)).taken).toBe(false)
      await two.delete("k")
      expect(await one.get("k")).toBeUndefined()
      expect(await one.increment("k", 1)).toBe(1)
      expect((await take("k", 1)).taken).toBe(true)
      await one.delete("nobody")
    })

    it("keeps every hostile key apart from every other", async () => {
      const keys = hostileIds.map((id) => id.slice(0, 1_000))
      const unique = [...new Set(keys)]
      for (const [index, key] of unique.entries()) {
        expect(await one.increment(key, index), shown(key)).toBe(index)
        expect(await one.setIfAbsent(key, bytes(`${index}`), 60_000), shown(key)).toBe(true)
        expect(await take(key, 1), shown(key)).toMatchObject({ taken: true, remaining: 0 })
      }
      for (const [index, key] of unique.entries()) {
        expect(await two.increment(key, 0), shown(key)).toBe(index)
        expect(await two.get(key), shown(key)).toEqual(bytes(`${index}`))
      }
    })
  })
}
