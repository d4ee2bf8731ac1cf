import { expect, it } from "vitest"
import { countRecords, storedCompanies } from "../../../core/storage.ts"
import { bytes } from "../bytes.ts"
import { hostileIds, shown } from "../hostile.ts"
import { tools, type StoreSubject } from "./subject.ts"
import { createStorage } from "unstorage"

/** Which record is which, and whose. */
export function identity(subject: StoreSubject): void {
  it("keeps every hostile id apart from every other, also after a restart", async () => {
    const records = Object.fromEntries(hostileIds.map((id, index) => [`x${id}`, bytes(`${index}`)]))
    await subject.company("acme").save({ session: records })
    for (const [index, id] of hostileIds.entries())
      await subject.company("acme").save({ [`kind-${index}`]: { [id]: bytes(id) } })
    await subject.reopen()
    expect(await subject.company("acme").load("session", Object.keys(records))).toEqual(records)
    for (const [index, id] of hostileIds.entries()) {
      const loaded = await subject.company("acme").load(`kind-${index}`, hostileIds)
      expect(Object.entries(loaded), shown(id)).toEqual([[id, bytes(id)]])
    }
  })

  it("keeps companies with hostile ids apart, lists them by their true ids, and erases one alone", async () => {
    for (const id of hostileIds) await subject.company(id).save({ creds: { me: bytes(`of ${id}`) } })
    await subject.reopen()
    expect((await storedCompanies(subject.store)).sort()).toEqual([...hostileIds].sort())
    for (const id of hostileIds)
      expect(await subject.company(id).load("creds", ["me"]), shown(id)).toEqual({ me: bytes(`of ${id}`) })
    for (const [index, id] of hostileIds.entries()) {
      await subject.company(id).clear()
      const left = hostileIds.slice(index + 1)
      expect((await storedCompanies(subject.store)).length, shown(id)).toBe(left.length)
      expect(await subject.company(id).load("creds", ["me"]), shown(id)).toEqual({})
    }
  })

  it("takes a batch of 812 pre-keys and counts records by kind", async () => {
    const ids = Array.from({ length: 812 }, (_, index) => String(index + 1))
    const batch = Object.fromEntries(ids.map((id) => [id, bytes(`pre-key ${id}`.padEnd(300))]))
    await subject.company("acme").save({ "pre-key": batch, creds: { me: bytes("me") } })
    await subject.reopen()
    expect(await subject.company("acme").load("pre-key", ids)).toEqual(batch)
    expect(await countRecords(subject.store, "acme", tools)).toEqual({ "pre-key": 812, creds: 1 })
  })

  it("can be read, listed and erased through unstorage, with bytes only", async () => {
    await subject.company("acme").save({ session: { a: bytes("1"), "b:c": bytes("2") } })
    await subject.company("other").save({ session: { a: bytes("3") } })
    const storage = createStorage({ driver: subject.store.driver })
    expect((await storage.getKeys("company:acme:")).sort()).toEqual([
      "company:acme:session:a",
      "company:acme:session:b=3ac",
    ])
    expect((await storage.getKeys()).length).toBe(3)
    expect(await storage.hasItem("company:acme:session:a")).toBe(true)
    await storage.setItemRaw("company:acme:session:d", await storage.getItemRaw("company:acme:session:a"))
    await expect(storage.setItemRaw("company:acme:session:e", "text")).rejects.toThrow(TypeError)
    await expect(storage.setItem("company:acme:session:e", "text")).rejects.toThrow(TypeError)
    await storage.removeItem("company:acme:session:a")
    expect(await subject.company("acme").load("session", ["a", "b:c", "d"])).toEqual({
      "b:c": bytes("2"),
      d: bytes("1"),
    })
    await expect(storage.clear()).rejects.toThrow(TypeError)
    // A storage with this driver at its root would not even ask it.
    await subject.store.driver.clear?.("company:acme:", {})
    expect(await storedCompanies(subject.store)).toEqual(["other"])
  })
}
