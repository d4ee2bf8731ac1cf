import { expect, it } from "vitest"
import type { DumpedRecord, Ledger, Op } from "../../../core/ledger.ts"
import { bytes, codeOf } from "../bytes.ts"
import { hostileIds, shown } from "../hostile.ts"
import { ok, put, type LedgerSubject } from "./subject.ts"

/** Reading everything of a company, and replacing rows of its log. */
export function dumps(subject: LedgerSubject): void {
  it("gives everything of a company, from which another one becomes the same", async () => {
    await fill(subject.ledger, "acme", 40)
    await fill(subject.ledger, "acme2", 3)
    await fill(subject.ledger, "acm", 3)
    await subject.reopen()
    for (const limit of [1, 7, 5_000]) {
      const copy = `copy-${limit}`
      const records = await dumpOf(subject.ledger, "acme", limit)
      await subject.ledger.commit(copy, records.map(opOf))
      expect(await imageOf(subject.ledger, copy)).toEqual(await imageOf(subject.ledger, "acme"))
    }
    expect(await imageOf(subject.ledger, "acme2")).not.toEqual(await imageOf(subject.ledger, "acme"))
  })

  it("says of each record where it stands and in which version, rows before logs before numbers", async () => {
    await subject.ledger.commit("acme", [
      { op: "increment", table: "n", key: "k", by: -7 },
      { op: "append", table: "log", value: bytes("one") },
      put("m", "a", "1", { index: { time: "9", chat: "\0" }, due: -0.5 }),
    ])
    await subject.ledger.commit("acme", [put("m", "b", ""), put("m", "a", "2", { index: { time: "9" }, due: 5 })])
    expect(await subject.ledger.dump("acme", undefined, 10)).toEqual({
      records: [
        { kind: "row", table: "m", key: "a", version: 2, value: bytes("2"), index: { time: "9" }, due: 5 },
        { kind: "row", table: "m", key: "b", version: 1, value: bytes("") },
        { kind: "log", table: "log", position: 1, value: bytes("one") },
        { kind: "number", table: "n", key: "k", value: -7 },
      ],
      next: null,
    })
  })

  it("ends exactly at the last record, and has nothing of a company that is not there", async () => {
    await subject.ledger.commit("acme", [put("m", "a", "1"), put("m", "b", "1")])
    const first = await subject.ledger.dump("acme", undefined, 1)
    expect(first.next).not.toBeNull()
    const second = await subject.ledger.dump("acme", first.next ?? undefined, 1)
    expect(second.records).toMatchObject([{ key: "b" }])
    expect(second.next).toBeNull()
    expect(await subject.ledger.dump("nobody", undefined, 5)).toEqual({ records: [], next: null })
    expect(await subject.ledger.dump("nobody", first.next ?? undefined, 5)).toEqual({ records: [], next: null })
  })

  it("keeps hostile keys, texts and companies apart in a dump", async () => {
    const ids = [...new Set([...hostileIds, "x".repeat(4_096), `${"x".repeat(4_095)}y`, "\0".repeat(4_096)])]
    for (const id of ids) {
      await subject.ledger.commit(
        id,
        ids.flatMap((key, at): Op[] => [
          put("m", key, `${id} has ${key}`, { index: { text: key }, due: at }),
          { op: "increment", table: "n", key, by: at + 1 },
        ]),
      )
    }
    await subject.reopen()
    for (const id of ids) {
      const records = await dumpOf(subject.ledger, id, 17)
      const rows = records.filter((record) => record.kind === "row")
      expect(rows.map(({ key }) => key).sort(), shown(id)).toEqual(ids.toSorted())
      const texts = rows.map(({ value }) => new TextDecoder().decode(value))
      const written = rows.map(({ key }) => new TextDecoder().decode(bytes(`${id} has ${key}`)))
      expect(texts, shown(id)).toEqual(written)
      expect(rows.map(({ index }) => index?.["text"])).toEqual(rows.map(({ key }) => key))
      const numbers = records.filter((record) => record.kind === "number")
      expect(numbers.map(({ key, value }) => ids[value - 1] === key)).toEqual(ids.map(() => true))
    }
  })

  it("gives what was there all the time exactly once, whatever is written between the pages", async () => {
    const keys = Array.from({ length: 60 }, (_, at) => `k${String(at).padStart(3, "0")}`)
    await subject.ledger.commit("acme", [
      ...keys.map((key) => put("m", key, "stays")),
      ...keys.map((): Op => ({ op: "append", table: "log", value: bytes("stays") })),
    ])
    const seen: DumpedRecord[] = []
    let after: string | undefined
    for (let turn = 0; ; turn++) {
      const page = await subject.ledger.dump("acme", after, 4)
      seen.push(...page.records)
      if (page.next === null) break
      after = page.next
      await subject.ledger.commit("acme", [
        put("m", `j${turn}`, "new"),
        put("m", `k000${turn}`, "new"),
        put("a", `${turn}`, "new"),
        put("m", keys[turn % 60] ?? "", "stays"),
        { op: "append", table: "log", value: bytes("new") },
        ...(turn === 0 ? [] : [{ op: "delete" as const, table: "m", key: `j${turn - 1}` }]),
      ])
    }
    const rows = seen.flatMap((record) => (record.kind === "row" && keys.includes(record.key) ? [record.key] : []))
    expect(rows).toEqual(keys)
    const positions = seen.flatMap((record) => (record.kind === "log" ? [record.position] : []))
    expect(positions.slice(0, 60)).toEqual(keys.map((_, at) => at + 1))
    expect(new Set(positions).size).toBe(positions.length)
  })

  it("refuses a text that is no cursor of a dump", async () => {
    await subject.ledger.commit("acme", [put("m", "a", "1")])
    for (const text of ["", "?", "k6", "kzz", "AAAA", "x".repeat(50_000)]) {
      expect(await codeOf(subject.ledger.dump("acme", text, 5)), shown(text)).toBe("VALIDATION_ERROR")
    }
  })

  it("replaces a log row that is there, and takes one that is not for a condition that does not hold", async () => {
    const append = (text: string): Op => ({ op: "append", table: "log", value: bytes(text) })
    const rewrite = (position: number, text: string): Op => ({
      op: "rewrite",
      table: "log",
      position,
      value: bytes(text),
    })
    await subject.ledger.commit("acme", [append("1"), append("2"), append("3")])
    expect(await subject.ledger.commit("acme", [rewrite(2, "two"), append("4"), rewrite(4, "four")])).toEqual({
      ok: true,
      positions: [4],
    })
    for (const position of [0, -1, 1.5, 5, Number.NaN, 2 ** 60]) {
      expect(await subject.ledger.commit("acme", [rewrite(1, "one"), rewrite(position, "none")])).toEqual({
        ok: false,
        op: 1,
      })
    }
    expect(await subject.ledger.commit("other", [rewrite(1, "none")])).toEqual({ ok: false, op: 0 })
    await expect(
      subject.ledger.commit("acme", [
        rewrite(1, "one"),
        { op: "rewrite", table: "log", position: 2, value: "text" as unknown as Uint8Array },
      ]),
    ).rejects.toThrow(TypeError)
    await subject.reopen()
    const log = await subject.ledger.log("acme", "log", 0, 9)
    expect(log.map(({ value }) => new TextDecoder().decode(value))).toEqual(["1", "two", "3", "four"])
    expect(await subject.ledger.tail("acme", "log")).toBe(4)
    expect(await subject.ledger.commit("acme", [{ op: "delete", table: "m", key: "none" }])).toEqual(ok)
  })
}

async function fill(ledger: Ledger, company: string, count: number): Promise<void> {
  const ops = Array.from({ length: count }, (_, at): Op[] => [
    put("m", `k${at}`, `${company} ${at}`, {
      index: { time: `${at % 5}`, chat: `c${at % 3}` },
      ...(at % 2 === 0 ? { due: at } : {}),
    }),
    put("rows", "q".repeat(at * 50), "x"),
    { op: "append", table: "log", value: bytes(`${company} ${at}`) },
    { op: "append", table: at % 2 === 0 ? "even" : "odd", value: bytes(`${at}`) },
    { op: "increment", table: "n", key: `n${at}`, by: at - 3 },
  ])
  await ledger.commit(company, ops.flat())
}

async function dumpOf(ledger: Ledger, company: string, limit: number): Promise<DumpedRecord[]> {
  const records: DumpedRecord[] = []
  let after: string | undefined
  for (;;) {
    const page = await ledger.dump(company, after, limit)
    expect(page.records.length).toBeLessThanOrEqual(limit)
    records.push(...page.records)
    if (page.next === null) return records
    after = page.next
  }
}

function opOf(record: DumpedRecord): Op {
  if (record.kind === "log") return { op: "append", table: record.table, value: record.value }
  if (record.kind === "number") return { op: "increment", table: record.table, key: record.key, by: record.value }
  const { kind: _, version: __, ...placement } = record
  return { op: "put", ...placement }
}

/** All that can be asked about a company, in every order. */
async function imageOf(ledger: Ledger, company: string): Promise<unknown> {
  const pages = await Promise.all(
    ["m", "rows"].map(async (table) => [
      await ledger.page(company, table, { limit: 9_999 }),
      await ledger.page(company, table, { limit: 9_999, index: "time" }),
      await ledger.page(company, table, { limit: 9_999, index: "chat" }),
    ]),
  )
  const due = (await ledger.due("m", 9_999, 9_999)).filter((row) => row.company === company)
  return {
    pages,
    due: due.map(({ key, due: at }) => [key, at]),
    logs: await Promise.all(["log", "even", "odd"].map((table) => ledger.log(company, table, 0, 9_999))),
    tails: await Promise.all(["log", "even", "odd"].map((table) => ledger.tail(company, table))),
    numbers: await ledger.numbers(company, "n"),
  }
}
