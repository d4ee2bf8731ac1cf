import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { appError } from "../../core/errors.ts"
import type { Ledger } from "../../core/ledger.ts"
import { everything, inhabited, sabotage } from "./inhabited.ts"
import { type Web, webOf } from "./web.ts"

const away = async (): Promise<never> => {
  throw appError("STORAGE_UNAVAILABLE")
}

/** DELETE, with time going on for whatever it waits for. */
async function erase(web: Web, company = "acme", ms = 100): Promise<Awaited<ReturnType<Web["call"]>>> {
  const asked = web.call("DELETE", `/companies/${company}`)
  await web.house.clock.advance(ms)
  return asked
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner instanceof Uint8Array ? Buffer.from(inner).toString("latin1") : inner,
  )

const ofOthers = (all: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(all).filter(([name]) => name.endsWith(" acme-2")))

describe("DELETE /companies/{companyId}", () => {
  it("leaves nothing of the company anywhere, and everything of the others as it was", async () => {
    const web = await inhabited()
    const before = await everything(web)
    expect(text(before["ledger "]).replaceAll("acme-2", "")).toContain("acme")
    const { status, json } = await erase(web)
    expect(status).toBe(200)
    expect(json.data).toEqual({ companyId: "acme", erased: true, unlinked: true })
    expect(web.house.provider.line("acme").loggedOut).toBe(true)
    const after = await everything(web)
    expect(ofOthers(after)).toEqual(ofOthers(before))
    expect(Object.keys(after).filter((name) => name.endsWith(" acme"))).toEqual([])
    // What the house itself has noted names the other company alone.
    expect(text(after).replaceAll("acme-2", "")).not.toContain("acme")
    expect((await web.call("GET", "/companies/acme")).status).toBe(404)
    expect((await web.call("GET", "/sessions/acme")).status).toBe(404)
    expect((await web.call("GET", "/companies/acme/export").catch(() => ({ status: 404 }))).status).toBe(404)
    expect((await web.call("GET", "/companies")).json.data).toMatchObject([{ companyId: "acme-2" }])
    expect((await erase(web)).status).toBe(404)
  })

  it("lets the company begin anew from nothing: no message, no chat, no key of before", async () => {
    const web = await inhabited()
    await erase(web)
    await web.house.connect("acme")
    const events = await web.house.events("acme")
    expect(events[0]).toMatchObject({ position: 1, type: "session.status" })
    expect((await web.call("GET", "/messages/acme")).json.data).toEqual([])
    const sent = await web.house.send("acme", { message: "again" }, { key: "first" })
    expect(sent.replayed).toBe(false)
    const listed = (await web.call("GET", "/messages/acme")).json.data as unknown as { message: string }[]
    expect(listed.map(({ message }) => message)).toEqual(["again"])
    // The chat is a stored one: an id from the memory of the old company would lead nowhere.
    const page = await web.house.ledger.page("acme", "chat", { limit: 10 })
    expect(page.rows).toHaveLength(1)
  })

  it("is refused to whoever may not, and knows no company that is not there", async () => {
    const web = await inhabited()
    const as = (key: string, company: string) =>
      web.call("DELETE", `/companies/${company}`, undefined, { "x-api-key": key })
    expect((await as("acme-read", "acme")).status).toBe(403)
    expect((await as("acme-all", "acme-2")).status).toBe(403)
    expect((await as("acme-all", "nobody")).status).toBe(403)
    expect((await as("admin", "nobody")).status).toBe(404)
    expect(await web.house.ledger.companies()).toHaveLength(2)
  })

  it("ends the streams of those who listen", async () => {
    const web = await inhabited()
    const stream = await web.fetch("GET", "/sessions/acme/events")
    const other = await web.fetch("GET", "/sessions/acme-2/events")
    await erase(web)
    expect(await stream.text()).toContain("retry")
    expect(web.house.lines.events.subscribers("acme")).toBe(0)
    expect(web.house.lines.events.subscribers("acme-2")).toBe(1)
    await other.body?.cancel()
  })

  /** Erases while a message is being received whose chat is being read; gives what is there when all have finished. */
  async function eraseBeside(options: { readonly lateWritesIn?: boolean }): Promise<string[]> {
    let slow = false
    let letGo = (): void => undefined
    const ledger = createMemoryLedger()
    const web = await inhabited(
      {
        ...ledger,
        async get(company, table, keys) {
          if (slow && table === "person") await new Promise<void>((resolve) => (letGo = resolve))
          return ledger.get(company, table, keys)
        },
      },
      options,
    )
    web.house.provider.policy = () => "hold"
    const line = web.house.provider.line("acme")
    const sending = web.house.send("acme", { message: "under way" }).catch(() => undefined)
    await web.house.clock.settle()
    slow = true
    const received = line.input.intake
      .message({
        chat: { kind: "person", phone: "79005550000", lid: null },
        sender: { phone: "79005550000", lid: null },
        fromMe: false,
        wireId: "LATE",
        at: web.house.clock.now(),
        pushName: null,
        content: { type: "text", text: "late" },
        wire: new Uint8Array(),
        offline: false,
      })
      .catch(() => undefined)
    await web.house.clock.settle()
    // Longer than what is under way gets to come to its end.
    expect((await erase(web, "acme", 60_000)).status).toBe(200)
    letGo()
    await received
    await web.house.clock.advance(60_000)
    await sending
    return Object.keys(await everything(web)).filter((name) => name.endsWith(" acme"))
  }

  it("lets nothing in of what was still under way, neither sends nor what was being received", async () => {
    expect(await eraseBeside({})).toEqual([])
  })

  it("would come back half if that were let in", async () => {
    expect(await eraseBeside({ lateWritesIn: true })).toEqual(["ledger acme"])
  })

  it("is refused, with everything as it was, for a line that another process runs", async () => {
    const web = await inhabited()
    // From now on the store is one that others reach as well.
    Object.assign(web.house.stores.get("files") ?? {}, { claims: { claim: async () => undefined } })
    const next = webOf(await web.house.reopen("stop"))
    // All but the house's own count of claims.
    const image = async () => ({ ...(await everything(next)), "ledger ": undefined })
    const before = await image()
    expect(await erase(next)).toMatchObject({ status: 409, json: { error: { code: "SESSION_OWNED_ELSEWHERE" } } })
    expect(await image()).toEqual(before)
    expect((await next.call("GET", "/companies/acme")).status).toBe(200)
  })

  it("waits for a move to end", async () => {
    const web = await inhabited()
    let wake = (): void => undefined
    const held = new Promise<void>((resolve) => (wake = resolve))
    const driver = web.house.stores.get("archive")?.driver
    const commit = driver?.commit
    sabotage(web, "archive", {
      async commit(company, writes, fence) {
        await held
        return commit?.(company, writes, fence)
      },
    })
    const put = web.call("PUT", "/companies/acme", { storage: "archive" })
    await web.house.clock.advance(100)
    expect((await put).status).toBe(202)
    expect(await erase(web)).toMatchObject({ status: 409, json: { error: { code: "MOVE_UNDER_WAY" } } })
    wake()
    await web.house.clock.advance(1_000)
    expect((await erase(web)).status).toBe(200)
    expect(Object.keys(await everything(web)).filter((name) => name.endsWith(" acme"))).toEqual([])
  })
})

describe("an erasure that cannot be finished at once", () => {
  it("answers 202 when the store is away, and is finished once it is back; nothing comes back meanwhile", async () => {
    const web = await inhabited()
    const back = sabotage(web, "files", { erase: away, commit: away })
    const { status, json } = await erase(web, "acme", 30_000)
    expect(status).toBe(202)
    expect(json.data).toEqual({ companyId: "acme", erased: false, unlinked: true, pending: ["files"] })
    expect((await web.call("GET", "/companies/acme")).status).toBe(404)
    const begun = web.call("POST", "/sessions/acme/initialize", {})
    await web.house.clock.advance(31_000)
    expect(await begun).toMatchObject({ status: 503, json: { error: { code: "STORAGE_UNAVAILABLE" } } })
    expect((await web.call("PUT", "/companies/acme", { name: "Again" })).status).toBe(503)
    expect(await web.house.ledger.companies()).toEqual(["acme-2"])
    back()
    web.house.lines.start()
    await web.house.clock.advance(web.house.settings.cleanupIntervalMs + 1_000)
    expect(text(await everything(web)).replaceAll("acme-2", "")).not.toContain("acme")
    await web.house.connect("acme")
    expect((await web.call("GET", "/companies/acme")).status).toBe(200)
  })

  it("does not hang on a store that hangs", async () => {
    const web = await inhabited()
    let wake = (): void => undefined
    const hang = new Promise<void>((resolve) => (wake = resolve))
    const driver = web.house.stores.get("files")?.driver
    const real = driver?.erase
    const back = sabotage(web, "files", {
      async erase(company, fence) {
        await hang
        return real?.(company, fence)
      },
    })
    expect(await erase(web, "acme", 40_000)).toMatchObject({ status: 202, json: { data: { pending: ["files"] } } })
    back()
    wake()
    web.house.lines.start()
    await web.house.clock.advance(web.house.settings.cleanupIntervalMs * 2)
    expect(text(await everything(web)).replaceAll("acme-2", "")).not.toContain("acme")
  })

  it("begins nothing when it cannot be put on record", async () => {
    let failing = false
    const ledger = createMemoryLedger()
    const web = await inhabited({
      ...ledger,
      async commit(company, ops) {
        if (failing) throw appError("STORAGE_UNAVAILABLE")
        return ledger.commit(company, ops)
      },
    })
    failing = true
    expect((await erase(web)).status).toBe(503)
    failing = false
    expect((await web.call("GET", "/companies/acme")).status).toBe(200)
    expect(web.house.provider.line("acme").loggedOut).toBe(false)
  })

  for (const step of ["traces", "ledger", "store"] as const) {
    it(`is finished by the next start when the process ends before it has erased the ${step}`, async () => {
      const ledger = createMemoryLedger()
      let stuck = true
      const never = new Promise<never>(() => undefined)
      const held: Ledger = {
        ...ledger,
        async commit(company, ops) {
          if (
            stuck &&
            step === "traces" &&
            company === "" &&
            ops.some(({ op, table }) => op === "delete" && table === "batch")
          )
            return never
          return ledger.commit(company, ops)
        },
        async erase(company) {
          if (stuck && step === "ledger") return never
          return ledger.erase(company)
        },
      }
      const web = await inhabited(ledger, { wrap: () => held })
      const back = step === "store" ? sabotage(web, "files", { erase: () => never }) : () => undefined
      void web.call("DELETE", "/companies/acme")
      await web.house.clock.advance(5_000)
      stuck = false
      back()
      const next = await web.house.reopen("kill")
      expect(text(await everything(webOf(next)))).toContain('"acme"')
      next.lines.start()
      await next.clock.advance(1_000)
      expect(text(await everything(webOf(next))).replaceAll("acme-2", "")).not.toContain("acme")
      expect(next.provider.connections.map(({ company }) => company)).toEqual(["acme-2"])
    })
  }
})
