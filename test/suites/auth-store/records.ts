import { expect, it } from "vitest"
import { openCompanyStore } from "../../../core/storage.ts"
import { UNFENCED } from "../../../core/store.ts"
import { bytes, codeOf } from "../bytes.ts"
import { createTestSealing } from "../../support/sealing.ts"
import { leaseOf, type StoreSubject, tools } from "./subject.ts"

/** What is written and read. */
export function records(subject: StoreSubject): void {
  it("declares what it can do", () => {
    expect(subject.store.capabilities).toEqual(subject.has)
  })

  it("answers with no entry for an id that is absent", async () => {
    expect(await subject.company("acme").load("session", ["nobody", "__proto__"])).toEqual({})
  })

  it("gives back the bytes it was given, as a Uint8Array", async () => {
    const value = Uint8Array.from({ length: 256 }, (_, index) => index)
    await subject.company("acme").save({ session: { a: value, b: new Uint8Array() } })
    await subject.reopen()
    const loaded = await subject.company("acme").load("session", ["a", "b"])
    expect(loaded["a"]).toEqual(value)
    expect(loaded["b"]).toEqual(new Uint8Array())
    expect(Object.getPrototypeOf(loaded["a"])).toBe(Uint8Array.prototype)
  })

  it("keeps its own copy of a value", async () => {
    const value = bytes("before")
    await subject.company("acme").save({ session: { a: value } })
    value.fill(0)
    const first = (await subject.company("acme").load("session", ["a"]))["a"]
    first?.fill(1)
    expect((await subject.company("acme").load("session", ["a"]))["a"]).toEqual(bytes("before"))
  })

  it("writes and deletes records of several types in one batch", async () => {
    const acme = subject.company("acme")
    await acme.save({ session: { a: bytes("1"), b: bytes("2") }, creds: { me: bytes("3") } })
    await acme.save({ session: { a: null, c: bytes("4") }, "pre-key": { 1: bytes("5"), 9: null } })
    await subject.reopen()
    expect(await subject.company("acme").load("session", ["a", "b", "c"])).toEqual({ b: bytes("2"), c: bytes("4") })
    expect(await subject.company("acme").load("creds", ["me"])).toEqual({ me: bytes("3") })
    expect(await subject.company("acme").load("pre-key", ["1", "9"])).toEqual({ 1: bytes("5") })
  })

  it("writes nothing of a batch with a value that is no bytes", async () => {
    const batch = { session: { a: bytes("1"), b: "text" as unknown as Uint8Array } }
    await expect(subject.company("acme").save(batch)).rejects.toThrow(TypeError)
    expect(await subject.company("acme").load("session", ["a", "b"])).toEqual({})
  })

  it("ends with the last of many batches written at once", async () => {
    const acme = subject.company("acme")
    const turns = Array.from({ length: 60 }, (_, turn) => turn)
    await Promise.all(
      turns.map((turn) => acme.save({ session: { a: bytes(`${turn}`), [`n${turn}`]: bytes(`${turn}`) } })),
    )
    await subject.reopen()
    const loaded = await subject.company("acme").load("session", ["a", ...turns.map((turn) => `n${turn}`)])
    expect(loaded["a"]).toEqual(bytes("59"))
    expect(Object.keys(loaded).length).toBe(61)
  })

  it("calls a record damaged, and never absent, when it is not what was written", async () => {
    await subject.company("acme").save({ creds: { me: bytes("1") } })
    await subject.store.driver.commit("acme", [{ key: "creds/me", value: Uint8Array.of(9, 9, 9) }], UNFENCED)
    expect(await codeOf(subject.company("acme").load("creds", ["me"]))).toBe("CREDENTIALS_DAMAGED")
    expect(await subject.company("acme").load("creds", ["other"])).toEqual({})
  })

  it("seals a batch in one call, opens it again, and names a sealed record that nobody opens", async () => {
    const { sealer, calls } = await createTestSealing()
    const sealed = openCompanyStore(subject.store, leaseOf("Acme"), { ...tools, sealer })
    await sealed.save({ session: { a: bytes("1"), gone: null, B: bytes("2") } })
    expect(await sealed.load("session", ["a", "B", "gone"])).toEqual({ a: bytes("1"), B: bytes("2") })
    const two = "session/===[0-9a-f]{32} session/===[0-9a-f]{32}"
    expect(calls.join("\n")).toMatch(new RegExp(`^seal Acme vault\nseal Acme ${two}\nopen Acme ${two}$`))
    await subject.reopen()
    expect(await codeOf(subject.company("Acme").load("session", ["a"]))).toBe("RECORD_SEALED")
    expect(await codeOf(subject.company("Acme").save({ session: { a: bytes("3") } }))).toBe("RECORD_SEALED")
  })
}
