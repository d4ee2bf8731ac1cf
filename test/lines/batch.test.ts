import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import type { Ledger, Op } from "../../core/ledger.ts"
import type { Principal } from "../../core/types.ts"
import type { House, HouseOptions } from "./house.ts"
import { callOf } from "./house.ts"
import { keys, openWeb, type Web } from "./web.ts"

const PATH = "/send/batch"
const admin = keys.admin as Principal
const phoneOf = (index: number): string => `7900${String(1_000_000 + index)}`
const texts = (count: number): { phone: string; message: string }[] =>
  Array.from({ length: count }, (_, index) => ({ phone: phoneOf(index), message: `text ${index}` }))

const connectedWeb = async (options?: HouseOptions): Promise<Web> => {
  const web = openWeb(options)
  await web.house.connect("acme")
  return web
}

const send = (web: Web, messages: unknown, headers: Record<string, string> = {}, companyId = "acme") =>
  web.call("POST", PATH, { companyId, messages }, headers)

/** The line has lost WhatsApp and tries again later. */
const cut = async ({ provider, clock }: House): Promise<void> => {
  provider.line("acme").end("unreachable")
  await clock.settle()
}

const comeBack = async ({ provider, clock }: House): Promise<void> => {
  await clock.advance(60_000)
  await provider.line("acme").open()
  await clock.settle()
}

const bodies = (house: House): string[] =>
  house.provider.connections.flatMap(({ sent }) => sent.map(({ wire }) => new TextDecoder().decode(wire)))

describe("POST /send/batch", () => {
  it("stores what is accepted, names what is refused, and sends each message once", async () => {
    const web = await connectedWeb()
    const messages = [
      { phone: "+7 900 100-00-00", message: "one" },
      { phone: "abc", message: "two" },
      { phone: phoneOf(1), message: "" },
      { to: `${phoneOf(2)}@s.whatsapp.net`, message: "four" },
      { phone: "abc" },
      "no message",
      { companyId: "other", phone: phoneOf(3), message: "x" },
      { companyId: "acme", phone: phoneOf(3), message: "eight" },
      { phone: phoneOf(4), type: "image", media: { url: "https://files.example/a.png" } },
    ]
    const { status, json } = await send(web, messages)
    expect(status).toBe(202)
    expect(json.data).toMatchObject({
      batchId: expect.stringMatching(/^bat_[0-9a-f]{24}$/),
      accepted: 3,
      rejected: [
        { index: 1, error: { code: "INVALID_PHONE", isRetryable: false, details: [{ path: "phone" }] } },
        { index: 2, error: { code: "INVALID_MESSAGE" } },
        { index: 4, error: { code: "VALIDATION_ERROR" } },
        { index: 5, error: { code: "VALIDATION_ERROR" } },
        { index: 6, error: { code: "VALIDATION_ERROR", details: [{ path: "companyId" }] } },
        { index: 8, error: { code: "NOT_SUPPORTED" } },
      ],
    })
    await web.house.clock.settle()
    expect(bodies(web.house)).toEqual(["one", "four", "eight"])
  })

  it("keeps the order within each chat, over many commits", async () => {
    const web = await connectedWeb()
    const messages = Array.from({ length: 1_000 }, (_, index) => ({ phone: phoneOf(index % 3), message: `${index}` }))
    expect((await send(web, messages)).json.data).toMatchObject({ accepted: 1_000, rejected: [] })
    await web.house.clock.settle()
    const sent = bodies(web.house).map(Number)
    expect(sent).toHaveLength(1_000)
    for (const chat of [0, 1, 2]) {
      const own = sent.filter((index) => index % 3 === chat)
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
  })

  it("stores a thousand messages to a thousand people in a handful of commits", async () => {
    let commits = 0
    const counted = (ledger: Ledger): Ledger => ({
      ...ledger,
      commit: (company, ops) => {
        commits++
        return ledger.commit(company, ops)
      },
    })
    const web = await connectedWeb({ wrap: counted })
    await cut(web.house)
    commits = 0
    expect((await send(web, texts(1_000))).json.data).toMatchObject({ accepted: 1_000 })
    expect(commits).toBeLessThanOrEqual(8)
  })

  it("takes a body larger than an ordinary one may be", async () => {
    const web = await connectedWeb()
    const long = "x".repeat(60_000)
    const messages = texts(30).map((one) => ({ ...one, message: long }))
    expect(await send(web, messages)).toMatchObject({ status: 202, json: { data: { accepted: 30 } } })
  })

  it("takes 1 to 1,000 messages", async () => {
    const web = await connectedWeb()
    for (const messages of [[], texts(1_001), undefined, "x", { 0: texts(1)[0] }]) {
      expect(await send(web, messages)).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    }
  })

  it("refuses the whole of it when there is no session, and stores nothing", async () => {
    const web = openWeb()
    expect(await send(web, texts(3))).toMatchObject({
      status: 409,
      json: { error: { code: "NO_ACTIVE_SESSION", message: "No active session for company" } },
    })
    expect((await web.call("GET", "/messages/acme")).json.data).toEqual([])
    expect((await send(web, texts(3), { "x-api-key": "acme-read" })).status).toBe(403)
    expect((await send(web, texts(3), { "x-api-key": "acme-all" }, "other")).status).toBe(403)
  })

  it("asks those who block for every message", async () => {
    const web = await connectedWeb({
      hooks: (hooks) =>
        hooks.add("blocking", "message:block", ({ person }) =>
          person.phone === phoneOf(1) ? { refused: true, error: appError("FORBIDDEN") } : undefined,
        ),
    })
    const { json } = await send(web, texts(3))
    expect(json.data).toMatchObject({ accepted: 2, rejected: [{ index: 1, error: { code: "FORBIDDEN" } }] })
    await web.house.clock.settle()
    expect(bodies(web.house)).toEqual(["text 0", "text 2"])
  })

  it("gives the first answer again under an Idempotency-Key, and sends nothing twice", async () => {
    const web = await connectedWeb()
    const messages = [...texts(2), { phone: "abc", message: "x" }]
    const first = await send(web, messages, { "idempotency-key": "k" })
    const again = await send(web, messages, { "idempotency-key": "k" })
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"])
    expect(again.json).toEqual(first.json)
    expect(await send(web, texts(1), { "idempotency-key": "k" })).toMatchObject({ status: 422 })
    const single = { companyId: "acme", ...texts(1)[0] }
    expect(await web.call("POST", "/send", single, { "idempotency-key": "k" })).toMatchObject({ status: 422 })
    await web.house.clock.settle()
    expect(bodies(web.house)).toHaveLength(2)
  })

  it("stores messages to one person under two names, too", async () => {
    const web = await connectedWeb()
    await web.house.lines.chats.pair("acme", [{ phone: phoneOf(0), lid: "123456789012345" }])
    const messages = [
      { phone: phoneOf(0), message: "one" },
      { to: "123456789012345@lid", message: "two" },
      { phone: phoneOf(1), message: "three" },
    ]
    expect((await send(web, messages)).json.data).toMatchObject({ accepted: 3, rejected: [] })
    await web.house.clock.settle()
    expect(bodies(web.house).sort()).toEqual(["one", "three", "two"])
    const list = (await web.call("GET", "/messages/acme")).json.data as unknown as { chatId: string }[]
    expect(new Set(list.map(({ chatId }) => chatId)).size).toBe(2)
  })

  it("says which messages could not be stored, and none of those goes out", async () => {
    let left = Number.POSITIVE_INFINITY
    const failing = (ledger: Ledger): Ledger => ({
      ...ledger,
      commit: (company, ops) => {
        const stores = ops.some((op) => op.op === "putIfAbsent" && op.table === "message")
        return stores && left-- <= 0 ? Promise.reject(new Error("disk")) : ledger.commit(company, ops)
      },
    })
    const web = await connectedWeb({ wrap: failing })
    left = 1
    const { json } = await send(web, texts(250), { "idempotency-key": "k" })
    expect(json.data).toMatchObject({ accepted: 200 })
    const rejected = json.data.rejected as { index: number; error: { code: string; isRetryable: boolean } }[]
    expect(rejected.map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, at) => 200 + at))
    expect(rejected[0]?.error).toMatchObject({ code: "STORAGE_UNAVAILABLE", isRetryable: true })
    await web.house.clock.settle()
    expect(bodies(web.house)).toHaveLength(200)
    expect((await send(web, texts(250), { "idempotency-key": "k" })).json).toEqual(json)
    left = 0
    expect(await send(web, texts(2))).toMatchObject({ status: 503, json: { error: { code: "STORAGE_UNAVAILABLE" } } })
  })
})

describe("GET /send/batch/{batchId}", () => {
  it("counts the messages by what has become of them, also after a restart", async () => {
    const web = await connectedWeb()
    web.house.provider.policy = (message) =>
      new TextDecoder().decode(message.wire) === "text 1"
        ? { outcome: "refused", code: "479", reason: "no" }
        : { outcome: "acknowledged", at: web.house.clock.now() }
    const { json } = await send(web, [...texts(3), { phone: "abc", message: "x" }])
    await web.house.clock.settle()
    const { batchId, rejected } = json.data
    const counts = { queued: 0, sent: 2, delivered: 0, read: 0, failed: 1, unknown: 0 }
    const told = await web.call("GET", `${PATH}/${String(batchId)}`, undefined, { "x-api-key": "acme-all" })
    expect(told.json.data).toEqual({
      batchId,
      companyId: "acme",
      createdAt: expect.stringMatching(/Z$/),
      accepted: 3,
      rejected,
      counts,
      done: true,
    })
    const next = await web.house.reopen("kill")
    expect(await next.lines.batches.progress(admin, String(batchId))).toEqual(told.json.data)
  })

  it("knows no batch of another company, and none that never was", async () => {
    const web = await connectedWeb()
    await web.house.connect("other")
    const { json } = await send(web, texts(1), {}, "other")
    const id = String(json.data.batchId)
    for (const method of ["GET", "DELETE"]) {
      for (const [batch, key] of [
        [id, "acme-all"],
        [`bat_${"0".repeat(24)}`, "admin"],
        ["x", "admin"],
        ["bat_%00", "admin"],
      ]) {
        const answer = await web.call(method, `${PATH}/${batch}`, undefined, { "x-api-key": key ?? "" })
        expect(answer).toMatchObject({ status: 404, json: { error: { code: "NOT_FOUND" } } })
      }
    }
    expect((await web.call("GET", `${PATH}/${id}`)).status).toBe(200)
    expect((await web.call("GET", `${PATH}/${id}`, undefined, { "x-api-key": "acme-read" })).status).toBe(403)
  })

  it("is forgotten after a month, and its messages are not", async () => {
    const web = await connectedWeb()
    const id = String((await send(web, texts(1))).json.data.batchId)
    await web.house.clock.settle()
    await web.house.lines.batches.sweep()
    expect((await web.call("GET", `${PATH}/${id}`)).status).toBe(200)
    await web.house.clock.advance(32 * 24 * 60 * 60 * 1000)
    await web.house.lines.batches.sweep()
    expect((await web.call("GET", `${PATH}/${id}`)).status).toBe(404)
    expect((await web.call("GET", "/messages/acme")).json.data).toHaveLength(1)
  })
})

describe("DELETE /send/batch/{batchId}", () => {
  it("fails what has not gone, which then never goes", async () => {
    const web = await connectedWeb()
    await cut(web.house)
    const single = { companyId: "acme", phone: phoneOf(0), message: "not of the batch" }
    expect((await web.call("POST", "/send", single)).status).toBe(202)
    const id = String((await send(web, texts(120))).json.data.batchId)
    const stopped = await web.call("DELETE", `${PATH}/${id}`, undefined, { "x-api-key": "acme-all" })
    expect(stopped).toMatchObject({
      status: 200,
      json: { data: { stopped: 120, accepted: 120, counts: { queued: 0, failed: 120 }, done: true } },
    })
    const [message] = (await web.call("GET", "/messages/acme?status=failed&limit=1")).json.data as unknown as unknown[]
    expect(message).toMatchObject({ status: "failed", error: { code: "CANCELLED" } })
    expect((await web.house.events("acme")).filter(({ type }) => type === "message.failed")).toHaveLength(120)
    await comeBack(web.house)
    expect(bodies(web.house)).toEqual(["not of the batch"])
    expect((await web.call("DELETE", `${PATH}/${id}`)).json.data).toMatchObject({ stopped: 0 })
  })

  it("takes waiting messages out of a line that is sending, and leaves alone what is on its way", async () => {
    const web = await connectedWeb()
    const { house } = web
    house.provider.policy = () => "hold"
    const id = String((await send(web, texts(100))).json.data.batchId)
    await house.clock.settle()
    const line = house.provider.line("acme")
    const underWay = line.held.length
    expect(underWay).toBeGreaterThan(0)
    expect((await web.call("DELETE", `${PATH}/${id}`)).json.data).toMatchObject({
      stopped: 100 - underWay,
      counts: { queued: underWay, failed: 100 - underWay },
      done: false,
    })
    for (const messageId of line.held) line.answer(messageId, { outcome: "acknowledged", at: house.clock.now() })
    await house.clock.settle()
    expect(line.sent).toHaveLength(underWay)
    expect((await web.call("GET", `${PATH}/${id}`)).json.data).toMatchObject({
      counts: { queued: 0, sent: underWay, failed: 100 - underWay },
      done: true,
    })
  })

  /** A batch of which some messages were on their way when the process was killed: what is stopped, and what goes out. */
  const stopAfterKill = async (options: HouseOptions) => {
    const web = await connectedWeb(options)
    web.house.provider.policy = () => "hold"
    const id = String((await send(web, texts(60))).json.data.batchId)
    await web.house.clock.settle()
    const gone = web.house.provider.line("acme").sent.map((message) => message.id)
    expect(gone.length).toBeGreaterThan(0)
    const next = await web.house.reopen("kill")
    const told = await next.lines.batches.stop(admin, id)
    const rows = await next.lines.messages.get("acme", gone)
    const wronged = rows.filter((found) => found?.row.status === "failed").length
    next.lines.start()
    await next.clock.advance(1_000)
    await next.provider.line("acme").open()
    await next.clock.settle()
    return { told, gone, wronged, resent: next.provider.line("acme").sent.map((message) => message.id) }
  }

  it("stops after a kill what had never been tried; what may have gone out goes again under its id", async () => {
    const { told, gone, wronged, resent } = await stopAfterKill({})
    expect(told).toMatchObject({ stopped: 60 - gone.length, counts: { queued: gone.length } })
    expect(wronged).toBe(0)
    expect([...resent].sort()).toEqual([...gone].sort())
  })

  it("would fail messages that have gone out if their tries were not on record", async () => {
    const isMark = (op: Op): boolean => op.op === "putIfVersion" && op.table === "outbox"
    const forgetful = (ledger: Ledger): Ledger => ({
      ...ledger,
      commit: async (company, ops) => (ops.every(isMark) ? { ok: true, positions: [] } : ledger.commit(company, ops)),
    })
    const { gone, wronged } = await stopAfterKill({ wrap: forgetful })
    expect(wronged).toBe(gone.length)
  })

  it("survives a kill: what was stopped stays stopped, what was accepted goes out", async () => {
    const web = await connectedWeb()
    await cut(web.house)
    const stopped = String((await send(web, texts(5))).json.data.batchId)
    await web.call("DELETE", `${PATH}/${stopped}`)
    await send(
      web,
      texts(250).map((one) => ({ ...one, message: "kept" })),
    )
    const next = await web.house.reopen("kill")
    next.lines.start()
    await next.clock.advance(1_000)
    await next.provider.line("acme").open()
    await next.clock.settle()
    expect(bodies(next)).toHaveLength(250)
    expect(new Set(bodies(next))).toEqual(new Set(["kept"]))
  })

  it("and a try that begin at the same moment never both win", async () => {
    const web = await connectedWeb()
    const { house } = web
    await cut(house)
    const id = String((await send(web, texts(200))).json.data.batchId)
    const back = comeBack(house)
    const stopped = await house.lines.batches.stop(callOf("acme").principal, id)
    await back
    await house.clock.settle()
    const sent = bodies(house).length
    expect(sent + Number(stopped.stopped)).toBe(200)
  })
})
