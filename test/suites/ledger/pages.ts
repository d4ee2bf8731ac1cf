import { expect, it } from "vitest"
import { type Op } from "../../../core/ledger.ts"
import { compareUtf8, utf8 } from "../../../core/records/utf8.ts"
import { bytes, codeOf } from "../bytes.ts"
import { hostileIds, shown } from "../hostile.ts"
import { put, keysOf, ok, walk, type LedgerSubject } from "./subject.ts"

/** What a page promises. */
export function pages(subject: LedgerSubject): void {
  it("moves index entries with their row", async () => {
    await subject.ledger.commit("acme", [
      put("m", "a", "1", { index: { time: "1", chat: "x" } }),
      put("m", "b", "1", { index: { time: "2" } }),
    ])
    await subject.ledger.commit("acme", [put("m", "a", "2", { index: { time: "3" } })])
    await subject.reopen()
    expect(await walk(subject, { index: "time" }, 9)).toEqual(["b", "a"])
    expect(await walk(subject, { index: "chat" }, 9)).toEqual([])
    await subject.ledger.commit("acme", [{ op: "delete", table: "m", key: "b" }])
    expect(await walk(subject, { index: "time" }, 9)).toEqual(["a"])
    expect(await walk(subject, { index: "nothing" }, 9)).toEqual([])
  })

  it("pages forward and backward over every size of page, by key and by index", async () => {
    const names = Array.from({ length: 23 }, (_, at) => `k${String(at).padStart(2, "0")}`)
    await subject.ledger.commit(
      "acme",
      names.map((key, at) => put("m", key, key, { index: { group: `g${at % 3}`, same: "s" } })),
    )
    const byGroup = [0, 1, 2].flatMap((group) => names.filter((_, at) => at % 3 === group))
    for (const limit of [1, 2, 5, 22, 23, 24]) {
      expect(await walk(subject, {}, limit)).toEqual(names)
      expect(await walk(subject, { reverse: true }, limit)).toEqual(names.toReversed())
      expect(await walk(subject, { index: "same" }, limit)).toEqual(names)
      expect(await walk(subject, { index: "group" }, limit)).toEqual(byGroup)
      expect(await walk(subject, { index: "group", reverse: true }, limit)).toEqual(byGroup.toReversed())
      expect(await walk(subject, { index: "group", prefix: "g1" }, limit)).toEqual(
        names.filter((_, at) => at % 3 === 1),
      )
      expect(await walk(subject, { index: "group", from: "g1", to: "g2", reverse: true }, limit)).toEqual(
        names.filter((_, at) => at % 3 === 1).toReversed(),
      )
      expect(await walk(subject, { prefix: "k1" }, limit)).toEqual(names.slice(10, 20))
      expect(await walk(subject, { from: "k05", to: "k07" }, limit)).toEqual(["k05", "k06"])
    }
  })

  it("goes on from a cursor whose row is gone, and does not see what came before it", async () => {
    await subject.ledger.commit(
      "acme",
      ["a", "b", "c", "d"].map((key) => put("m", key, key, { index: { time: key } })),
    )
    const { next } = await subject.ledger.page("acme", "m", { index: "time", limit: 2 })
    await subject.ledger.commit("acme", [
      { op: "delete", table: "m", key: "b" },
      put("m", "aa", "", { index: { time: "aa" } }),
    ])
    expect(
      keysOf((await subject.ledger.page("acme", "m", { index: "time", limit: 9, after: next ?? "" })).rows),
    ).toEqual(["c", "d"])
  })

  it.each(["", " ", "k", "…", "MDU=", "k0", "%00", "x".repeat(100_000), "../.."])(
    "answers a cursor that is none (%#) without a fault of ours",
    async (cursor) => {
      await subject.ledger.commit("acme", [put("m", "a", "1", { index: { time: "1" } })])
      for (const query of [{ after: cursor }, { before: cursor }, { after: cursor, index: "time" }]) {
        const code = await codeOf(subject.ledger.page("acme", "m", { ...query, limit: 1 }))
        expect(["VALIDATION_ERROR", "none"]).toContain(code)
      }
      expect(await codeOf(subject.ledger.page("acme", "m", { after: "…", limit: 1 }))).toBe("VALIDATION_ERROR")
    },
  )

  it("sorts by UTF-8 bytes, with ends of texts before everything", async () => {
    const texts = [
      "",
      "\0",
      "\0\0",
      "a",
      "a\0",
      "a\0\0",
      "a\0b",
      "a\u0001",
      "a\uffff",
      "a😀",
      "aa",
      "b",
      "\uffff",
      "😀",
      "é",
    ]
    await subject.ledger.commit(
      "acme",
      texts.map((text, at) => put("m", `${at}`, "", { index: { text } })),
    )
    await subject.ledger.commit(
      "acme",
      texts.map((text) => put("byKey", text, "")),
    )
    const sorted = texts.toSorted(compareUtf8)
    expect(sorted).toEqual(texts.toSorted((a, b) => Buffer.compare(utf8(a), utf8(b))))
    expect((await walk(subject, { index: "text" }, 4)).map((key) => texts[Number(key)])).toEqual(sorted)
    expect(keysOf((await subject.ledger.page("acme", "byKey", { limit: 99 })).rows)).toEqual(sorted)
    for (const prefix of texts) {
      const found = (await walk(subject, { index: "text", prefix }, 4)).map((key) => texts[Number(key)])
      expect(found, shown(prefix)).toEqual(sorted.filter((text) => text.startsWith(prefix)))
      const from = (await walk(subject, { index: "text", from: prefix }, 4)).map((key) => texts[Number(key)])
      expect(from, shown(prefix)).toEqual(sorted.filter((text) => compareUtf8(text, prefix) >= 0))
    }
  })

  it("works with keys, index texts and companies of up to 4,096 bytes, and any characters", async () => {
    const long = [
      "x".repeat(4_096),
      `${"x".repeat(4_095)}y`,
      "é".repeat(1_500),
      `${"é".repeat(1_499)}è`,
      "\0".repeat(4_096),
    ]
    const ids = [...new Set([...hostileIds, ...long])]
    for (const id of ids) await subject.ledger.commit(id, [put("m", "own", id)])
    await subject.ledger.commit(
      "acme",
      ids.map((id) => put("m", id, id, { index: { text: id }, due: 1 })),
    )
    await subject.ledger.commit(
      "acme",
      ids.map((id, at): Op => ({ op: "increment", table: "n", key: id, by: at + 1 })),
    )
    await subject.reopen()
    for (const [at, row] of (await subject.ledger.get("acme", "m", ids)).entries()) {
      expect(row?.key, shown(ids[at] ?? "")).toBe(ids[at])
      expect(row?.value).toEqual(bytes(ids[at] ?? ""))
    }
    const numbers = new Map(Object.entries(await subject.ledger.numbers("acme", "n")))
    expect(ids.map((id) => numbers.get(id))).toEqual(ids.map((_, at) => at + 1))
    expect((await walk(subject, {}, 7)).sort()).toEqual(ids.toSorted())
    expect((await walk(subject, { index: "text" }, 7)).sort()).toEqual(ids.toSorted())
    expect((await subject.ledger.due("m", 1, 999)).length).toBe(ids.length)
    expect((await subject.ledger.companies()).sort()).toEqual([...ids.filter((id) => id !== ""), "acme"].sort())
    for (const id of ids) {
      expect((await subject.ledger.get(id, "m", ["own"]))[0]?.value, shown(id)).toEqual(bytes(id))
      expect(keysOf((await subject.ledger.page("acme", "m", { index: "text", prefix: id, limit: 99 })).rows)).toContain(
        id,
      )
    }
    const deletes = ids.map((key): Op => ({ op: "delete", table: "m", key, version: 1 }))
    expect(await subject.ledger.commit("acme", deletes)).toEqual(ok)
    expect(await walk(subject, { index: "text" }, 7)).toEqual([])
    expect(await subject.ledger.due("m", 1, 999)).toEqual([])
  })
}
