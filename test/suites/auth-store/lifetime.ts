import { expect, it } from "vitest"
import { openCompanyStore, storedCompanies } from "../../../core/storage.ts"
import { UNFENCED } from "../../../core/store.ts"
import { bytes, codeOf } from "../bytes.ts"
import { tools, leaseOf, type StoreSubject } from "./subject.ts"

/** Who may write, and what is left when somebody may no more. */
export function lifetime(subject: StoreSubject): void {
  it("erases a company, which may begin anew under the same lease", async () => {
    const acme = subject.company("acme")
    await acme.save({ creds: { me: bytes("1") }, session: { a: bytes("2") } })
    await acme.clear()
    await acme.clear()
    expect(await acme.load("creds", ["me"])).toEqual({})
    expect(await storedCompanies(subject.store)).toEqual([])
    await acme.save({ session: { b: bytes("3") } })
    await subject.reopen()
    expect(await subject.company("acme").load("session", ["a", "b"])).toEqual({ b: bytes("3") })
  })

  it("refuses a write under an older fence than one that has written", async () => {
    await subject.company("acme", 7).save({ session: { a: bytes("new") } })
    expect(await codeOf(subject.company("acme", 6).save({ session: { a: bytes("stale") } }))).toBe("FENCED")
    await subject.reopen()
    if (subject.has.durable)
      expect(await codeOf(subject.company("acme", 6).save({ session: { a: bytes("stale") } }))).toBe("FENCED")
    await subject.company("acme", 7).save({ session: { b: bytes("same") } })
    await subject.store.driver.commit("acme", [], UNFENCED)
    expect(await subject.company("acme", 8).load("session", ["a", "b"])).toEqual({ a: bytes("new"), b: bytes("same") })
  })

  it("refuses everything once the lease has ended", async () => {
    const lease = leaseOf("acme")
    const acme = openCompanyStore(subject.store, lease, tools)
    await acme.save({ session: { a: bytes("1") } })
    lease.end()
    expect(await codeOf(acme.load("session", ["a"]))).toBe("FENCED")
    expect(await codeOf(acme.save({ session: { a: null } }))).toBe("FENCED")
    expect(await codeOf(acme.clear())).toBe("FENCED")
    expect(await subject.company("acme").load("session", ["a"])).toEqual({ a: bytes("1") })
  })

  it("has everything again after a company was dropped from memory, also in the middle of writes", async () => {
    const acme = subject.company("acme")
    const saves = Array.from({ length: 20 }, (_, turn) => acme.save({ session: { [`n${turn}`]: bytes(`${turn}`) } }))
    const drops = [subject.store.driver.evict("acme"), subject.store.driver.evict("acme")]
    const late = acme.save({ session: { late: bytes("late") } })
    await Promise.all([...saves, ...drops, late])
    await subject.store.driver.evict("acme")
    const ids = ["late", ...Array.from({ length: 20 }, (_, turn) => `n${turn}`)]
    expect(Object.keys(await acme.load("session", ids)).length).toBe(21)
  })

  it("answers STORAGE_UNAVAILABLE once it is closed", async () => {
    const acme = subject.company("acme")
    await acme.save({ session: { a: bytes("1") } })
    await subject.store.close()
    if (subject.has.durable || subject.has.atomic) {
      expect(await codeOf(acme.load("session", ["a"]))).toBe("STORAGE_UNAVAILABLE")
      expect(await codeOf(acme.save({ session: { a: null } }))).toBe("STORAGE_UNAVAILABLE")
    }
    await subject.open()
  })
}
