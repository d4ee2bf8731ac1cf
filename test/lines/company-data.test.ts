import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { recordOf } from "../../core/company/export-format.ts"
import { fromJson, toJson } from "../../core/company/json-values.ts"
import type { DumpedRecord, Ledger } from "../../core/ledger.ts"
import { encodeRecord } from "../../core/records/values.ts"
import { dumpOf, inhabited, SECRET_PROXY, stores } from "./inhabited.ts"
import { openStoredWeb, type Web } from "./web.ts"

interface Read {
  readonly status: number
  readonly text: string
  readonly lines: readonly Record<string, unknown>[]
  readonly headers: Headers
}

async function readExport(web: Web, path: string, key = "admin"): Promise<Read> {
  const response = await web.fetch("GET", path, { headers: { "x-api-key": key } })
  const text = await response.text()
  const lines = response.status === 200 ? text.trimEnd().split("\n") : []
  return {
    status: response.status,
    text,
    lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    headers: response.headers,
  }
}

const withoutVersion = (record: DumpedRecord): object => ({ ...record, version: 0 })

describe("GET /companies", () => {
  it("lists every company with its store and state, page by page, also those without a session", async () => {
    const web = await inhabited()
    await web.call("PUT", "/companies/bare", { name: "No line yet" })
    const { json } = await web.call("GET", "/companies?limit=2")
    expect(json.data).toEqual([
      {
        companyId: "acme",
        name: "acme Ltd",
        storage: "files",
        provider: "fake",
        status: "connected",
        lastActivity: expect.stringMatching(/T.*Z$/) as string,
      },
      expect.objectContaining({ companyId: "acme-2" }),
    ])
    expect(json["nextCursor"]).toBe("acme-2")
    const rest = await web.call("GET", "/companies?limit=2&cursor=acme-2")
    expect(rest.json.data).toEqual([
      {
        companyId: "bare",
        name: "No line yet",
        storage: "files",
        provider: "fake",
        status: "idle",
        lastActivity: null,
      },
    ])
    expect(rest.json["nextCursor"]).toBeNull()
  })

  it("shows a company's key its own company alone", async () => {
    const web = await inhabited()
    const { json } = await web.call("GET", "/companies", undefined, { "x-api-key": "acme-read" })
    expect((json.data as unknown as { companyId: string }[]).map(({ companyId }) => companyId)).toEqual(["acme"])
  })
})

describe("GET /companies/{companyId}/export", () => {
  it("gives everything the ledger has of the company, from which it can be made again, and nothing of anyone else's", async () => {
    const ledger = createMemoryLedger()
    const web = await inhabited(ledger)
    const { status, text, lines, headers } = await readExport(web, "/companies/acme/export")
    expect(status).toBe(200)
    expect(headers.get("content-type")).toBe("application/x-ndjson")
    expect(headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''acme.ndjson")
    expect(lines[0]).toMatchObject({ kind: "header", companyId: "acme", version: 1, credentials: false })
    const records = lines.slice(1, -1).map(recordOf)
    const all = (await dumpOf(ledger, "acme")).map(withoutVersion)
    const settings = (record: object): boolean => "table" in record && record.table === "company"
    expect(records.map(withoutVersion).filter((record) => !settings(record))).toEqual(
      all.filter((record) => !settings(record)),
    )
    for (const table of ["session", "message", "chat", "person", "wire", "batch", "event", "totals", "idempotency"]) {
      expect(
        records.some((record) => record.table === table),
        table,
      ).toBe(true)
    }
    expect(text).not.toContain("acme-2")
    expect(text).toContain("hello from acme")
  })

  it("ends with the counts of its lines and the SHA-256 of all before, so that one that was cut off is recognised", async () => {
    const web = await inhabited()
    const { text, lines } = await readExport(web, "/companies/acme/export")
    const before = text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1)
    const last = lines.at(-1)
    expect(last).toMatchObject({
      kind: "end",
      lines: lines.length - 1,
      sha256: createHash("sha256").update(before).digest("hex"),
    })
    expect(last?.["counts"]).toMatchObject({ "row company": 1, "row session": 1, "row message": 2 })
  })

  it("shows no secret unless the admin asks, and the auth state only then; the log notes either", async () => {
    const web = await inhabited()
    const plain = await readExport(web, "/companies/acme/export", "acme-all")
    expect(plain.text).not.toContain("s3cret")
    expect(plain.text).toContain("socks5://***@10.0.0.1:1080")
    expect(plain.lines.filter(({ kind }) => kind === "auth")).toEqual([])
    expect((await readExport(web, "/companies/acme/export?credentials=true", "acme-all")).status).toBe(403)
    const asked = readExport(web, "/companies/acme/export?credentials=true")
    await web.house.clock.advance(100)
    const whole = await asked
    expect(whole.text).toContain(SECRET_PROXY)
    expect(whole.lines.filter(({ kind }) => kind === "auth")).toEqual([
      { kind: "auth", type: "creds", id: "creds", bytes: "AQ==" },
    ])
    const noted = (await web.house.events("acme")).filter(({ type }) => type === "company.exported")
    expect(noted.map(({ data }) => [data.credentials, data.by])).toEqual([
      [false, "company"],
      [true, "admin"],
    ])
    // The line had let go of its store for a moment, and is on its way back.
    await web.house.provider.line("acme").open()
    expect((await web.house.lines.sessions.status("acme")).connected).toBe(true)
  })

  it("is refused to other companies' keys and to those without the scope, and knows no company that is not there", async () => {
    const web = await inhabited()
    expect((await readExport(web, "/companies/acme-2/export", "acme-all")).status).toBe(403)
    expect((await readExport(web, "/companies/nobody/export", "acme-all")).status).toBe(403)
    expect((await readExport(web, "/companies/acme/export", "acme-read")).status).toBe(403)
    expect((await readExport(web, "/companies/nobody/export")).status).toBe(404)
    expect((await readExport(web, "/companies/acme/export?credentials=maybe")).status).toBe(400)
    expect(await web.house.ledger.companies()).not.toContain("nobody")
  })

  it("reads no further than it is taken, and stops when nobody takes it any more", async () => {
    const ledger = createMemoryLedger()
    await ledger.commit(
      "acme",
      Array.from({ length: 5_000 }, (_, at) => ({
        op: "put" as const,
        table: "message",
        key: `m${at}`,
        value: encodeRecord({ at }),
      })),
    )
    let pages = 0
    const counting: Ledger = {
      ...ledger,
      async dump(company, after, limit) {
        pages++
        return ledger.dump(company, after, limit)
      },
    }
    const web = await openStoredWeb({ stores, ledger: counting })
    const response = await web.fetch("GET", "/companies/acme/export")
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    await web.house.clock.settle()
    const taken = pages
    expect(taken).toBeLessThan(5)
    await reader?.cancel()
    await web.house.clock.settle()
    expect(pages).toBe(taken)
  })

  it("breaks off, without its last line, when the ledger fails on the way", async () => {
    const ledger = createMemoryLedger()
    let failing = false
    const web = await inhabited({
      ...ledger,
      async dump(company, after, limit) {
        if (failing) throw new Error("The disk is gone")
        return ledger.dump(company, after, limit)
      },
    })
    const response = await web.fetch("GET", "/companies/acme/export")
    failing = true
    await expect(response.text()).rejects.toThrow()
    expect(web.house.log.lines.some(({ message }) => message === "An export broke off")).toBe(true)
  })

  it("breaks off, without its last line, when the company is erased on the way", async () => {
    const ledger = createMemoryLedger()
    const web = await inhabited(ledger)
    await ledger.commit(
      "acme",
      Array.from({ length: 2_000 }, (_, at) => ({
        op: "put" as const,
        table: "wire",
        key: `w${at}`,
        value: Uint8Array.of(1),
      })),
    )
    const response = await web.fetch("GET", "/companies/acme/export")
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    const erased = web.call("DELETE", "/companies/acme")
    await web.house.clock.advance(100)
    expect((await erased).status).toBe(200)
    const rest = async (): Promise<void> => {
      while ((await reader?.read())?.done === false);
    }
    await expect(rest()).rejects.toMatchObject({ code: "COMPANY_ERASED" })
  })

  it("writes values so that they read back as what they were", () => {
    const values: unknown[] = [
      { a: Uint8Array.of(1, 2, 255), b: [Number.POSITIVE_INFINITY, -0, Number.NaN], c: null },
      { $bytes: "not bytes" },
      { $number: 5, $pairs: [] },
      { $pairs: { $bytes: [] } },
      "lone \ud800 surrogate",
      JSON.parse('{"__proto__": {"x": 1}}'),
      new Uint8Array(100_000).fill(7),
      [],
      {},
    ]
    for (const value of values) {
      const text = JSON.stringify(toJson(value))
      expect(fromJson(JSON.parse(text))).toEqual(value)
    }
    for (const wrong of [{ $bytes: "*" }, { $bytes: 5 }, { $number: "5" }, { $else: 1 }, { $pairs: [["a"]] }]) {
      expect(() => fromJson(wrong)).toThrow(TypeError)
    }
  })
})
