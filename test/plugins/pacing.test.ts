import { describe, expect, it } from "vitest"
import pacing from "../../plugins/pacing/index.ts"
import type { Answer } from "../lines/web.ts"
import { openPluginLines, type PluginLines } from "./on-lines.ts"
import { theBuiltIn } from "../support/built-in.ts"

const phoneOf = (index: number): string => `7900${String(1_000_000 + index)}`
/** Nothing holds but what a test adds. */
const NOTHING = {
  enabled: true,
  intervalMs: 0,
  jitter: 0,
  dailyCap: 0,
  firstContacts: 0,
  recipientSpacingMs: 0,
}
const HOUR = 3_600_000
const DAY = 24 * HOUR

const connected = async (config: Readonly<Record<string, unknown>>): Promise<PluginLines> => {
  const web = await openPluginLines({ plugins: [[pacing, { ...NOTHING, ...config }]] })
  await web.house.connect("acme")
  return web
}

const queue = async (web: PluginLines, index: number, more: Record<string, unknown> = {}): Promise<Answer> => {
  const answer = await web.call(
    "POST",
    "/send",
    { companyId: "acme", phone: phoneOf(index), message: `text ${index}`, ttl: 30 * 86_400, ...more },
    { prefer: "respond-async" },
  )
  expect(answer.status).toBe(202)
  await web.house.clock.settle()
  return answer
}
const sent = ({ house }: PluginLines): string[] =>
  house.provider.connections.flatMap(({ sent: all }) => all.map(({ wire }) => new TextDecoder().decode(wire)))
const heldOf = async (web: PluginLines, answer: Answer): Promise<unknown> =>
  (await web.call("GET", `/messages/acme/${String(answer.json.data.messageId)}`)).json.data.held
const iso = (time: number): string => new Date(time).toISOString()
const hear = async (web: PluginLines, index: number, at = web.house.clock.now()): Promise<void> => {
  const person = { phone: phoneOf(index), lid: null }
  await web.house.provider.line("acme").input.intake.message({
    chat: { kind: "person", ...person },
    sender: person,
    fromMe: false,
    wireId: `IN${index}${at}`,
    at,
    pushName: null,
    content: { type: "text", text: "hello" },
    wire: new Uint8Array(),
    offline: false,
  })
  await web.house.clock.settle()
}

describe("pacing", () => {
  it("is off unless it is switched on", async () => {
    const web = await openPluginLines({ plugins: [[pacing, {}]] })
    await web.house.connect("acme")
    for (let at = 0; at < 30; at++) await queue(web, at)
    expect(sent(web)).toHaveLength(30)
  })

  it("lets messages go one after another, no sooner than the interval and no later than the jitter allows", async () => {
    const web = await connected({ intervalMs: 10_000, jitter: 0.5 })
    const times: number[] = []
    web.house.provider.policy = () => {
      times.push(web.house.clock.now())
      return { outcome: "acknowledged", at: web.house.clock.now() }
    }
    for (let at = 0; at < 20; at++) await queue(web, at)
    expect(times).toHaveLength(1)
    await web.house.clock.advance(20 * 15_000)
    expect(times).toHaveLength(20)
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(15_002)
    expect(new Set(gaps).size).toBeGreaterThan(5)
  })

  it("says why a message waits and until when, and nothing once it does not", async () => {
    const web = await connected({ intervalMs: 10_000 })
    await queue(web, 0)
    const waiting = await queue(web, 1)
    expect(await heldOf(web, waiting)).toEqual({ reason: "pace", until: iso(web.house.clock.now() + 10_000) })
    await web.house.clock.advance(10_000)
    expect(await heldOf(web, waiting)).toBeNull()
  })

  it("answers a send that is held at once, rather than let it wait for an acknowledgement", async () => {
    const web = await connected({ intervalMs: 60_000 })
    await queue(web, 0)
    const answer = await web.call("POST", "/send", { companyId: "acme", phone: phoneOf(1), message: "x" })
    expect(answer).toMatchObject({ status: 202, json: { data: { status: "queued" } } })
  })

  it("sends so many a day and the others the next, also over a restart", async () => {
    let web = await connected({ dailyCap: 3, timeZone: "Asia/Tokyo" })
    for (let at = 0; at < 2; at++) await queue(web, at)
    web = await web.reopen("kill")
    await web.house.connect("acme")
    for (let at = 2; at < 8; at++) await queue(web, at)
    expect(sent(web)).toHaveLength(1)
    // Midnight in Tokyo is 15:00 UTC, and the clock of the house began at 00:00 UTC.
    await web.house.clock.advance(15 * HOUR - 10_000)
    expect(sent(web)).toHaveLength(1)
    await web.house.clock.advance(20_000)
    expect(sent(web)).toHaveLength(4)
    await web.house.clock.advance(DAY)
    expect(sent(web)).toHaveLength(6)
  })

  it("is durable about the day before a message goes", async () => {
    const web = await connected({ dailyCap: 5 })
    const seen: unknown[] = []
    const records = web.house.lines.views.storage("pacing").of("acme")
    web.house.provider.policy = () => {
      void records.get("day").then((day) => seen.push(day))
      return { outcome: "acknowledged", at: web.house.clock.now() }
    }
    await queue(web, 0)
    await queue(web, 1)
    expect(seen).toMatchObject([{ sent: 1 }, { sent: 2 }])
  })

  it("begins so many chats a day, while known ones go on", async () => {
    const web = await connected({ firstContacts: 2 })
    for (let at = 0; at < 4; at++) await queue(web, at)
    await queue(web, 0, { message: "again" })
    expect(sent(web)).toEqual(["text 0", "text 1", "again"])
    await web.house.clock.advance(DAY)
    expect(sent(web)).toEqual(["text 0", "text 1", "again", "text 2", "text 3"])
  })

  it("leaves time between two messages to one chat, which keeps no other waiting", async () => {
    const web = await connected({ recipientSpacingMs: 30_000 })
    await queue(web, 0, { message: "a" })
    const second = await queue(web, 0, { message: "b" })
    await queue(web, 0, { message: "c" })
    await queue(web, 1, { message: "other" })
    expect(sent(web)).toEqual(["a", "other"])
    expect(await heldOf(web, second)).toMatchObject({ reason: "recipient-spacing" })
    await web.house.clock.advance(30_000)
    expect(sent(web)).toEqual(["a", "other", "b"])
    await web.house.clock.advance(30_000)
    expect(sent(web)).toEqual(["a", "other", "b", "c"])
  })

  it("sends nothing in quiet hours, also when it is restarted in the middle of them", async () => {
    let web = await connected({ quietHours: "22:00-08:00", timeZone: "UTC" })
    const waiting = await queue(web, 0)
    expect(await heldOf(web, waiting)).toEqual({ reason: "quiet-hours", until: "2026-01-01T08:00:00.000Z" })
    await web.house.clock.advance(5 * HOUR)
    web = await web.reopen("kill")
    await web.house.connect("acme")
    await web.house.clock.advance(2 * HOUR + 59 * 60_000)
    expect(sent(web)).toEqual([])
    await web.house.clock.advance(2 * 60_000)
    expect(sent(web)).toEqual(["text 0"])
    await queue(web, 1)
    expect(sent(web)).toHaveLength(2)
  })

  it("holds no reply to somebody who has written lately, also over a restart", async () => {
    let web = await connected({ quietHours: "22:00-08:00", dailyCap: 1, replyWindowMs: 2 * HOUR })
    await hear(web, 7)
    await queue(web, 7, { message: "reply" })
    await queue(web, 8, { message: "no reply" })
    expect(sent(web)).toEqual(["reply"])
    web = await web.reopen("kill")
    await web.house.connect("acme")
    await queue(web, 7, { message: "another" })
    expect(sent(web)).toEqual(["another"])
    await web.house.clock.advance(2 * HOUR)
    await queue(web, 7, { message: "late" })
    expect(sent(web)).toEqual(["another"])
  })

  it("takes nobody for a writer of now who wrote long ago, while the line was down", async () => {
    const web = await connected({ quietHours: "22:00-08:00", replyWindowMs: 2 * HOUR })
    await hear(web, 7, web.house.clock.now() - 3 * HOUR)
    await queue(web, 7)
    expect(sent(web)).toEqual([])
  })

  it("lets a reply through although an earlier message to that chat was held, and that one first", async () => {
    const web = await connected({ quietHours: "22:00-08:00" })
    await queue(web, 7, { message: "news" })
    expect(sent(web)).toEqual([])
    await hear(web, 7)
    await queue(web, 7, { message: "reply" })
    expect(sent(web)).toEqual(["news", "reply"])
  })

  it("lets a held message expire", async () => {
    const web = await connected({ quietHours: "22:00-08:00" })
    web.house.lines.start()
    const answer = await queue(web, 0, { ttl: 60 })
    await web.house.clock.advance(2 * 60_000)
    const { data } = (await web.call("GET", `/messages/acme/${String(answer.json.data.messageId)}`)).json
    expect(data).toMatchObject({ status: "failed", held: null, error: { code: "EXPIRED" } })
    await web.house.clock.advance(9 * HOUR)
    expect(sent(web)).toEqual([])
  })

  it("asks a thousand that wait no oftener than they can go", async () => {
    let asked = 0
    const web = await connected({ intervalMs: 1_000 })
    web.house.hooks.add("counter", "outbox:hold", (hold) => (asked++, hold))
    const messages = Array.from({ length: 1_000 }, (_, at) => ({ phone: phoneOf(at), message: `${at}` }))
    await web.call("POST", "/send/batch", { companyId: "acme", messages })
    await web.house.clock.settle()
    const first = asked
    await web.house.clock.advance(100_000)
    expect(sent(web)).toHaveLength(101)
    expect(asked - first).toBeLessThanOrEqual(2 * 100 + 2)
  })

  it("and a full window hold together: nothing is counted for what does not go, and all of it goes in the end", async () => {
    const web = await openPluginLines({
      plugins: [
        [pacing, { ...NOTHING, dailyCap: 30, intervalMs: 10 }],
        [theBuiltIn("rate-limit"), { perCompany: 10, windowMs: 10_000 }],
      ],
    })
    await web.house.connect("acme")
    const messages = Array.from({ length: 40 }, (_, at) => ({ phone: phoneOf(at), message: `${at}`, ttl: 30 * 86_400 }))
    await web.call("POST", "/send/batch", { companyId: "acme", messages })
    await web.house.clock.advance(60_000)
    expect(sent(web)).toHaveLength(30)
    expect(await web.house.lines.views.storage("pacing").of("acme").get("day")).toMatchObject({ sent: 30 })
    await web.house.clock.advance(DAY)
    expect(sent(web)).toHaveLength(40)
  })

  it("is a company's own where the admin key sets it", async () => {
    const web = await connected({ enabled: false, intervalMs: 5_000 })
    const put = (value: unknown, key = "admin"): Promise<Answer> =>
      web.call("PUT", "/companies/acme", { pacing: value }, { "x-api-key": key })
    expect((await put({ enabled: true }, "acme-all")).status).toBe(403)
    for (const bad of [
      { quietHours: "nine to five" },
      { timeZone: "Mars/Base" },
      { dailyCap: -1 },
      { unknown: 1 },
      5,
    ]) {
      expect((await put(bad)).status).toBe(400)
    }
    expect((await put({ enabled: true })).json.data).toMatchObject({ pacing: { enabled: true } })
    await queue(web, 0)
    const waiting = await queue(web, 1)
    expect(await heldOf(web, waiting)).toEqual({ reason: "pace", until: iso(web.house.clock.now() + 5_000) })
    await put(null)
    await queue(web, 2)
    expect(sent(web)).toEqual(["text 0", "text 2"])
  })
})
