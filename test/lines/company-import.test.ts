import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { Ledger } from "../../core/ledger.ts"
import { fakeCreds } from "../support/fake-provider.ts"
import { dumpOf, everything, inhabited, sabotage, stores } from "./inhabited.ts"
import { openStoredWeb, type Web, webOf } from "./web.ts"

type Answered = Awaited<ReturnType<Web["call"]>>
interface Report {
  readonly user: { readonly phone: string } | null
  readonly counts: Record<string, number>
  readonly skipped: readonly { readonly file: string }[]
  readonly overridden: readonly { readonly code: string }[]
}

const PHONE = "79000000001"

async function post(web: Web, body: object, company = "acme", key = "admin"): Promise<Answered> {
  const asked = web.call("POST", `/companies/${company}/import`, body, { "x-api-key": key })
  await web.house.clock.advance(100)
  return asked
}

async function restore(web: Web, text: string, query = "", company = "acme"): Promise<Answered> {
  const asked = web.http.fetch(
    new Request(`http://localhost/api/whatsapp/companies/${company}/import${query}`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: text,
    }),
  )
  await web.house.clock.advance(100)
  const response = await asked
  return { status: response.status, headers: response.headers, json: (await response.json()) as Answered["json"] }
}

async function exportOf(web: Web, credentials: boolean): Promise<string> {
  const asked = web.fetch("GET", `/companies/acme/export?credentials=${credentials}`)
  await web.house.clock.advance(100)
  return (await asked).text()
}

const reportOf = ({ json }: Answered): Report => json.data as unknown as Report
const codesOf = ({ json }: Answered): string[] =>
  (json.error.details as { readonly code: string }[]).map(({ code }) => code)
const creds = (steps: number, identity = "elsewhere", phone = PHONE): { files: Record<string, string> } => ({
  files: { "creds.json": fakeCreds(phone, identity, steps), "key-1": "one", "key-2": "two" },
})

/** Its line, as it would be after a restart of the process that it is on. */
async function comesUp(web: Web, company = "acme"): Promise<void> {
  const asked = web.call("POST", `/sessions/${company}/initialize`, {})
  await web.house.clock.advance(10)
  await web.house.provider.line(company).open()
  expect((await asked).json.data).toMatchObject({ status: "connected" })
}

describe("POST /companies/{companyId}/import with files", () => {
  it("makes a linked company, which connects without a code", async () => {
    const web = await openStoredWeb({ stores })
    const answer = await post(web, creds(5))
    expect(answer.status).toBe(200)
    expect(reportOf(answer)).toMatchObject({
      user: { phone: PHONE },
      counts: { "auth creds": 1, "auth key": 2 },
      skipped: [],
      overridden: [],
    })
    expect((await web.call("GET", "/sessions/acme")).json.data).toMatchObject({
      status: "idle",
      user: { phone: PHONE },
    })
    expect((await web.call("GET", "/companies")).json.data).toMatchObject([{ companyId: "acme", storage: "files" }])
    await comesUp(web)
    expect(web.house.provider.connections).toHaveLength(1)
  })

  it("comes back by itself when the process starts again", async () => {
    const web = await openStoredWeb({ stores })
    await post(web, creds(5))
    const next = await web.house.reopen("stop")
    next.lines.start()
    await next.clock.advance(1_000)
    expect(next.provider.connections.map(({ company }) => company)).toEqual(["acme"])
  })

  it("changes nothing in a dry run, and tells the same", async () => {
    const web = await inhabited()
    const before = await everything(web)
    const answer = await post(web, { ...creds(5), dryRun: true }, "new")
    expect(reportOf(answer)).toMatchObject({ user: { phone: PHONE }, counts: { "auth key": 2 } })
    expect(await everything(web)).toEqual(before)
    expect((await web.call("GET", "/companies/new")).status).toBe(404)
  })

  it("names files that cannot be read, and leaves them out when forced; never the credentials", async () => {
    const web = await openStoredWeb({ stores })
    const { files } = creds(5)
    const odd = { files: { ...files, "odd.json": "x" } }
    const refused = await post(web, odd)
    expect(refused.status).toBe(400)
    expect(refused.json.error.details).toEqual([
      { path: "odd.json", code: "VALIDATION_ERROR", message: "It is damaged" },
    ])
    expect(reportOf(await post(web, { ...odd, force: true })).skipped.map(({ file }) => file)).toEqual(["odd.json"])
    const broken = { files: { ...files, "creds.json": "broken" }, force: true }
    expect((await post(web, broken, "other")).status).toBe(400)
    expect((await post(web, { files: {} }, "other")).status).toBe(400)
    expect((await post(web, {}, "other")).status).toBe(400)
    expect((await web.call("GET", "/companies/other")).status).toBe(404)
  })

  it("is refused over a line that is connected, over another link, a newer and the same state, and says which", async () => {
    const web = await openStoredWeb({ stores })
    await post(web, creds(5))
    expect(codesOf(await post(web, creds(4)))).toEqual(["newer-here"])
    expect(codesOf(await post(web, creds(5)))).toEqual(["same-state"])
    expect(codesOf(await post(web, creds(9, "another device")))).toEqual(["other-link"])
    expect(codesOf(await post(web, creds(9, "whoever", "79000000009")))).toEqual(["other-account"])
    expect(codesOf(await post(web, creds(5), "twin"))).toEqual(["linked-elsewhere"])
    expect((await post(web, creds(6))).status).toBe(200)
    await comesUp(web)
    const refused = await post(web, creds(7))
    expect([refused.status, codesOf(refused)]).toEqual([409, ["connected"]])
    expect(web.house.provider.line("acme").closed).toBe(false)
    // The message says what was found, and how to do it all the same.
    expect((await post(web, creds(4))).json.error).toMatchObject({
      message: expect.stringMatching(/steps is \d here and 4 there.*`force`/s) as string,
    })
  })

  it("does it all the same when forced: the line rests, the old keys are gone, nobody is logged out", async () => {
    const web = await openStoredWeb({ stores })
    await post(web, { files: { ...creds(5).files, "key-9": "old" } })
    await comesUp(web)
    const line = web.house.provider.line("acme")
    const answer = await post(web, { ...creds(4), force: true })
    expect(reportOf(answer).overridden.map(({ code }) => code)).toEqual(["connected", "newer-here"])
    expect([line.closed, line.loggedOut]).toEqual([true, false])
    expect(await web.house.stores.get("files")?.driver.keys("acme")).toEqual(["creds/creds", "key/key-1", "key/key-2"])
    await comesUp(web)
  })

  it("keeps what the company has besides: settings, messages, its store", async () => {
    const web = await openStoredWeb({ stores })
    await web.call("PUT", "/companies/acme", { name: "Acme", storage: "archive" })
    await post(web, creds(5))
    expect((await web.call("GET", "/companies/acme")).json.data).toMatchObject({ name: "Acme", storage: "archive" })
    expect(await web.house.stores.get("archive")?.driver.companies()).toEqual(["acme"])
    expect(await web.house.stores.get("files")?.driver.companies()).toEqual([])
  })

  it("is for the operator alone", async () => {
    const web = await inhabited()
    expect((await post(web, creds(5), "acme", "acme-all")).status).toBe(403)
  })

  it("leaves what was there when the store fails", async () => {
    const web = await openStoredWeb({ stores })
    await post(web, creds(5))
    const before = await everything(web)
    const back = sabotage(web, "files", {
      commit: async () => {
        throw new Error("The disk is gone")
      },
    })
    expect((await post(web, creds(6))).status).toBeGreaterThanOrEqual(500)
    back()
    expect(await everything(web)).toEqual(before)
    expect((await post(web, creds(6))).status).toBe(200)
  })
})

describe("POST /companies/{companyId}/import with an export", () => {
  async function emptied(web: Web): Promise<void> {
    const asked = web.call("DELETE", "/companies/acme")
    await web.house.clock.advance(100)
    expect((await asked).status).toBe(200)
  }

  it("brings everything back on another server, which goes on where the first one was", async () => {
    const web = await inhabited()
    const text = await exportOf(web, true)
    const there = await openStoredWeb({ stores: ["elsewhere"] })
    const answer = await restore(there, text)
    expect(answer.status).toBe(200)
    expect(reportOf(answer)).toMatchObject({ user: { phone: PHONE }, counts: { "auth creds": 1, "row message": 2 } })
    const all = async (one: Web) =>
      (await dumpOf(one.house.ledger, "acme"))
        .filter((record) => record.table !== "home" && record.table !== "event")
        // To which series a count belongs is each server's own matter.
        .filter((record) => record.kind !== "number" || !record.key.includes("@"))
        .map((record) => ({ ...record, version: 0 }))
    expect((await all(there)).filter((record) => record.table !== "session")).toEqual(
      (await all(web)).filter((record) => record.table !== "session"),
    )
    expect((await there.call("GET", "/companies/acme")).json.data).toMatchObject({
      name: "acme Ltd",
      storage: "elsewhere",
    })
    const [message] = (await there.call("GET", "/messages/acme")).json.data as unknown as { messageId: string }[]
    expect(message?.messageId).toBeDefined()
    const events = await there.house.events("acme")
    expect(events.map(({ position }) => position)).toEqual(events.map((_, at) => at + 1))
    // A batch is found by its id alone.
    const { rows } = await there.house.ledger.page("acme", "batch", { limit: 1 })
    expect((await there.call("GET", `/send/batch/${rows[0]?.key}`)).status).toBe(200)
    await comesUp(there)
    const sent = await there.house
      .send("acme", { message: "hello" }, { key: "first" })
      .catch((thrown: unknown) => thrown)
    expect(sent).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" })
  })

  it("without credentials brings everything but the link, and no proxy without its password", async () => {
    const web = await inhabited()
    const text = await exportOf(web, false)
    await emptied(web)
    const answer = await restore(web, text)
    expect(reportOf(answer)).toMatchObject({ user: null })
    expect((await web.call("GET", "/companies/acme")).json.data).toMatchObject({ name: "acme Ltd", proxy: null })
    expect((await web.call("GET", "/sessions/acme")).json.data).toMatchObject({ status: "idle", user: null })
    expect(await web.house.send("acme", { message: "x" }).catch((thrown: unknown) => thrown)).toMatchObject({
      code: "NO_ACTIVE_SESSION",
    })
    await web.house.connect("acme")
    expect((await web.call("GET", "/messages/acme")).json.data).toHaveLength(2)
  })

  it("is refused over a company that is there, and replaces it when forced, without logging out", async () => {
    const web = await inhabited()
    // The fake links all companies with one key, which would count as a link that is elsewhere, too.
    const gone = web.call("DELETE", "/companies/acme-2")
    await web.house.clock.advance(100)
    await gone
    const text = await exportOf(web, true)
    await web.house.provider.line("acme").open()
    await web.house.send("acme", { message: "after the export" })
    const refused = await restore(web, text)
    expect([refused.status, codesOf(refused)]).toEqual([409, ["exists", "connected", "same-state"]])
    expect((await web.call("GET", "/messages/acme")).json.data).toHaveLength(3)
    const dry = await restore(web, text, "?force=true&dryRun=true")
    expect(reportOf(dry).overridden.map(({ code }) => code)).toEqual(["exists", "connected", "same-state"])
    expect((await web.call("GET", "/messages/acme")).json.data).toHaveLength(3)
    const before = web.house.provider.line("acme")
    expect((await restore(web, text, "?force=true")).status).toBe(200)
    expect([before.closed, before.loggedOut]).toEqual([true, false])
    expect((await web.call("GET", "/messages/acme")).json.data).toHaveLength(2)
    await comesUp(web)
  })

  it("touches nothing for an export that is cut off, changed, of another company, or none", async () => {
    const web = await inhabited()
    const text = await exportOf(web, true)
    await web.house.provider.line("acme").open()
    const before = await everything(web)
    const lines = text.trimEnd().split("\n")
    const wrong = [
      text.slice(0, -20),
      `${lines.slice(0, -1).join("\n")}\n`,
      text.replace("acme Ltd", "Evil Ltd"),
      `${[...lines.slice(0, 2), ...lines.slice(3)].join("\n")}\n`,
      `${text}${lines[1]}\n`,
      `${lines[0]}\n`,
      "{}\n",
      "not JSON\n",
      "",
    ]
    for (const bad of wrong) expect((await restore(web, bad, "?force=true")).status, bad.slice(0, 40)).toBe(400)
    const other = await restore(web, text, "?force=true", "acme-3")
    expect(other.json.error).toMatchObject({ code: "VALIDATION_ERROR" })
    expect(await everything(web)).toEqual(before)
  })

  it("is not taken for something to be erased by the rounds that finish erasures, however long it takes", async () => {
    const web = await inhabited()
    const text = await manyRows(web, await exportOf(web, true))
    const ledger = createMemoryLedger()
    let slow = true
    let commits = 0
    const waiting: (() => void)[] = []
    const there = await openStoredWeb({
      stores,
      ledger: {
        ...ledger,
        async commit(company, ops) {
          // In the middle: some of it is there already.
          if (slow && company === "acme" && ++commits > 3) await new Promise<void>((resolve) => waiting.push(resolve))
          return ledger.commit(company, ops)
        },
      },
    })
    there.house.lines.start()
    const restoring = restore(there, text)
    for (let round = 0; round < 3; round++) await there.house.clock.advance(there.house.settings.cleanupIntervalMs)
    slow = false
    for (const go of waiting) go()
    await there.house.clock.advance(there.house.settings.cleanupIntervalMs * 2)
    expect((await restoring).status).toBe(200)
    await there.house.clock.advance(there.house.settings.cleanupIntervalMs * 2)
    expect((await dumpOf(ledger, "acme")).filter((record) => record.table === "wire").length).toBeGreaterThan(1_000)
    expect((await there.call("GET", "/companies/acme")).status).toBe(200)
  })

  it("leaves nothing of a company whose restoring was cut short by a crash", async () => {
    const web = await inhabited()
    const text = await exportOf(web, true)
    const ledger = createMemoryLedger()
    let left = 3
    const dying: Ledger = {
      ...ledger,
      async commit(company, ops) {
        if (company === "acme" && left-- <= 0) return new Promise(() => undefined)
        return ledger.commit(company, ops)
      },
    }
    const there = await openStoredWeb({ stores, ledger, wrap: () => dying })
    const many = await manyRows(web, text)
    void restore(there, many)
    await there.house.clock.advance(1_000)
    expect((await dumpOf(ledger, "acme")).length).toBeGreaterThan(0)
    const next = await there.house.reopen("kill")
    next.lines.start()
    await next.clock.advance(1_000)
    expect(Object.keys(await everything(webOf(next))).filter((name) => name.endsWith(" acme"))).toEqual([])
    const again = await restore(webOf(next), many)
    expect(again.status).toBe(200)
  })
})

/** The export of a company after it has got a thousand rows more. */
async function manyRows(web: Web, before: string): Promise<string> {
  await web.house.ledger.commit(
    "acme",
    Array.from({ length: 1_000 }, (_, at) => ({
      op: "put" as const,
      table: "wire",
      key: `w${at}`,
      value: Uint8Array.of(at & 255),
    })),
  )
  const text = await exportOf(web, true)
  expect(text.length).toBeGreaterThan(before.length)
  return text
}
