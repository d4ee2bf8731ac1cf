import { expect, it } from "vitest"
import { storedCompanies } from "../../../core/storage.ts"
import { createTestClock } from "../../support/clock.ts"
import { bytes, codeOf } from "../bytes.ts"
import { aborted, type ClaimsSubject, eventually, given, PATIENCE_MS, SHORT_MS, unaware, under } from "./subject.ts"

/** When others may take a company over, and what the one before can still do. */
export function takeover(subject: ClaimsSubject): void {
  /** A process that was stopped with its claim in hand. */
  const stopped = (instance: string) => subject.start(instance, { leaseMs: SHORT_MS, clock: createTestClock() })

  it("gives a company to another once the heartbeat of its holder has stopped for a lease", {
    timeout: 2 * PATIENCE_MS,
  }, async () => {
    const [a, b] = [await stopped("a"), await subject.start("b")]
    const before = performance.now()
    const old = given(await a.claim("acme"))
    await under(a, "acme", old).save({ creds: { me: bytes("1") } })
    const next = await eventually(() => b.claim("acme"))
    expect(performance.now() - before).toBeGreaterThan(SHORT_MS * 0.9)
    expect(next.fence).toBeGreaterThan(old.fence)
    expect(await under(b, "acme", next).load("creds", ["me"])).toEqual({ me: bytes("1") })
  })

  it("refuses every write of the one before, who then knows", { timeout: 2 * PATIENCE_MS }, async () => {
    const [a, b] = [await stopped("a"), await subject.start("b")]
    const old = given(await a.claim("acme"))
    const stale = unaware(a, "acme", old)
    await stale.save({ creds: { me: bytes("1") } })
    const next = await eventually(() => b.claim("acme"))
    // Also before the new holder has written anything.
    expect(await codeOf(stale.save({ creds: { me: bytes("stale") } }))).toBe("FENCED")
    expect(await codeOf(stale.clear())).toBe("FENCED")
    expect(old.lost.aborted).toBe(true)
    expect(await under(b, "acme", next).load("creds", ["me"])).toEqual({ me: bytes("1") })
    await under(b, "acme", next).save({ creds: { me: bytes("2") } })
    expect(await codeOf(stale.save({ creds: { me: bytes("stale") } }))).toBe("FENCED")
    expect(await under(b, "acme", next).load("creds", ["me"])).toEqual({ me: bytes("2") })
  })

  it("lets a later process of the same instance take over at once, and the earlier one knows", async () => {
    const earlier = await subject.start("a", { leaseMs: 5 * SHORT_MS })
    const claims = [given(await earlier.claim("acme")), given(await earlier.claim("other"))]
    await unaware(earlier, "acme", given(claims[0])).save({ creds: { me: bytes("1") } })
    const later = await subject.start("a")
    const next = given(await later.claim("acme"))
    expect(next.fence).toBeGreaterThan(claims[0]?.fence ?? 0)
    expect(await codeOf(unaware(earlier, "acme", given(claims[0])).save({ creds: { me: bytes("stale") } }))).toBe(
      "FENCED",
    )
    // All of its claims: whoever has its name now may ask for the others as well.
    for (const claim of claims) await aborted(claim.lost)
    expect(await under(later, "acme", next).load("creds", ["me"])).toEqual({ me: bytes("1") })
    expect(await later.claim("other")).toBeDefined()
    expect(next.lost.aborted).toBe(false)
  })

  it("does not let two processes of one instance throw each other out in turns", async () => {
    const earlier = await subject.start("a", { leaseMs: 5 * SHORT_MS })
    const first = given(await earlier.claim("acme"))
    const later = await subject.start("a")
    const next = given(await later.claim("acme"))
    await aborted(first.lost)
    expect(await earlier.claim("acme")).toBeUndefined()
    expect(await earlier.claim("other")).toBeUndefined()
    expect(next.lost.aborted).toBe(false)
    await under(later, "acme", next).save({ creds: { me: bytes("2") } })
  })

  it("never lets a writer from before an erasure bring a company back", async () => {
    const [a, b] = [await stopped("a"), await subject.start("b")]
    const old = given(await a.claim("acme"))
    const stale = unaware(a, "acme", old)
    await stale.save({ creds: { me: bytes("1") } })
    const eraser = await eventually(() => b.claim("acme"))
    await under(b, "acme", eraser).clear()
    expect(await codeOf(stale.save({ creds: { me: bytes("stale") } }))).toBe("FENCED")
    await eraser.release()
    expect(await codeOf(stale.save({ creds: { me: bytes("stale") } }))).toBe("FENCED")
    expect(await codeOf(stale.clear())).toBe("FENCED")
    expect(await storedCompanies(b.store)).toEqual([])
    expect(await b.store.driver.keys("acme")).toEqual([])
  })

  it("gives a company that was erased under a higher fence than it ever had", async () => {
    const [a, b] = [await subject.start("a"), await subject.start("b")]
    const fences: number[] = []
    for (const process of [a, b, a]) {
      const claim = given(await process.claim("acme"))
      fences.push(claim.fence)
      await under(process, "acme", claim).save({ creds: { me: bytes("1") } })
      await under(process, "acme", claim).clear()
      await claim.release()
      await process.store.driver.erase("acme")
    }
    expect(fences).toEqual([...new Set(fences)].sort((x, y) => x - y))
    const old = given(await a.claim("acme"))
    await old.release()
    expect(
      await codeOf(unaware(b, "acme", { ...old, fence: fences[1] ?? 0 }).save({ creds: { me: bytes("0") } })),
    ).toBe("FENCED")
  })
}
