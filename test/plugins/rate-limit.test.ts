import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import type { Hold, HoldContext } from "../../core/plugin.ts"
import type { Ledger } from "../../core/ledger.ts"
import rateLimit from "../../plugins/rate-limit/index.ts"
import type { Answer } from "../lines/web.ts"
import { openPluginLines, type PluginLines, type PluginLinesOptions } from "./on-lines.ts"

const phoneOf = (index: number): string => `7900${String(1_000_000 + index)}`

const connected = async (
  config: Readonly<Record<string, unknown>> = {},
  more: Partial<PluginLinesOptions> = {},
): Promise<PluginLines> => {
  const web = await openPluginLines({ ...more, plugins: [[rateLimit, config]] })
  await web.house.connect("acme")
  return web
}

const send = (web: PluginLines, index = 0, headers: Record<string, string> = {}, more = {}): Promise<Answer> =>
  web.call("POST", "/send", { companyId: "acme", phone: phoneOf(index), message: `text ${index}`, ...more }, headers)
const batch = (web: PluginLines, count: number, from = 0): Promise<Answer> =>
  web.call("POST", "/send/batch", {
    companyId: "acme",
    messages: Array.from({ length: count }, (_, at) => ({ phone: phoneOf(from + at), message: `text ${from + at}` })),
  })
const sentBy = ({ house }: PluginLines): number =>
  house.provider.connections.reduce((sum, { sent }) => sum + sent.length, 0)
const statuses = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
const remaining = ({ headers }: Answer): number => Number(/;r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1])

describe("a send beyond the limit", () => {
  it("is one of those that are left when exactly 100 of 1,000 at once have passed a limit of 100", async () => {
    const web = await connected()
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, index) => send(web, index)))
    expect(statuses(answers)).toEqual({ 200: 100, 429: 900 })
    expect(sentBy(web)).toBe(100)
  })

  it("is told so, when to come again, and where it stands", async () => {
    const web = await connected({ perCompany: 2, windowMs: 60_000 })
    const first = await send(web)
    expect(first.status).toBe(200)
    expect(first.headers.get("ratelimit-policy")).toBe('"messages";q=2;w=60')
    expect(first.headers.get("ratelimit")).toBe('"messages";r=1;t=60')
    expect(first.headers.get("retry-after")).toBeNull()
    await web.house.clock.advance(20_500)
    await send(web, 1)
    await web.house.clock.advance(1_000)
    const refused = await send(web, 2)
    expect(refused).toMatchObject({
      status: 429,
      json: {
        success: false,
        error: { code: "RATE_LIMIT_EXCEEDED", message: "Rate limit exceeded", isRetryable: true, retryAfter: 39 },
      },
    })
    expect(refused.headers.get("retry-after")).toBe("39")
    expect(refused.headers.get("ratelimit-policy")).toBe('"messages";q=2;w=60')
    expect(refused.headers.get("ratelimit")).toBe('"messages";r=0;t=59')
    await web.house.clock.advance(39_000)
    expect((await send(web, 3)).status).toBe(200)
  })

  it("is refused to its own company alone", async () => {
    const web = await connected({ perCompany: 1 })
    await web.house.connect("other")
    expect((await send(web)).status).toBe(200)
    expect((await send(web)).status).toBe(429)
    expect((await send(web, 0, {}, { companyId: "other" })).status).toBe(200)
  })
})

describe("what is refused costs nothing", () => {
  const left = async (web: PluginLines): Promise<number> => remaining(await send(web, 99))

  it("for a fault of the message, for want of a session, and for a repeated Idempotency-Key", async () => {
    const web = await connected({ perCompany: 10 })
    expect((await send(web, 0, {}, { phone: "abc" })).status).toBe(400)
    expect((await send(web, 0, {}, { companyId: "nobody" })).status).toBe(409)
    const key = { "idempotency-key": "k" }
    expect(remaining(await send(web, 0, key))).toBe(9)
    const again = await send(web, 0, key)
    expect([again.headers.get("idempotency-replayed"), again.headers.get("ratelimit")]).toEqual(["true", null])
    expect((await send(web, 1, key)).status).toBe(422)
    expect(await left(web)).toBe(8)
  })

  it("when a plugin refuses it later than the limit", async () => {
    const web = await connected({ perCompany: 10 })
    web.house.hooks.add("last", "message:limit", ({ message }) =>
      message.content.type === "text" && message.content.text === "no"
        ? { refused: true, error: appError("FORBIDDEN") }
        : undefined,
    )
    for (let at = 0; at < 20; at++) expect((await send(web, at, {}, { message: "no" })).status).toBe(403)
    expect(await left(web)).toBe(9)
  })

  it("when it cannot be stored", async () => {
    let broken = false
    const wrap = (ledger: Ledger): Ledger => ({
      ...ledger,
      commit: (company, ops) =>
        broken && ops.some(({ table }) => table === "outbox")
          ? Promise.reject(new Error("The disk is full"))
          : ledger.commit(company, ops),
    })
    const web = await connected({ perCompany: 10 }, { wrap })
    broken = true
    for (let at = 0; at < 20; at++) expect((await send(web, at)).status).toBe(503)
    broken = false
    expect(await left(web)).toBe(9)
  })

  it("and what comes after it stays counted for as long as it would have been", async () => {
    const web = await connected({ perCompany: 2, windowMs: 10_000 })
    web.house.hooks.add("last", "message:limit", async ({ message }) => {
      if (message.content.type !== "text" || message.content.text !== "no") return undefined
      await web.house.clock.sleep(1_000)
      return { refused: true, error: appError("FORBIDDEN") }
    })
    const refused = send(web, 0, {}, { message: "no" })
    await web.house.clock.advance(500)
    expect((await send(web, 1)).status).toBe(200)
    await web.house.clock.advance(500)
    expect((await refused).status).toBe(403)
    expect((await send(web, 2)).status).toBe(200)
    await web.house.clock.advance(9_400)
    // The stamp that was given back was the older one; it is not the younger one that has gone in its place.
    expect((await send(web, 3)).status).toBe(429)
    await web.house.clock.advance(100)
    expect((await send(web, 3)).status).toBe(200)
  })
})

describe("a company's own limit", () => {
  const put = (web: PluginLines, rateLimit: unknown, key = "admin"): Promise<Answer> =>
    web.call("PUT", "/companies/acme", { rateLimit }, { "x-api-key": key })

  it("stands in the place of the server's, higher or lower, until it is taken away", async () => {
    const web = await connected({ perCompany: 3 })
    expect((await put(web, 5)).json.data).toMatchObject({ rateLimit: 5 })
    expect((await send(web)).headers.get("ratelimit-policy")).toBe('"messages";q=5;w=60')
    expect((await put(web, { limit: 1, windowMs: 5_000 })).status).toBe(200)
    const refused = await send(web)
    expect([refused.status, refused.headers.get("ratelimit-policy")]).toEqual([429, '"messages";q=1;w=5'])
    await put(web, { limit: 1_000 })
    expect((await send(web)).headers.get("ratelimit-policy")).toBe('"messages";q=1000;w=60')
    await put(web, null)
    expect((await send(web)).headers.get("ratelimit-policy")).toBe('"messages";q=3;w=60')
  })

  it.each([0, -1, 1.5, "many", 1_000_001, {}, { limit: 0 }, { limit: 1, windowMs: 0 }, { limit: 1, more: 1 }, [5]])(
    "is not %j",
    async (value) => {
      const web = await connected()
      expect(await put(web, value)).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    },
  )

  it("is set by the admin key alone: a company's key may send back what is there, and nothing else", async () => {
    const web = await connected({ perCompany: 3 })
    await put(web, 2)
    for (const value of [3, 1, null, { limit: 2 }]) {
      expect(await put(web, value, "acme-all")).toMatchObject({ status: 403, json: { error: { code: "FORBIDDEN" } } })
    }
    const shown = (await web.call("GET", "/companies/acme")).json.data
    const back = await web.call("PUT", "/companies/acme", { ...shown, name: "Acme" }, { "x-api-key": "acme-all" })
    expect([back.status, back.json.data.rateLimit, back.json.data.name]).toEqual([200, 2, "Acme"])
  })
})

describe("a batch", () => {
  it("is not refused: each message goes when there is room, and no window holds more than the limit", async () => {
    const web = await connected({ perCompany: 100 })
    const answer = await batch(web, 350)
    expect(answer).toMatchObject({ status: 202, json: { data: { accepted: 350, rejected: [] } } })
    await web.house.clock.settle()
    expect(sentBy(web)).toBe(100)
    for (const [ms, sent] of [
      [59_000, 100],
      [1_000, 200],
      [59_000, 200],
      [1_000, 300],
      [60_000, 350],
    ] as const) {
      await web.house.clock.advance(ms)
      expect(sentBy(web)).toBe(sent)
    }
  })

  it("wakes up only when there is room: who waits is asked once, then no oftener than messages go", async () => {
    let asked = 0
    const web = await connected({ perCompany: 100 })
    web.house.hooks.add("counter", "outbox:hold", (hold: Hold) => (asked++, hold))
    await batch(web, 1_000)
    await web.house.clock.settle()
    const first = asked
    expect(first).toBeLessThanOrEqual(1_000)
    await web.house.clock.advance(59_000)
    expect(asked).toBe(first)
    await web.house.clock.advance(541_000)
    expect(sentBy(web)).toBe(1_000)
    // One for each that goes, and one each time that the window is full again.
    expect(asked - first).toBeLessThanOrEqual(900 + 9 + 9)
  })

  it("shares the window with single sends: after the first refusal there is room for them", async () => {
    const web = await connected({ perCompany: 20, windowMs: 10_000 })
    await batch(web, 1_000)
    await web.house.clock.settle()
    const answers: Answer[] = []
    for (let at = 0; at < 120; at++) {
      answers.push(await send(web, 2_000 + at))
      await web.house.clock.advance(1_000)
    }
    const late = answers.slice(20)
    expect(late.filter(({ status }) => status === 200).length).toBeGreaterThan(late.length * 0.8)
    // And the batch goes on beside them: twelve windows of twenty, half of which at least are the batch's.
    expect(sentBy(web)).toBeGreaterThan(200)
    expect(sentBy(web)).toBeLessThanOrEqual(13 * 20)
  })

  it("does not use up a single send's stamp again when it is tried anew, nor its own within the window", async () => {
    const web = await connected({ perCompany: 2, windowMs: 120_000 })
    web.house.provider.policy = () => ({ outcome: "unknown", cause: new Error("No answer") })
    await batch(web, 1)
    await web.house.clock.advance(100_000)
    expect(sentBy(web)).toBeGreaterThanOrEqual(3)
    web.house.provider.policy = () => ({ outcome: "acknowledged", at: web.house.clock.now() })
    expect(remaining(await send(web, 5))).toBe(0)
  })

  it("gives the stamp back when the connection was gone before the message went", async () => {
    const web = await connected({ perCompany: 2, windowMs: 600_000 })
    web.house.provider.policy = () => ({ outcome: "not-sent", cause: new Error("Gone") })
    await batch(web, 1)
    await web.house.clock.advance(30_000)
    web.house.provider.policy = () => ({ outcome: "acknowledged", at: web.house.clock.now() })
    expect(remaining(await send(web, 5))).toBe(1)
  })

  it("tells of each waiting message why, and until when", async () => {
    const web = await connected({ perCompany: 1 })
    await batch(web, 2)
    await web.house.clock.settle()
    const { data } = (await web.call("GET", "/messages/acme")).json as unknown as { data: Record<string, unknown>[] }
    const until = new Date(web.house.clock.now() + 60_000).toISOString()
    const shown = data.map(({ status, held }) => ({ status, held }))
    expect(shown).toContainEqual({ status: "sent", held: null })
    expect(shown).toContainEqual({ status: "queued", held: { reason: "rate-limit", until } })
    const waiting = data.find(({ status }) => status === "queued")
    const one = await web.call("GET", `/messages/acme/${String(waiting?.messageId)}`)
    expect(one.json.data.held).toEqual({ reason: "rate-limit", until })
  })

  it("lets a message that waits too long expire", async () => {
    const web = await connected({ perCompany: 1 })
    const messages = [1, 2, 3].map((at) => ({ phone: phoneOf(at), message: "x", ...(at === 2 ? { ttl: 30 } : {}) }))
    const { json } = await web.call("POST", "/send/batch", { companyId: "acme", messages })
    await web.house.clock.settle()
    await web.house.clock.advance(61_000)
    expect(sentBy(web)).toBe(2)
    const { batchId } = json.data
    expect((await web.call("GET", `/send/batch/${String(batchId)}`)).json.data).toMatchObject({
      counts: { failed: 1, sent: 2 },
    })
  })

  it("takes no stamp for a message that another plugin holds back", async () => {
    const contexts: HoldContext[] = []
    const web = await connected({ perCompany: 5 })
    const until = web.house.clock.now() + 3_600_000
    web.house.hooks.add("later", "outbox:hold", (hold, context) => {
      contexts.push(context)
      return context.message.phone === phoneOf(0) ? { notBefore: until, reason: "later" } : hold
    })
    await batch(web, 3)
    await web.house.clock.settle()
    // The one that another holds has given its stamp back.
    expect(remaining(await send(web, 9))).toBe(2)
    expect(contexts.map(({ batched }) => batched)).toContain(true)
  })
})
