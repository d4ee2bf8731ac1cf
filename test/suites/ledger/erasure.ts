import { expect, it } from "vitest"
import { bytes, codeOf } from "../bytes.ts"
import { put, keysOf, ok, type LedgerSubject } from "./subject.ts"

/** What is due, what is left of an erased company, and what a closed ledger says. */
export function erasure(subject: LedgerSubject): void {
  it("reports what is due over all companies, earliest first, once per row", async () => {
    for (const [company, due] of Object.entries({ a: 30, b: 10, c: 20, d: 99 })) {
      await subject.ledger.commit(company, [
        put("outbox", "k", company, { due }),
        put("other", "k", company, { due: 1 }),
      ])
    }
    await subject.ledger.commit("a", [put("outbox", "past", "a", { due: -5 }), put("outbox", "never", "a")])
    await subject.reopen()
    const due = (rows: readonly { company: string; key: string; due: number }[]): unknown[] =>
      rows.map((row) => [row.company, row.key, row.due])
    const all = [
      ["a", "past", -5],
      ["b", "k", 10],
      ["c", "k", 20],
      ["a", "k", 30],
    ]
    expect(due(await subject.ledger.due("outbox", 30, 9))).toEqual(all)
    expect(due(await subject.ledger.due("outbox", 30, 2))).toEqual(all.slice(0, 2))
    expect(due(await subject.ledger.due("outbox", 9, 9))).toEqual(all.slice(0, 1))
    await subject.ledger.commit("b", [put("outbox", "k", "b", { due: 25 })])
    await subject.ledger.commit("c", [put("outbox", "k", "c")])
    await subject.ledger.commit("a", [{ op: "delete", table: "outbox", key: "past" }])
    expect(due(await subject.ledger.due("outbox", 30, 9))).toEqual([
      ["b", "k", 25],
      ["a", "k", 30],
    ])
    expect(await subject.ledger.due("nothing", 30, 9)).toEqual([])
  })

  it("leaves nothing of an erased company, and everything of its look-alike", async () => {
    const rows = Array.from({ length: 1_200 }, (_, at) =>
      put("m", `k${at}`, "v", { index: { time: `${at}` }, due: at }),
    )
    for (const company of ["acme", "acme2"]) {
      await subject.ledger.commit(company, rows)
      await subject.ledger.commit(company, [
        { op: "append", table: "log", value: bytes("x") },
        { op: "increment", table: "n", key: "k", by: 1 },
      ])
    }
    await subject.ledger.erase("acme")
    await subject.ledger.erase("acme")
    await subject.reopen()
    const check = async (company: string, count: number): Promise<void> => {
      expect((await subject.ledger.page(company, "m", { limit: 9_999 })).rows.length).toBe(count)
      expect((await subject.ledger.page(company, "m", { index: "time", limit: 9_999 })).rows.length).toBe(count)
      expect(await subject.ledger.tail(company, "log")).toBe(Math.sign(count))
      expect((await subject.ledger.log(company, "log", 0, 9)).length).toBe(Math.sign(count))
      expect(Object.keys(await subject.ledger.numbers(company, "n")).length).toBe(Math.sign(count))
      expect((await subject.ledger.due("m", 9_999, 9_999)).filter((row) => row.company === company).length).toBe(count)
    }
    expect(await subject.ledger.companies()).toEqual(["acme2"])
    await check("acme", 0)
    await check("acme2", 1_200)
    expect(await subject.ledger.commit("acme", [{ op: "append", table: "log", value: bytes("x") }])).toEqual({
      ok: true,
      positions: [1],
    })
    await subject.ledger.commit("acme", [put("m", "k1", "new")])
    expect((await subject.ledger.get("acme", "m", ["k1", "k2"])).map((row) => row?.version)).toEqual([1, undefined])
  })

  it("orders an erasure among the commits around it", async () => {
    const work = [
      subject.ledger.commit("acme", [put("m", "before", "1")]),
      subject.ledger.erase("acme"),
      subject.ledger.commit("acme", [put("m", "after", "1")]),
      subject.ledger.commit("other", [put("m", "a", "1")]),
    ]
    await Promise.all(work)
    await subject.reopen()
    expect(keysOf((await subject.ledger.page("acme", "m", { limit: 9 })).rows)).toEqual(["after"])
    expect((await subject.ledger.companies()).sort()).toEqual(["acme", "other"])
  })

  it("does not list a company whose only commit did not hold, nor the house itself", async () => {
    await subject.ledger.commit("acme", [{ op: "putIfVersion", table: "m", key: "a", version: 3, value: bytes("") }])
    await subject.ledger.commit("", [{ op: "increment", table: "n", key: "k", by: 1 }])
    expect(await subject.ledger.companies()).toEqual([])
    expect(await subject.ledger.numbers("", "n")).toEqual({ k: 1 })
  })

  it("answers STORAGE_UNAVAILABLE once it is closed, after finishing what it had taken", async () => {
    const last = subject.ledger.commit("acme", [put("m", "a", "1")])
    await subject.ledger.close()
    expect(await last).toEqual(ok)
    expect(await codeOf(subject.ledger.commit("acme", [put("m", "b", "1")]))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(subject.ledger.get("acme", "m", ["a"]))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(subject.ledger.page("acme", "m", { limit: 1 }))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(subject.ledger.erase("acme"))).toBe("STORAGE_UNAVAILABLE")
    await subject.open()
    if (subject.durable) expect(keysOf((await subject.ledger.page("acme", "m", { limit: 9 })).rows)).toEqual(["a"])
  })
}
