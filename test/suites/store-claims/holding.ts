import { expect, it } from "vitest"
import { isAppError } from "../../../core/errors.ts"
import { storedCompanies } from "../../../core/storage.ts"
import { UNFENCED } from "../../../core/store.ts"
import { bytes, codeOf } from "../bytes.ts"
import { aborted, type ClaimsSubject, eventually, given, PATIENCE_MS, SHORT_MS, under } from "./subject.ts"

/** Who has a company, and how it is given free. */
export function holding(subject: ClaimsSubject): void {
  it("gives a company to one of many that ask at once", async () => {
    const processes = await Promise.all(["a", "b", "c", "d"].map((instance) => subject.start(instance)))
    for (let turn = 0; turn < 5; turn++) {
      const asked = processes.flatMap((process) => [process.claim(`acme-${turn}`), process.claim(`acme-${turn}`)])
      const claims = await Promise.all(asked)
      expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1)
    }
  })

  it("gives different companies to different processes, and what each writes is there", async () => {
    const [a, b] = [await subject.start("a"), await subject.start("b")]
    const [mine, theirs] = [given(await a.claim("acme")), given(await b.claim("Acme"))]
    await under(a, "acme", mine).save({ creds: { me: bytes("a") } })
    await under(b, "Acme", theirs).save({ creds: { me: bytes("b") } })
    expect(await under(a, "acme", mine).load("creds", ["me"])).toEqual({ me: bytes("a") })
    expect(await under(b, "Acme", theirs).load("creds", ["me"])).toEqual({ me: bytes("b") })
  })

  it("keeps a claim over many leases while the process lives", { timeout: 2 * PATIENCE_MS }, async () => {
    const [a, b] = [await subject.start("a", { leaseMs: 5 * SHORT_MS }), await subject.start("b")]
    const claims = [given(await a.claim("acme")), given(await a.claim("other"))]
    const end = performance.now() + 3 * 5 * SHORT_MS
    while (performance.now() < end) {
      expect(await b.claim("acme")).toBeUndefined()
      expect(await b.claim("other")).toBeUndefined()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    for (const claim of claims) expect(claim.lost.aborted).toBe(false)
    await under(a, "acme", given(claims[0])).save({ creds: { me: bytes("a") } })
  })

  it("does not give a company to a process that has it", async () => {
    const a = await subject.start("a")
    const claim = given(await a.claim("acme"))
    expect(await a.claim("acme")).toBeUndefined()
    expect(claim.lost.aborted).toBe(false)
    await under(a, "acme", claim).save({ creds: { me: bytes("a") } })
  })

  it("gives a released company to whoever asks next, under a higher fence", async () => {
    const [a, b] = [await subject.start("a"), await subject.start("b")]
    let last = 0
    for (const process of [a, b, a, a, b]) {
      const claim = given(await process.claim("acme"))
      expect(claim.fence).toBeGreaterThan(last)
      last = claim.fence
      await claim.release()
      expect(claim.lost.aborted).toBe(true)
      await claim.release()
    }
  })

  it("does not free what another has taken since when a claim is released late", async () => {
    const [a, b, c] = [await subject.start("a"), await subject.start("a"), await subject.start("c")]
    const late = given(await a.claim("acme"))
    const claim = given(await b.claim("acme"))
    await late.release()
    expect(await c.claim("acme")).toBeUndefined()
    expect(claim.lost.aborted).toBe(false)
  })

  it("frees everything when the store is closed", async () => {
    const [a, b] = [await subject.start("a"), await subject.start("b")]
    const claims = [given(await a.claim("acme")), given(await a.claim("other"))]
    await a.store.close()
    expect(claims.every(({ lost }) => lost.aborted)).toBe(true)
    expect(await b.claim("acme")).toBeDefined()
    expect(await b.claim("other")).toBeDefined()
  })

  it("does not take a claim for a record, nor a claimed company for one that has records", async () => {
    const a = await subject.start("a")
    const claim = given(await a.claim("acme"))
    expect(await storedCompanies(a.store)).toEqual([])
    expect(await a.store.driver.keys("acme")).toEqual([])
    await under(a, "acme", claim).save({ session: { a: bytes("1") } })
    expect(await storedCompanies(a.store)).toEqual(["acme"])
    expect(await a.store.driver.keys("acme")).toEqual(["session/a"])
  })

  it("keeps a claim when its company is erased under it, and the company begins anew", async () => {
    const [a, b] = [await subject.start("a"), await subject.start("b")]
    const claim = given(await a.claim("acme"))
    const acme = under(a, "acme", claim)
    await acme.save({ creds: { me: bytes("1") } })
    await acme.clear()
    expect(await storedCompanies(a.store)).toEqual([])
    expect(await b.claim("acme")).toBeUndefined()
    await acme.save({ creds: { me: bytes("2") } })
    expect(await acme.load("creds", ["me"])).toEqual({ me: bytes("2") })
    expect(claim.lost.aborted).toBe(false)
  })

  it("lets maintenance write beside a claim or refuses it, and the claim goes on", async () => {
    const [a, b] = [await subject.start("a"), await subject.start("b")]
    const claim = given(await a.claim("acme"))
    await under(a, "acme", claim).save({ creds: { me: bytes("1") } })
    const [record] = await b.store.driver.load("acme", ["creds/me"])
    const written = b.store.driver.commit("acme", [{ key: "session/b", value: record ?? null }], UNFENCED)
    // Where a holder has a copy of its own, nobody else writes beside it.
    const refused = await written.then(
      () => false,
      (error: unknown) => isAppError(error) && error.code === "FENCED",
    )
    await under(a, "acme", claim).save({ session: { c: bytes("3") } })
    expect(Object.keys(await under(a, "acme", claim).load("session", ["b", "c"]))).toEqual(refused ? ["c"] : ["b", "c"])
    expect(claim.lost.aborted).toBe(false)
  })

  it("loses its claims before the lease lapses when the store is away, and claims anew when it is back", {
    timeout: 3 * PATIENCE_MS,
  }, async () => {
    const leaseMs = 5 * SHORT_MS
    const a = await subject.start("a", { leaseMs })
    const claims = [given(await a.claim("acme")), given(await a.claim("other"))]
    await under(a, "acme", given(claims[0])).save({ creds: { me: bytes("1") } })
    await subject.fixture.away()
    for (const claim of claims) expect(await aborted(claim.lost)).toBeLessThan(leaseMs)
    expect(await codeOf(a.claim("acme"))).toBe("STORAGE_UNAVAILABLE")
    for (const claim of claims) await claim.release()
    await subject.fixture.back()
    const next = await eventually(() => a.claim("acme").catch(() => undefined))
    expect(next.fence).toBeGreaterThan(claims[0]?.fence ?? 0)
    expect(await under(a, "acme", next).load("creds", ["me"])).toEqual({ me: bytes("1") })
  })

  it("gives free what was released while the store was away", { timeout: 3 * PATIENCE_MS }, async () => {
    const [a, b] = [await subject.start("a"), await subject.start("b")]
    const claims = [given(await a.claim("acme")), given(await a.claim("other"))]
    await subject.fixture.away()
    await claims[0]?.release()
    await subject.fixture.back()
    await eventually(() => b.claim("acme").catch(() => undefined))
    expect(await b.claim("other")).toBeUndefined()
  })
}
