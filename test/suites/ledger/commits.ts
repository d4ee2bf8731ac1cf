import { expect, it } from "vitest"
import { type Op } from "../../../core/ledger.ts"
import { bytes } from "../bytes.ts"
import { put, keysOf, ok, type LedgerSubject } from "./subject.ts"

/** What a commit promises. */
export function commits(subject: LedgerSubject): void {
  it("gives back rows with their versions, and undefined for those that are absent", async () => {
    await subject.ledger.commit("acme", [put("m", "a", "1"), put("m", "b", "")])
    await subject.ledger.commit("acme", [put("m", "a", "2")])
    await subject.reopen()
    const [a, none, b] = await subject.ledger.get("acme", "m", ["a", "none", "b"])
    expect(a).toEqual({ key: "a", value: bytes("2"), version: 2 })
    expect(none).toBeUndefined()
    expect(b).toEqual({ key: "b", value: bytes(""), version: 1 })
    expect(Object.getPrototypeOf(a?.value)).toBe(Uint8Array.prototype)
    expect(await subject.ledger.get("acme", "other", ["a"])).toEqual([undefined])
    expect(await subject.ledger.get("nobody", "m", ["a"])).toEqual([undefined])
  })

  it("keeps its own copy of a value", async () => {
    const value = bytes("before")
    await subject.ledger.commit("acme", [{ op: "put", table: "m", key: "a", value }])
    value.fill(0)
    const [first] = await subject.ledger.get("acme", "m", ["a"])
    first?.value.fill(1)
    expect((await subject.ledger.get("acme", "m", ["a"]))[0]?.value).toEqual(bytes("before"))
  })

  it("holds each condition, and writes nothing when one does not hold", async () => {
    const when = (op: object): Op => ({ table: "m", key: "a", value: bytes("x"), ...op }) as Op
    expect(await subject.ledger.commit("acme", [when({ op: "putIfAbsent" })])).toEqual(ok)
    expect(await subject.ledger.commit("acme", [put("m", "z", "1"), when({ op: "putIfAbsent" })])).toEqual({
      ok: false,
      op: 1,
    })
    expect(await subject.ledger.commit("acme", [put("m", "z", "1"), when({ op: "putIfVersion", version: 2 })])).toEqual(
      {
        ok: false,
        op: 1,
      },
    )
    expect(await subject.ledger.commit("acme", [when({ op: "putIfVersion", version: 1 })])).toEqual(ok)
    expect(await subject.ledger.commit("acme", [when({ op: "putIfVersion", version: 0 })])).toEqual({
      ok: false,
      op: 0,
    })
    expect(await subject.ledger.commit("acme", [{ op: "delete", table: "m", key: "a", version: 1 }])).toEqual({
      ok: false,
      op: 0,
    })
    expect(await subject.ledger.commit("acme", [{ op: "delete", table: "m", key: "a", version: 2 }])).toEqual(ok)
    expect(await subject.ledger.commit("acme", [{ op: "delete", table: "m", key: "a", version: 2 }])).toEqual({
      ok: false,
      op: 0,
    })
    expect(await subject.ledger.commit("acme", [{ op: "delete", table: "m", key: "a" }])).toEqual(ok)
    expect(await subject.ledger.commit("acme", [when({ op: "putIfVersion", version: 0 })])).toEqual(ok)
    expect(keysOf((await subject.ledger.page("acme", "m", { limit: 9 })).rows)).toEqual(["a"])
  })

  it("lets the operations of a commit see each other", async () => {
    const result = await subject.ledger.commit("acme", [
      put("m", "a", "1", { index: { time: "1" } }),
      { op: "putIfVersion", table: "m", key: "a", version: 1, value: bytes("2"), index: { time: "2" } },
      { op: "putIfAbsent", table: "m", key: "b", value: bytes("1") },
      { op: "delete", table: "m", key: "b" },
      { op: "putIfAbsent", table: "m", key: "b", value: bytes("2") },
      { op: "append", table: "log", value: bytes("x") },
      { op: "append", table: "log", value: bytes("y") },
      { op: "increment", table: "n", key: "k", by: 2 },
      { op: "increment", table: "n", key: "k", by: 3 },
    ])
    expect(result).toEqual({ ok: true, positions: [1, 2] })
    expect((await subject.ledger.get("acme", "m", ["a", "b"])).map((row) => row?.version)).toEqual([2, 1])
    expect(keysOf((await subject.ledger.page("acme", "m", { index: "time", limit: 9 })).rows)).toEqual(["a"])
    expect(await subject.ledger.numbers("acme", "n")).toEqual({ k: 5 })
  })

  it("leaves nothing of a commit that throws in the middle, and carries on with the others", async () => {
    await subject.ledger.commit("acme", [put("m", "old", "1", { index: { time: "1" }, due: 5 })])
    const good = { op: "append", table: "log", value: bytes("x") } as const
    const moved = put("m", "old", "2", { index: { time: "9" }, due: 9 })
    const bad: Op[] = [
      { op: "put", table: "m", key: "a", value: "text" as unknown as Uint8Array },
      { op: "append", table: "log", value: null as unknown as Uint8Array },
      { op: "shout", table: "m", key: "a" } as unknown as Op,
      { op: "increment", table: "n", key: "k", by: 0.5 },
      put("m", 5 as unknown as string, "1"),
      put("m", "a", "1", { index: { time: 5 } }),
      put("m", "a", "1", { due: Number.NaN }),
      put("m", "k".repeat(4_097), "1"),
      put("m", "a", "1", { index: { time: "é".repeat(2_049) } }),
    ]
    const outcomes = await Promise.all(
      bad.flatMap((op) => [
        subject.ledger
          .commit("acme", [put("m", "half", "1"), moved, good, { op: "increment", table: "n", key: "k", by: 1 }, op])
          .then(
            () => "written",
            (error: unknown) => (error instanceof TypeError || error instanceof RangeError ? "refused" : error),
          ),
        subject.ledger.commit("acme", [good]).then(() => "written"),
      ]),
    )
    expect(outcomes).toEqual(bad.flatMap(() => ["refused", "written"]))
    await subject.reopen()
    expect(await subject.ledger.tail("acme", "log")).toBe(bad.length)
    expect(await subject.ledger.numbers("acme", "n")).toEqual({})
    expect(await subject.ledger.get("acme", "m", ["half", "a"])).toEqual([undefined, undefined])
    expect((await subject.ledger.due("m", 100, 9)).map(({ due }) => due)).toEqual([5])
    expect(keysOf((await subject.ledger.page("acme", "m", { index: "time", to: "5", limit: 9 })).rows)).toEqual(["old"])
  })

  it("lets exactly one of many win a key at once", async () => {
    const tries = Array.from({ length: 200 }, (_, at) =>
      subject.ledger.commit("acme", [{ op: "putIfAbsent", table: "m", key: "a", value: bytes(`${at}`) }]),
    )
    expect((await Promise.all(tries)).filter((result) => result.ok).length).toBe(1)
  })

  it("numbers a log without gaps, whoever appends, whatever fails, over restarts", async () => {
    const append: Op = { op: "append", table: "log", value: bytes("x") }
    await subject.ledger.commit("acme", [put("m", "taken", "1")])
    const commits = Array.from({ length: 90 }, (_, at) =>
      subject.ledger.commit(
        "acme",
        at % 3 === 0 ? [append, { op: "putIfAbsent", table: "m", key: "taken", value: bytes("") }] : [append],
      ),
    )
    const positions = (await Promise.all(commits)).flatMap((result) => (result.ok ? result.positions : []))
    expect(positions).toEqual(Array.from({ length: 60 }, (_, at) => at + 1))
    await subject.reopen()
    expect(await subject.ledger.commit("acme", [append])).toEqual({ ok: true, positions: [61] })
    expect(await subject.ledger.commit("other", [append])).toEqual({ ok: true, positions: [1] })
    expect(await subject.ledger.commit("acme", [{ ...append, table: "log2" }])).toEqual({ ok: true, positions: [1] })
    expect((await subject.ledger.log("acme", "log", 58, 2)).map(({ position }) => position)).toEqual([59, 60])
    expect((await subject.ledger.log("acme", "log", 0, 500)).length).toBe(61)
    expect(await subject.ledger.log("acme", "log", 61, 5)).toEqual([])
    expect(await subject.ledger.tail("acme", "log")).toBe(61)
    expect(await subject.ledger.tail("nobody", "log")).toBe(0)
  })

  it("keeps numbers whose names are hostile", async () => {
    await subject.ledger.commit("acme", [
      { op: "increment", table: "n", key: "__proto__", by: 1 },
      { op: "increment", table: "n", key: "a", by: -4 },
    ])
    const numbers = await subject.ledger.numbers("acme", "n")
    expect(Object.entries(numbers)).toEqual([
      ["__proto__", 1],
      ["a", -4],
    ])
    expect(Object.getPrototypeOf(numbers)).toBe(null)
  })

  it("puts other bytes for a row that is there in that version, which stays", async () => {
    const again = (version: number, text: string, more: object = {}): Op =>
      ({ ...put("m", "a", text, more), op: "recode", version }) as Op
    expect(await subject.ledger.commit("acme", [again(0, "x")])).toEqual({ ok: false, op: 0 })
    await subject.ledger.commit("acme", [put("m", "a", "1", { index: { by: "one" } })])
    await subject.ledger.commit("acme", [put("m", "a", "2", { index: { by: "one" }, due: 5 })])
    expect(await subject.ledger.commit("acme", [again(1, "x")])).toEqual({ ok: false, op: 0 })
    expect(await subject.ledger.commit("acme", [again(2, "3", { index: { by: "two" }, due: 6 })])).toEqual(ok)
    await subject.reopen()
    expect(await subject.ledger.get("acme", "m", ["a"])).toEqual([{ key: "a", value: bytes("3"), version: 2 }])
    expect((await subject.ledger.page("acme", "m", { index: "by", prefix: "one", limit: 9 })).rows).toEqual([])
    expect(keysOf((await subject.ledger.page("acme", "m", { index: "by", prefix: "two", limit: 9 })).rows)).toEqual([
      "a",
    ])
    expect(await subject.ledger.due("m", 5, 9)).toEqual([])
    expect(await subject.ledger.commit("acme", [again(2, "4"), again(2, "5")])).toEqual(ok)
  })

  it("appends at a position that is given when that is the next one, and writes nothing otherwise", async () => {
    const at = (position: number): Op => ({ op: "append", table: "log", value: bytes(`${position}`), position })
    expect(await subject.ledger.commit("acme", [at(1), at(2)])).toEqual({ ok: true, positions: [1, 2] })
    expect(await subject.ledger.commit("acme", [put("m", "a", "1"), at(3), at(5)])).toEqual({ ok: false, op: 2 })
    expect(await subject.ledger.commit("acme", [at(2)])).toEqual({ ok: false, op: 0 })
    expect(await subject.ledger.get("acme", "m", ["a"])).toEqual([undefined])
    expect(await subject.ledger.tail("acme", "log")).toBe(2)
  })
}
