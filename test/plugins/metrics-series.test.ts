import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import type { Clock } from "../../core/clock.ts"
import type { Ledger } from "../../core/ledger.ts"
import { count } from "../../core/monitor/totals.ts"
import { createPluginStorage } from "../../core/records/plugin-records.ts"
import { COLUMNS, createSeries, type Sample, SLOTS } from "../../plugins/metrics/series.ts"
import { startSampling } from "../../plugins/metrics/sampling.ts"
import { createTestLog } from "../support/log.ts"
import { createTestMonitor } from "../support/monitor.ts"
import { session } from "./house.ts"
import { type MetricsHouse, openMetrics } from "./metrics-house.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

type Points = readonly { readonly timestamp: number; readonly value: number }[]

async function points(house: MetricsHouse, metric: string, duration?: number): Promise<Points> {
  const query = duration === undefined ? "" : `&duration=${duration}`
  const { status, json } = await house.read(`/timeseries?metric=${metric}${query}`)
  expect([metric, status]).toEqual([metric, 200])
  return json["data"] as unknown as Points
}

const values = async (house: MetricsHouse, metric: string, duration?: number) =>
  (await points(house, metric, duration)).map(({ value }) => value)

const nothing = {
  messagesSent: 0,
  messagesReceived: 0,
  sessions: { active: 0, connections: 0, disconnections: 0 },
  errors: { total: 0, rate: "0%", breakdown: { TIMEOUT: 0, NETWORK: 0, AUTH: 0, OTHER: 0 } },
}

/** Time that passes at once: a day of seconds, none of which is given turns of its own. */
function createQuickClock(): Clock & { pass(ms: number): void } {
  const timers: { due: number; readonly every: number; readonly task: () => void }[] = []
  let now = Date.UTC(2026, 0, 1)
  const never = (): never => {
    throw new Error("Nothing waits here")
  }
  return {
    now: () => now,
    monotonic: () => now,
    after: never,
    sleep: never,
    every(ms, task) {
      timers.push({ due: now + ms, every: ms, task })
      return { cancel: () => void timers.splice(0) }
    },
    pass(ms) {
      for (const end = now + ms; now < end; ) {
        now = Math.min(end, ...timers.map(({ due }) => due))
        for (const timer of timers.filter(({ due }) => due <= now)) {
          timer.due += timer.every
          timer.task()
        }
      }
    },
  }
}

const records = (ledger: Ledger) => createPluginStorage(ledger, "metrics").of("")
const kept = async (ledger: Ledger) => (await records(ledger).list({ limit: 2_000 })).records

describe("A time series", () => {
  it("shows each metric as it was at each sample", async () => {
    const house = await openMetrics()
    const begun = house.clock.now()
    await house.count("a", { sent: 3, received: 1, failed: 2, "error:NETWORK": 2 })
    house.sessions = [session("a"), session("b", { connected: false })]
    await house.clock.advance(MINUTE)
    await house.count("a", { sent: 6 })
    house.sessions = []
    await house.clock.advance(MINUTE)
    expect(await points(house, "messagesSent")).toEqual([
      { timestamp: begun, value: 0 },
      { timestamp: begun + MINUTE, value: 3 },
      { timestamp: begun + 2 * MINUTE, value: 9 },
    ])
    const rest = ["messagesReceived", "messagesFailed", "errors", "messagesPerMinute", "activeSessions"]
    const shown = await Promise.all(rest.map(async (metric) => [metric, await values(house, metric)]))
    expect(Object.fromEntries(shown)).toEqual({
      messagesReceived: [0, 1, 1],
      messagesFailed: [0, 2, 2],
      errors: [0, 2, 2],
      messagesPerMinute: [0, 4, 6],
      activeSessions: [0, 1, 0],
    })
    const memory = await values(house, "memoryMb")
    expect(Math.min(...memory)).toBeGreaterThan(20)
    await house.stop()
  })

  it("is that of messages in a minute over the last hour, when nothing else is asked for", async () => {
    const house = await openMetrics()
    await house.clock.advance(61 * MINUTE)
    const { json } = await house.read("/timeseries")
    expect(json).toMatchObject({ success: true, metric: "messagesPerMinute", duration: HOUR })
    expect(json["data"]).toHaveLength(60)
    expect(await points(house, "errors", 1)).toHaveLength(1)
    await house.stop()
  })

  it("shows the totals as they were shown then, also over a reset", async () => {
    const house = await openMetrics()
    await house.count("a", { sent: 5 })
    await house.clock.advance(MINUTE)
    await house.call("POST", "/api/whatsapp/metrics/reset", { headers: { "x-api-key": "admin" } })
    await house.count("a", { sent: 1 })
    await house.clock.advance(MINUTE)
    expect(await values(house, "messagesSent")).toEqual([0, 5, 1])
    expect(await values(house, "messagesPerMinute")).toEqual([0, 5, 1])
    await house.stop()
  })

  it.each<[string, string, string]>([
    ["metric=nothing", "metric", "messagesSent, messagesReceived, messagesFailed, messagesPerMinute, errors"],
    ["metric=", "metric", "activeSessions, memoryMb"],
    ["metric=constructor", "metric", "expected one of"],
    ["metric=errors&metric=memoryMb", "metric", "expected one of"],
    ...["0", "-1", "1.5", "1e3", "abc", "", "86400001", "99999999999999999999"].map(
      (value): [string, string, string] => [
        `duration=${value}`,
        "duration",
        "expected whole milliseconds from 1 to 86400000",
      ],
    ),
  ])("is refused for ?%s, with what is accepted", async (query, path, words) => {
    const house = await openMetrics()
    const { status, json } = await house.read(`/timeseries?${query}`)
    expect([status, json.error.code]).toEqual([400, "VALIDATION_ERROR"])
    expect(json.error.details).toEqual([{ path, code: "VALIDATION_ERROR", message: expect.stringContaining(words) }])
    await house.stop()
  })

  it("keeps 24 hours of a process that runs for longer, in memory and on the disk", async () => {
    const ledger = createMemoryLedger()
    const { monitor, book } = createTestMonitor(ledger)
    const clock = createQuickClock()
    const figures = { global: () => ({ ...nothing, messagesSent: monitor.totals().sent }) }
    const background = (_: string, task: (signal: AbortSignal) => Promise<void>) => void task(AbortSignal.abort())
    const rest = { monitor, clock, background, log: createTestLog(), system: createNodeSystem() }
    const storage = createPluginStorage(ledger, "metrics")
    const sampling = await startSampling(MINUTE, figures, { house: (totals) => totals }, { ...rest, storage })
    for (let hour = 0; hour < 30; hour++) {
      await book.ledger.commit("a", [count("sent")])
      clock.pass(HOUR)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const day = sampling.points("messagesSent", DAY)
    expect([day.length, day[0]?.value, day.at(-1)?.value]).toEqual([24 * 60, 7, 30])
    expect([day[0]?.timestamp, day.at(-1)?.timestamp]).toEqual([clock.now() - DAY + MINUTE, clock.now()])
    // A day of sixty to a chunk, and those that are begun and not quite over.
    expect((await kept(ledger)).length).toBeLessThanOrEqual(26)
    expect(sampling.rate(DAY).messagesPerMinute).toBe(0.02)
    await sampling.stop()
  })

  it("leaves out what is older than 24 hours at a start, and removes it", async () => {
    const ledger = createMemoryLedger()
    const house = await openMetrics({ ledger, intervalMs: 10 * MINUTE })
    await house.clock.advance(HOUR)
    await house.stop()
    const at = async (later: number) => openMetrics({ ledger, start: house.clock.now() + later })
    expect(await points(await at(DAY - 30 * MINUTE), "errors", DAY)).toHaveLength(4)
    const muchLater = await at(5 * DAY)
    expect(await points(muchLater, "errors", DAY)).toHaveLength(1)
    await muchLater.stop()
    expect(await kept(ledger)).toHaveLength(1)
  })

  it.each(["stop", "kill"] as const)("goes on after a %s where it was", async (how) => {
    const ledger = createMemoryLedger()
    let start: number | undefined
    for (let life = 0; life < 3; life++) {
      const house = await openMetrics({ ledger, ...(start !== undefined && { start }) })
      await house.count("a", { sent: 1 })
      await house.clock.advance(70 * MINUTE)
      if (how === "stop") await house.stop()
      start = house.clock.now() + MINUTE
    }
    const house = await openMetrics({ ledger, ...(start !== undefined && { start }) })
    const all = await points(house, "messagesSent", DAY)
    expect(all.length).toBe(3 * 71 + 1)
    expect(new Set(all.map(({ timestamp }) => timestamp)).size).toBe(all.length)
    expect([all[0]?.value, all[75]?.value, all[150]?.value, all.at(-1)?.value]).toEqual([0, 2, 3, 3])
    expect((await kept(ledger)).length).toBe(4)
  })

  it("writes samples that come fast together, so that a crash takes ten seconds of them at most", async () => {
    const ledger = createMemoryLedger()
    let commits = 0
    const wrap = (inner: Ledger): Ledger => ({
      ...inner,
      commit: async (company, ops) => {
        commits++
        return inner.commit(company, ops)
      },
    })
    const house = await openMetrics({ ledger, wrap, intervalMs: 500 })
    await house.clock.advance(2 * MINUTE + 5_000)
    expect(commits).toBeLessThanOrEqual(14)
    const next = await openMetrics({ ledger, start: house.clock.now() })
    expect((await points(next, "errors")).length).toBeGreaterThan(230)
    await house.stop()
    const last = await openMetrics({ ledger, start: house.clock.now() })
    expect((await points(last, "errors")).length).toBe(252)
  })

  it("goes on in memory while the disk takes none, says so once, and writes it all when it can", async () => {
    const ledger = createMemoryLedger()
    const disk = { broken: true }
    const wrap = (inner: Ledger): Ledger => ({
      ...inner,
      commit: async (company, ops) => {
        if (disk.broken) throw new Error("The disk is full")
        return inner.commit(company, ops)
      },
    })
    const house = await openMetrics({ ledger, wrap })
    await house.clock.advance(100 * MINUTE)
    expect(await points(house, "errors", DAY)).toHaveLength(101)
    expect(house.log.lines.filter(({ level }) => level === "error")).toHaveLength(1)
    expect(await kept(ledger)).toHaveLength(0)
    disk.broken = false
    await house.clock.advance(MINUTE)
    disk.broken = true
    await house.clock.advance(MINUTE)
    expect(house.log.lines.filter(({ level }) => level === "error")).toHaveLength(2)
    const next = await openMetrics({ ledger, start: house.clock.now() })
    expect(await points(next, "errors", DAY)).toHaveLength(103)
  })

  it("leaves out what is damaged or not its own, and starts", async () => {
    const ledger = createMemoryLedger()
    const house = await openMetrics({ ledger })
    await house.clock.advance(59 * MINUTE)
    const start = house.clock.now()
    const bytes = (...numbers: readonly number[]) => new Uint8Array(Float64Array.from(numbers).buffer)
    const row = COLUMNS.map(() => 1)
    const late = COLUMNS.map((name) => (name === "at" ? start + DAY : 1))
    const foreign: readonly unknown[] = [
      "a text",
      null,
      7,
      { columns: ["at"], values: bytes(1) },
      { columns: COLUMNS, values: "none" },
      { columns: COLUMNS, values: bytes(Number.NaN, ...row.slice(1)) },
      { columns: COLUMNS, values: bytes(...row.slice(1)) },
      { columns: COLUMNS, values: bytes(...Array.from({ length: 61 }, () => row).flat()) },
    ]
    for (const [at, value] of foreign.entries()) await records(ledger).put(`series/${at + 5}`, value)
    await records(ledger).put("series/80", { columns: COLUMNS, values: bytes() })
    await records(ledger).put("series/81", { columns: COLUMNS, values: bytes(...late) })
    const wrap = (inner: Ledger): Ledger => ({
      ...inner,
      get: async (company, table, keys) => {
        if (keys.includes("series/90")) throw new Error("It does not open")
        return inner.get(company, table, keys)
      },
    })
    const next = await openMetrics({ ledger, wrap, start })
    expect(await points(next, "errors", DAY)).toHaveLength(61)
    const said = next.log.lines.filter(({ level }) => level === "error")
    expect(said.map(({ fields }) => fields["records"])).toEqual([9])
    await next.clock.advance(2 * MINUTE)
    expect(await points(next, "errors", DAY)).toHaveLength(63)
    await next.stop()
  })

  it("leaves out the moments at which the machine tells nothing, and says so once", async () => {
    const machine = createNodeSystem()
    let mute = false
    const resources = () => {
      if (mute) throw new Error("EMFILE: too many open files")
      return machine.resources()
    }
    const house = await openMetrics({ system: { ...machine, resources } })
    await house.clock.advance(2 * MINUTE)
    mute = true
    await house.clock.advance(3 * MINUTE)
    mute = false
    await house.clock.advance(2 * MINUTE)
    expect(await points(house, "errors")).toHaveLength(5)
    expect(house.log.lines.filter(({ level }) => level === "error")).toHaveLength(1)
    await house.stop()
  })

  it("begins without a ledger that can be read", async () => {
    const wrap = (inner: Ledger): Ledger => ({
      ...inner,
      get: () => Promise.reject(new Error("The disk is gone")),
    })
    const house = await openMetrics({ wrap })
    await house.clock.advance(MINUTE)
    expect(await points(house, "errors")).toHaveLength(2)
    expect(house.log.lines.filter(({ level }) => level === "error")).toHaveLength(2)
    await house.stop()
  })

  it("is in the order of time after the clock was set back", async () => {
    const ledger = createMemoryLedger()
    const first = await openMetrics({ ledger })
    await first.clock.advance(10 * MINUTE)
    const start = first.clock.now() - 5 * MINUTE + 1
    const second = await openMetrics({ ledger, start })
    await second.clock.advance(10 * MINUTE)
    const times = (await points(second, "errors", DAY)).map(({ timestamp }) => timestamp)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(new Set(times).size).toBe(times.length)
  })
})

describe("The samples in memory", () => {
  const sample = (at: number, value: number): Sample =>
    Object.fromEntries(COLUMNS.map((column) => [column, column === "at" ? at : value])) as unknown as Sample

  it("are never more than there are places for, however often they come", () => {
    const places = 11
    const series = createSeries(places)
    const slots = new Set<number>()
    const dropped: number[] = []
    const last = 5_000
    for (let i = 0; i <= last; i++) {
      const added = series.add(sample(i * 100, i))
      slots.add(added.chunk.slot)
      dropped.push(...added.dropped)
    }
    const all = series.points("errors", last * 100, DAY)
    expect(all.length).toBeLessThanOrEqual(places * 60)
    expect(all.length).toBeGreaterThan((places - 1) * 60)
    expect(all.at(-1)).toEqual({ timestamp: last * 100, value: last })
    expect(Math.max(...slots)).toBeLessThan(places)
    expect(dropped.length).toBe(Math.ceil((last + 1) / 60) - places)
    expect(SLOTS * 60).toBeLessThanOrEqual(86_400 + 60)
  })

  it("are all of a day when they come once a second", () => {
    const series = createSeries()
    for (let i = 0; i < 90_000; i++) series.add(sample(i * 1_000, i))
    const all = series.points("errors", 89_999_000, DAY)
    expect([all.length, all[0]?.value]).toEqual([86_400, 3_600])
  })
})

describe("The rate", () => {
  const rate = async (house: MetricsHouse, query = "") => (await house.read(`/rate${query}`)).json["rate"]

  it("is what was sent and received in the last minute", async () => {
    const house = await openMetrics()
    await house.clock.advance(10 * MINUTE)
    await house.count("a", { sent: 20, received: 4 })
    await house.count("b", { received: 6, failed: 9 })
    await house.clock.advance(10_000)
    expect((await house.read("/rate")).json).toEqual({
      success: true,
      rate: { messagesPerSecond: 0.5, messagesPerMinute: 30, window: MINUTE },
      timestamp: house.clock.now(),
    })
    await house.clock.advance(51_000)
    expect(await rate(house)).toEqual({ messagesPerSecond: 0, messagesPerMinute: 0, window: MINUTE })
    expect(await rate(house, "?window=120000")).toMatchObject({ messagesPerMinute: 15 })
    await house.stop()
  })

  it("looks back a second, or a day over restarts", async () => {
    const ledger = createMemoryLedger()
    const house = await openMetrics({ ledger })
    await house.clock.advance(2_500)
    await house.count("a", { sent: 3 })
    expect(await rate(house, "?window=1000")).toEqual({ messagesPerSecond: 3, messagesPerMinute: 180, window: 1_000 })
    await house.clock.advance(2 * HOUR)
    await house.count("a", { sent: 5 })
    await house.clock.advance(MINUTE)
    const next = await openMetrics({ ledger, start: house.clock.now() + MINUTE })
    await next.count("a", { sent: 2 })
    expect(await rate(next, "?window=600000")).toMatchObject({ messagesPerMinute: 0.7 })
    expect(await rate(next, `?window=${DAY}`)).toMatchObject({ messagesPerMinute: 0.01 })
    expect(await rate(next, `?window=${3 * HOUR}`)).toMatchObject({ messagesPerSecond: 0.0009 })
  })

  it("is not begun anew by a reset", async () => {
    const house = await openMetrics()
    await house.count("a", { sent: 12 })
    await house.call("POST", "/api/whatsapp/metrics/reset", { headers: { "x-api-key": "admin" } })
    await house.clock.advance(5_000)
    expect(await rate(house)).toMatchObject({ messagesPerMinute: 12 })
    await house.stop()
  })

  it.each(["0", "999", "-5", "86400001", "1.5", "minute", ""])("is refused for ?window=%s", async (window) => {
    const house = await openMetrics()
    const { status, json } = await house.read(`/rate?window=${window}`)
    expect([status, json.error.code]).toEqual([400, "VALIDATION_ERROR"])
    expect(json.error.details).toMatchObject([
      { path: "window", message: "expected whole milliseconds from 1000 to 86400000" },
    ])
    await house.stop()
  })
})
