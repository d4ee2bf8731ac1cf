import { beforeEach, describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { DumpedRecord, Ledger, Op } from "../../core/ledger.ts"
import { openSealedLedger, type SealedLedger } from "../../core/records/sealed-ledger.ts"
import { createMessages } from "../../core/message/messages.ts"
import { createPluginStorage } from "../../core/records/plugin-records.ts"
import { encodeRecord } from "../../core/records/values.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { put } from "../suites/ledger/subject.ts"
import { createTestSealing, KEY, OTHER_KEY, type TestSealing } from "../support/sealing.ts"

const never = new AbortController().signal
const PHONE = "79001234567"

let base: Ledger
let sealing: TestSealing
let unreadable: string[]
beforeEach(async () => {
  base = createMemoryLedger()
  sealing = await createTestSealing()
  unreadable = []
})

const open = (by = sealing, over = base): SealedLedger =>
  openSealedLedger(over, { sealer: () => by.sealer, onUnreadable: (company) => void unreadable.push(company) })

const dump = async (ledger: Ledger, company = "acme"): Promise<readonly DumpedRecord[]> =>
  (await ledger.dump(company, undefined, 10_000)).records
const valuesOf = async (company = "acme"): Promise<DumpedRecord[]> =>
  (await dump(base, company)).filter(({ kind, table }) => kind !== "number" && table !== "vault")
const textOf = (record: DumpedRecord): string =>
  record.kind === "number" ? "" : Buffer.from(record.value).toString("latin1")
const shown = (records: readonly DumpedRecord[]): string =>
  records.map((record) => JSON.stringify(record) + textOf(record)).join("\n")
const event = (text: string): Op => ({ op: "append", table: "event", value: bytes(text) })
const faultOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (thrown) {
    const { code, cause } = thrown as { code?: string; cause?: unknown }
    return `${code}: ${String(cause)}`
  }
  return "nothing"
}

const work: readonly Op[] = [
  put("message", "m1", `hello ${PHONE}`, { index: { time: "0001", chat: "c_1/0001", wire: `WIRE-${PHONE}` } }),
  put("message", "m2", "second", { index: { time: "0002", chat: "c_1/0002" } }),
  put("person", `p:${PHONE}`, "who"),
  put("idempotency", `order of ${PHONE}`, "reserved", { due: 50 }),
  put("call", `seen of ${PHONE}`, "what it asked for", { due: 60 }),
  put("wire", "m1", `\u0012raw bytes ${PHONE}`),
  event(`event of ${PHONE}`),
  event("second event"),
  { op: "increment", table: "totals", key: "sent", by: 2 },
]

describe("a company's rows, sealed", () => {
  it("say nothing of what a plugin calls its records, which come back under their own names", async () => {
    const records = createPluginStorage(open(), "guest")
    await records.of("acme").put(`pace of ${PHONE}`, `note of ${PHONE}`, { due: 50 })
    await records.secretsOf("acme").put(`key of ${PHONE}`, "hush")
    const stored = shown(await dump(base))
    for (const secret of [PHONE, "pace of", "key of", "note of", "hush"]) expect(stored, secret).not.toContain(secret)
    const again = createPluginStorage(open(), "guest")
    expect(await again.of("acme").get(`pace of ${PHONE}`)).toBe(`note of ${PHONE}`)
    expect(await again.of("acme").list()).toMatchObject({ records: [{ key: `pace of ${PHONE}` }] })
    expect(await again.due(60, 9)).toMatchObject([{ company: "acme", key: `pace of ${PHONE}`, due: 50 }])
    expect(await again.secretsOf("acme").get(`key of ${PHONE}`)).toBe("hush")
  })

  it("say nothing in values, keys and index texts, and come back as they were", async () => {
    const ledger = open()
    await ledger.commit("acme", work)
    const stored = shown(await dump(base))
    for (const secret of [PHONE, "hello", "second", "event of", "order of", "WIRE-", "raw bytes"]) {
      expect(stored, secret).not.toContain(secret)
    }
    const [message] = await ledger.get("acme", "message", ["m1"])
    expect(message).toEqual({ key: "m1", value: bytes(`hello ${PHONE}`), version: 1 })
    expect(await ledger.get("acme", "person", ["l:1", `p:${PHONE}`])).toEqual([
      undefined,
      { key: `p:${PHONE}`, value: bytes("who"), version: 1 },
    ])
    const byWire = await ledger.page("acme", "message", { index: "wire", prefix: `WIRE-${PHONE}`, limit: 8 })
    expect(byWire.rows.map(({ key }) => key)).toEqual(["m1"])
    const byTime = await ledger.page("acme", "message", { index: "time", limit: 8, reverse: true })
    expect(byTime.rows.map(({ value }) => Buffer.from(value).toString())).toEqual(["second", `hello ${PHONE}`])
    expect((await ledger.log("acme", "event", 0, 9)).map(({ position }) => position)).toEqual([1, 2])
    expect((await ledger.due("idempotency", 60, 9)).map(({ key, version }) => [key, version])).toEqual([
      [`order of ${PHONE}`, 1],
    ])
    expect(await ledger.numbers("acme", "totals")).toEqual({ sent: 2 })
  })

  it("are sealed in one call for each commit, with the salt beside the first", async () => {
    const ledger = open()
    const commits: number[] = []
    const counted = {
      ...base,
      commit: (company: string, ops: readonly Op[]) => (commits.push(ops.length), base.commit(company, ops)),
    }
    const watched = open(sealing, counted)
    await watched.commit("acme", work)
    expect(commits).toEqual([work.length + 1])
    await watched.commit("acme", [put("message", "m3", "3"), event("3")])
    expect(commits).toEqual([work.length + 1, 2])
    expect(sealing.calls.filter((call) => call.startsWith("seal"))).toHaveLength(3)
    expect(await ledger.tail("acme", "event")).toBe(3)
  })

  it("leave the house's own rows as they are", async () => {
    await open().commit("", [put("probe", "health", "plain")])
    expect(shown(await dump(base, ""))).toContain("plain")
  })

  it("come out of a dump whole, without the salt, and make the same company again elsewhere", async () => {
    await open().commit("acme", work)
    const records = await dump(open())
    expect(records.map(({ table }) => table)).not.toContain("vault")
    expect(records.find(({ table }) => table === "message")).toMatchObject({ index: { wire: `WIRE-${PHONE}` } })
    const other = createMemoryLedger()
    await other.commit("acme", work)
    expect(shown(records)).toBe(shown(await dump(other)))
  })

  it("stay sealed when sealing of messages is switched off, while companies that begin then are plain", async () => {
    await open().commit("acme", work)
    sealing.seals.delete("messages")
    const ledger = open()
    await ledger.commit("acme", [put("message", "m9", "still sealed")])
    await ledger.commit("later", [put("message", "m1", "plain")])
    expect(shown(await dump(base))).not.toContain("still sealed")
    expect(shown(await dump(base, "later"))).toContain("plain")
    expect((await ledger.get("acme", "message", ["m9"]))[0]?.value).toEqual(bytes("still sealed"))
  })
})

describe("many companies", () => {
  it("are let go of and found again, and none of them loses a commit", async () => {
    const ledger = open()
    const ids = Array.from({ length: 2_500 }, (_, at) => `company-${at}`)
    await Promise.all(ids.map((id) => ledger.commit(id, [put("message", "m1", id), event("1")])))
    for (const id of ids) await ledger.commit(id, [event("2")])
    for (const id of ids) expect(await ledger.tail(id, "event")).toBe(2)
    for (const id of ids) expect((await ledger.log(id, "event", 1, 1))[0]?.value).toEqual(bytes("2"))
  })
})

describe("a sealed row that nobody opens", () => {
  it("is RECORD_SEALED to whoever reads it, also as the bytes that would go out", async () => {
    await open().commit("acme", work)
    const messages = createMessages(base, { byId: async () => undefined } as never)
    expect(await codeOf(messages.get("acme", ["m1"]))).toBe("RECORD_SEALED")
    expect(await codeOf(messages.wire("acme", ["m1"]))).toBe("RECORD_SEALED")
    expect(await createMessages(open(), {} as never).wire("acme", ["m1", "m2"])).toEqual([
      bytes(`\u0012raw bytes ${PHONE}`),
      undefined,
    ])
  })
})

describe("positions in a log", () => {
  it("are known beforehand, also of many commits at once of which some do not hold", async () => {
    for (const slow of [false, true]) {
      const company = `acme-${slow}`
      const ledger = open(await createTestSealing(KEY, [], slow))
      await ledger.commit(company, [put("message", "taken", "1")])
      const results = await Promise.all(
        Array.from({ length: 60 }, (_, turn) =>
          ledger.commit(company, [
            turn % 7 === 3 ? { ...put("message", "taken", "2"), op: "putIfAbsent" } : put("message", `m${turn}`, "1"),
            event(`${turn}`),
            ...(turn % 5 === 0 ? [event(`${turn}b`)] : []),
          ] as Op[]),
        ),
      )
      for (const [turn, result] of results.entries()) {
        expect(result.ok, `${turn}`).toBe(turn % 7 !== 3)
        if (!result.ok) expect(result.op).toBe(0)
      }
      const rows = await ledger.log(company, "event", 0, 1_000)
      const texts = rows.map(({ value }) => Buffer.from(value).toString())
      // In the order of the calls, each where its commit was told that it is.
      const turns = texts.map((text) => Number.parseInt(text, 10))
      expect(turns).toEqual([...turns].sort((a, b) => a - b))
      const said = results.flatMap((result) => (result.ok ? result.positions : []))
      expect(said).toEqual(rows.map(({ position }) => position))
    }
  })

  it("are reckoned anew after a commit of which nobody knows whether it was written", async () => {
    let lost = 0
    const unsure: Ledger = {
      ...base,
      async commit(company, ops) {
        const result = await base.commit(company, ops)
        if (lost++ === 1) throw new Error("written, but the answer was lost")
        return result
      },
    }
    const ledger = open(sealing, unsure)
    await ledger.commit("acme", [event("1")])
    await expect(ledger.commit("acme", [event("2")])).rejects.toThrow("lost")
    expect(await ledger.commit("acme", [event("3")])).toEqual({ ok: true, positions: [3] })
    expect((await ledger.log("acme", "event", 0, 9)).map(({ value }) => Buffer.from(value).toString())).toEqual([
      "1",
      "2",
      "3",
    ])
  })
})

describe("a row that is not what was sealed there", () => {
  beforeEach(() => open().commit("acme", work))

  /** Puts other bytes where a record is, as somebody with the disk in hand would. */
  const plant = async (record: DumpedRecord, value: Uint8Array): Promise<void> => {
    if (record.kind === "number") return
    const op: Op =
      record.kind === "log"
        ? { op: "rewrite", table: record.table, position: record.position, value }
        : { op: "recode", ...record, value }
    expect((await base.commit("acme", [op])).ok).toBe(true)
  }

  it("is refused by its name, whichever byte of whichever record is flipped, and however it is cut", async () => {
    for (const record of await valuesOf()) {
      if (record.kind === "number") continue
      const name = record.kind === "log" ? `event#${record.position}` : `${record.table}.*${record.key}`
      for (let at = 0; at < record.value.length; at++) {
        await plant(record, record.value.with(at, (record.value[at] ?? 0) ^ 4))
        expect(await faultOf(dump(open())), `${record.table} ${at}`).toMatch(
          new RegExp(`^RECORD_(DAMAGED|SEALED): .*${name}`),
        )
      }
      for (const cut of [1, 4, 12, 17, record.value.length - 2]) {
        await plant(record, record.value.subarray(0, record.value.length - cut))
        expect(await faultOf(dump(open()))).toMatch(/^RECORD_(DAMAGED|SEALED): /)
      }
      await plant(record, record.value)
    }
    expect(await dump(open())).toHaveLength(work.length)
  })

  it("is refused in the place of any other of the company, log rows among themselves as well", async () => {
    const all = await valuesOf()
    for (const one of all) {
      for (const other of all) {
        if (one === other || one.kind === "number" || other.kind === "number") continue
        await plant(one, other.value)
        expect(await codeOf(dump(open())), `${other.table} in the place of ${one.table}`).toBe("RECORD_DAMAGED")
      }
      if (one.kind !== "number") await plant(one, one.value)
    }
    const [first, second] = all.filter(({ kind }) => kind === "log")
    if (first?.kind !== "log" || second?.kind !== "log") throw new Error("No log")
    await plant(first, second.value)
    expect(await faultOf(open().log("acme", "event", 0, 1))).toMatch(/^RECORD_DAMAGED: .*event#1/)
    expect(await open().log("acme", "event", 1, 1)).toHaveLength(1)
  })

  it("is refused in another company, with that one's salt or without", async () => {
    await open().commit("other", work)
    const mine = await valuesOf()
    for (const record of await valuesOf("other")) {
      const match = mine.find(({ kind, table }) => kind === record.kind && table === record.table)
      if (record.kind !== "row" || match?.kind !== "row") continue
      await base.commit("other", [{ op: "recode", ...record, value: match.value }])
      expect(await codeOf(dump(open(), "other"))).toBe("RECORD_DAMAGED")
    }
  })

  it("is refused when it is plain, and when the salt that forbids it is gone", async () => {
    const [record] = await valuesOf()
    if (record === undefined) throw new Error("No record")
    await plant(record, encodeRecord("mine"))
    expect(await faultOf(dump(open()))).toMatch(/^RECORD_DAMAGED: .*plain/)
    if (record.kind === "row") await plant(record, record.value)
    await base.commit("acme", [{ op: "delete", table: "vault", key: "vault" }])
    expect(await faultOf(dump(open()))).toMatch(/^RECORD_DAMAGED: .*salt/)
    sealing.complete.add("messages")
    await base.commit("planted", [put("message", "m1", "mine")])
    expect(await codeOf(dump(open(), "planted"))).toBe("RECORD_DAMAGED")
  })

  it("does not hold up what is due of other companies", async () => {
    await open().commit("other", work)
    const record = (await valuesOf()).find(({ table }) => table === "idempotency")
    if (record?.kind !== "row") throw new Error("No record")
    await plant(record, record.value.subarray(0, -1))
    expect((await open().due("idempotency", 60, 9)).map(({ company }) => company)).toEqual(["other"])
    expect(unreadable).toEqual(["acme"])
  })
})

describe("rows from before", () => {
  const plain = async (): Promise<void> => {
    await base.commit("acme", work)
    await base.commit("acme", [put("person", `p:${PHONE}`, "who, again")])
  }

  it("are read and found by what they are called, and written anew sealed", async () => {
    await plain()
    const ledger = open()
    expect((await ledger.get("acme", "person", [`p:${PHONE}`]))[0]?.value).toEqual(bytes("who, again"))
    const byWire = await ledger.page("acme", "message", { index: "wire", prefix: `WIRE-${PHONE}`, limit: 8 })
    expect(byWire.rows.map(({ key }) => key)).toEqual(["m1"])
    expect((await ledger.log("acme", "event", 0, 9))[0]?.value).toEqual(bytes(`event of ${PHONE}`))
    const done = await ledger.commit("acme", [
      { ...put("message", "m2", "anew"), op: "putIfVersion", version: 1 } as Op,
      event("3"),
    ])
    expect(done).toEqual({ ok: true, positions: [3] })
    expect((await open().get("acme", "message", ["m2"]))[0]).toMatchObject({ value: bytes("anew"), version: 2 })
  })

  it("with telling keys lie under names from the first moment on, also when that breaks off", async () => {
    await plain()
    let left = 1
    const breaking: Ledger = {
      ...base,
      commit: (...given) => (left-- > 0 ? base.commit(...given) : Promise.reject(new Error("crash"))),
    }
    await expect(open(sealing, breaking).get("acme", "person", [`p:${PHONE}`])).rejects.toThrow("crash")
    const ledger = open()
    expect((await ledger.get("acme", "idempotency", [`order of ${PHONE}`]))[0]?.value).toEqual(bytes("reserved"))
    const keys = (await dump(base)).flatMap((record) => (record.kind === "row" ? [record.key] : []))
    expect(keys.join()).not.toContain(PHONE)
    expect(await ledger.due("idempotency", 60, 9)).toHaveLength(1)
  })

  it("are all sealed by sealing anew, in their versions, and refused as plain from then on", async () => {
    await plain()
    const ledger = open()
    const before = await dump(ledger)
    let written = 0
    await ledger.reseal("acme", never, (records) => (written += records))
    expect(written).toBe(5)
    expect(shown(await dump(base))).not.toContain(PHONE)
    expect(shown(await dump(open()))).toBe(shown(before))
    await ledger.reseal("acme", never, (records) => (written += records))
    expect(written).toBe(5)
    await base.commit("acme", [put("message", "m1", "planted")])
    expect(await codeOf(open().get("acme", "message", ["m1"]))).toBe("RECORD_DAMAGED")
  })

  it("are sealed beside a line that goes on writing, which is never set back", async () => {
    const many = Array.from({ length: 350 }, (_, at) => put("message", `m${String(at).padStart(3, "0")}`, "old"))
    await base.commit("acme", [...many, ...Array.from({ length: 250 }, (_, at) => event(`${at}`))])
    const writes: Promise<unknown>[] = []
    // Between the reading and the writing of each portion.
    const racing: Ledger = {
      ...base,
      async dump(company, after, limit) {
        const page = await base.dump(company, after, limit)
        for (const id of ["m005", "m150", "m349"])
          writes.push(ledger.commit("acme", [put("message", id, "new"), event("live")]))
        writes.push(ledger.commit("acme", [{ op: "delete", table: "message", key: "m200" }]))
        return page
      },
    }
    const ledger = open(sealing, racing)
    await ledger.reseal("acme", never, () => undefined)
    await Promise.all(writes)
    const again = open()
    for (const id of ["m005", "m150", "m349"]) {
      expect((await again.get("acme", "message", [id]))[0]?.value, id).toEqual(bytes("new"))
    }
    expect((await again.get("acme", "message", ["m200", "m006"])).map((row) => row?.value)).toEqual([
      undefined,
      bytes("old"),
    ])
    expect(await again.log("acme", "event", 0, 1_000)).toHaveLength(250 + writes.filter((_, at) => at % 4 !== 3).length)
  })
})

describe("a new master key", () => {
  it("opens what the old one sealed until all is sealed anew, and refuses it afterwards", async () => {
    await open().commit("acme", work)
    const old = await valuesOf()
    const rotated = await createTestSealing(OTHER_KEY, [KEY])
    const ledger = open(rotated)
    const before = await dump(ledger)
    await ledger.commit("acme", [put("message", "m9", "new")])
    await ledger.reseal("acme", never, () => undefined)
    const alone = open(await createTestSealing(OTHER_KEY))
    expect(await dump(alone)).toHaveLength(before.length + 1)
    expect((await alone.get("acme", "person", [`p:${PHONE}`]))[0]?.value).toEqual(bytes("who"))
    const [record] = old
    if (record?.kind !== "row") throw new Error("No record")
    const [now] = await base.get("acme", record.table, [record.key])
    await base.commit("acme", [{ op: "recode", ...record, version: now?.version ?? 0 }])
    expect(await faultOf(dump(open(rotated)))).toMatch(/^RECORD_DAMAGED: .*older key/)
  })

  it("that comes without the old one opens nothing, and says which setting is missing", async () => {
    await open().commit("acme", work)
    const stranger = open(await createTestSealing(OTHER_KEY))
    expect(await codeOf(stranger.get("acme", "message", ["m1"]))).toBe("RECORD_SEALED")
    expect(await codeOf(stranger.commit("acme", [put("message", "m3", "x")]))).toBe("RECORD_SEALED")
  })
})

describe("erasing", () => {
  it("destroys the salt first, and is finished by whoever comes next", async () => {
    await open().commit("acme", work)
    const [salt] = await base.get("acme", "vault", ["vault"])
    const broken: Ledger = { ...base, erase: () => Promise.reject(new Error("crash")) }
    await expect(open(sealing, broken).erase("acme")).rejects.toThrow("crash")
    const [left] = await base.get("acme", "vault", ["vault"])
    expect(left?.value).not.toEqual(salt?.value)
    expect(left?.value.length).toBeLessThan(32)
    expect((await dump(base)).length).toBeGreaterThan(1)
    const ledger = open()
    expect(await ledger.get("acme", "message", ["m1"])).toEqual([undefined])
    expect(await dump(base)).toEqual([])
    await ledger.commit("acme", [put("message", "m1", "anew"), event("1")])
    expect((await open().log("acme", "event", 0, 9)).map(({ position }) => position)).toEqual([1])
  })
})
