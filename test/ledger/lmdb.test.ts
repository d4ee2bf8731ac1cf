import { randomBytes } from "node:crypto"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openEngine } from "../../adapters/ledger/lmdb/engine.ts"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import type { Ledger, Op } from "../../core/ledger.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { temporaryFolder } from "../support/folder.ts"
import { smallDisk } from "../support/room.ts"

const put = (key: string, value: Uint8Array, more: object = {}): Op => ({ op: "put", table: "m", key, value, ...more })
const random = (size: number): Uint8Array => randomBytes(size)

describe("the LMDB ledger", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let ledger: Ledger
  const file = (): string => join(folder.path, "ledger/data.mdb")

  beforeEach(async () => {
    folder = await temporaryFolder()
    ledger = await openLmdb({ folder: folder.path })
  })

  afterEach(async () => {
    await ledger.close()
    await folder.remove()
  })

  it("gives its folder mode 700 and its files mode 600", async () => {
    const mode = async (path: string): Promise<string> =>
      ((await stat(join(folder.path, path))).mode & 0o777).toString(8)
    expect([await mode("ledger"), await mode("ledger/data.mdb"), await mode("ledger/lock.mdb")]).toEqual([
      "700",
      "600",
      "600",
    ])
  })

  it("does not grow when rows are rewritten, whoever has read pages of them meanwhile", async () => {
    const rows = Array.from({ length: 200 }, (_, at) => `k${at}`)
    const write = (): Promise<unknown> =>
      ledger.commit(
        "acme",
        rows.map((key) => put(key, random(4_000), { index: { time: key } })),
      )
    for (let turn = 0; turn < 5; turn++) await write()
    const { size } = await stat(file())
    for (let turn = 0; turn < 25; turn++) {
      await ledger.page("acme", "m", { index: "time", limit: 3 })
      await ledger.page("acme", "m", { limit: 3, reverse: true })
      await ledger.due("m", 1, 3)
      await ledger.log("acme", "m", 0, 3)
      await write()
    }
    expect((await stat(file())).size).toBeLessThan(size * 1.5)
  })

  it("reads a page from one state while commits go on", async () => {
    const rows = (turn: number): Op[] => Array.from({ length: 50 }, (_, at) => put(`k${at}`, bytes(`${turn}`)))
    await ledger.commit("acme", rows(0))
    const writing = (async () => {
      for (let turn = 1; turn < 60; turn++) await ledger.commit("acme", rows(turn))
    })()
    for (let turn = 0; turn < 60; turn++) {
      const page = await ledger.page("acme", "m", { limit: 99 })
      expect(new Set(page.rows.map(({ value }) => new TextDecoder().decode(value))).size).toBe(1)
    }
    await writing
  })

  it("finishes at the next start an erasure that was cut short", async () => {
    const rows = Array.from({ length: 3_000 }, (_, at) => put(`k${at}`, bytes("x"), { due: at }))
    await ledger.commit("acme", rows)
    const erasing = ledger.erase("acme")
    const closing = new Promise<void>((resolve) => setImmediate(() => resolve(ledger.close())))
    expect(await codeOf(erasing)).toBe("STORAGE_UNAVAILABLE")
    await closing
    ledger = await openLmdb({ folder: folder.path })
    expect(await ledger.companies()).toEqual([])
    expect(await ledger.due("m", 9_999, 10)).toEqual([])
    await ledger.commit("acme", [put("k1", bytes("new"))])
    expect((await ledger.page("acme", "m", { limit: 10 })).rows.map(({ key }) => key)).toEqual(["k1"])
  })

  it("keeps no entry of any kind for an erased company", async () => {
    const entries = async (): Promise<number> => {
      await ledger.close()
      const engine = openEngine(join(folder.path, "ledger"), true)
      const count = engine.range(Buffer.alloc(1), Buffer.alloc(9, 0xff), 1_000_000).length
      await engine.close()
      ledger = await openLmdb({ folder: folder.path })
      return count
    }
    const fill = (company: string): Promise<unknown> =>
      ledger.commit(company, [
        put("k".repeat(3_000), bytes("x"), { index: { time: "t".repeat(3_000), chat: "" }, due: 5 }),
        { op: "append", table: "log", value: bytes("x") },
        { op: "increment", table: "n", key: "k", by: 1 },
      ])
    await fill("acme")
    const one = await entries()
    await fill("other")
    expect(await entries()).toBeGreaterThan(one + 5)
    await ledger.erase("other")
    expect(await entries()).toBe(one)
  })

  it("does not see an erased company from the first moment on", async () => {
    await ledger.commit(
      "acme",
      Array.from({ length: 2_000 }, (_, at) => put(`k${at}`, bytes("x"), { due: 1 })),
    )
    await ledger.commit("other", [put("k", bytes("x"), { due: 2 })])
    let erased = false
    const erasing = ledger.erase("acme").then(() => {
      erased = true
    })
    const seen: string[] = []
    const look = async (): Promise<void> => {
      const companies = new Set((await ledger.due("m", 9, 5)).map(({ company }) => company))
      seen.push([...companies].join())
    }
    while (!erased) {
      await look()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await erasing
    await look()
    expect(seen.join(" ")).toMatch(/^(acme )*(other ?)+$/)
  })

  it("answers many commits at once in a few transactions", async () => {
    const before = process.cpuUsage()
    const commits = Array.from({ length: 2_000 }, (_, at) => ledger.commit(`c${at % 7}`, [put(`k${at}`, random(700))]))
    expect((await Promise.all(commits)).every((result) => result.ok)).toBe(true)
    const { user, system } = process.cpuUsage(before)
    // One transaction each would cost several times as much.
    expect((user + system) / 2_000).toBeLessThan(300)
  })
})

describe("the LMDB ledger on a full disk", () => {
  it("answers STORAGE_UNAVAILABLE, lives on with what it had, and takes commits again when there is room", async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): unknown => unhandled.push(reason)
    process.on("unhandledRejection", note)
    const disk = await smallDisk(8 << 20)
    const ledger = await openLmdb({ folder: disk.path })
    try {
      await ledger.commit("acme", [
        put("before", random(2_000), { index: { time: "1" } }),
        { op: "append", table: "log", value: bytes("1") },
      ])
      await disk.fill(join(disk.path, "ledger/data.mdb"))
      const codes: string[] = []
      for (let turn = 0; turn < 30; turn++) {
        const commits = ["new", "acme"].map((company) =>
          ledger.commit(company, [put(`k${turn}`, random(60_000)), { op: "append", table: "log", value: bytes("x") }]),
        )
        codes.push(...(await Promise.all(commits.map(codeOf))))
      }
      expect(codes.filter((code) => code === "STORAGE_UNAVAILABLE").length).toBeGreaterThan(40)
      expect(codes.filter((code) => code !== "STORAGE_UNAVAILABLE" && code !== "none")).toEqual([])
      const written = codes.filter((code, at) => code === "none" && at % 2 === 1).length
      expect(await ledger.tail("acme", "log")).toBe(1 + written)
      expect((await ledger.get("acme", "m", ["before"]))[0]?.version).toBe(1)
      await disk.free()
      expect(
        await ledger.commit("acme", [put("after", random(200_000)), { op: "append", table: "log", value: bytes("2") }]),
      ).toEqual({
        ok: true,
        positions: [2 + written],
      })
      expect(await ledger.commit("new", [put("after", random(2_000))])).toMatchObject({ ok: true })
      expect((await ledger.companies()).sort()).toEqual(["acme", "new"])
      await new Promise((resolve) => setImmediate(resolve))
      expect(unhandled).toEqual([])
    } finally {
      process.off("unhandledRejection", note)
      await ledger.close()
      await disk.remove()
    }
  })
})
