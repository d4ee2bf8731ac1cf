import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { Ledger } from "../../core/ledger.ts"
import { createPluginStorage } from "../../core/records/plugin-records.ts"
import { type MetricsHouse, openMetrics } from "./metrics-house.ts"

const admin = { headers: { "x-api-key": "admin" } }
const reset = (house: MetricsHouse) => house.call("POST", "/api/whatsapp/metrics/reset", admin)

/** Messages sent and failed: of the whole server, then of each company. */
async function shown(house: MetricsHouse): Promise<Record<string, readonly [sent: number, failed: number]>> {
  const { json } = await house.read("")
  const { global, companies } = json["metrics"] as {
    global: { messagesSent: number; errors: { total: number } }
    companies: Record<string, { messages: { sent: number; failed: number } }>
  }
  const each = Object.entries(companies).map(([id, { messages }]) => [id, [messages.sent, messages.failed]] as const)
  return { all: [global.messagesSent, global.errors.total], ...Object.fromEntries(each) }
}

const records = (ledger: Ledger) => createPluginStorage(ledger, "metrics").of("")

/** A ledger that can be told to take nothing. */
function fragile(): { wrap: (ledger: Ledger) => Ledger; broken: boolean } {
  const state = {
    broken: false,
    wrap: (ledger: Ledger): Ledger => ({
      ...ledger,
      commit: async (company, ops) => {
        if (state.broken) throw new Error("The disk is full")
        return ledger.commit(company, ops)
      },
    }),
  }
  return state
}

describe("A reset", () => {
  it("sets a new zero for everybody, and says since when and for how many", async () => {
    const house = await openMetrics()
    await house.count("a", { sent: 10, failed: 4, "error:OTHER": 4 })
    await house.count("b", { sent: 5, received: 7, connections: 2, disconnections: 1, mediaSent: 3, mediaReceived: 1 })
    const { status, json } = await reset(house)
    expect([status, json]).toEqual([
      200,
      {
        success: true,
        reset: { at: new Date(house.clock.now()).toISOString(), companies: 2 },
        timestamp: house.clock.now(),
      },
    ])
    expect(await shown(house)).toEqual({ all: [0, 0], a: [0, 0], b: [0, 0] })
    expect((await house.read("/b")).json["metrics"]).toMatchObject({
      messages: { sent: 0, received: 0 },
      errors: { total: 0, rate: "0%" },
      sessions: { connections: 0, disconnections: 0 },
      media: { sent: 0, received: 0 },
    })
    await house.count("a", { sent: 3, failed: 1, "error:TIMEOUT": 1 })
    await house.count("c", { sent: 2 })
    expect(await shown(house)).toEqual({ all: [5, 1], a: [3, 1], b: [0, 0], c: [2, 0] })
    expect((await house.read("/a")).json["metrics"]).toMatchObject({
      errors: { total: 1, rate: "33.33%", breakdown: { TIMEOUT: 1, OTHER: 0 } },
    })
    await house.stop()
  })

  it("forgets what was measured, and leaves the uptime", async () => {
    const house = await openMetrics()
    house.meter.note("messageLatency", 12)
    await house.clock.advance(5_000)
    const times = async () => (await house.read("/performance")).json["performance"]
    expect(await times()).toMatchObject({ messageLatency: { avg: 12, samples: 1 } })
    await reset(house)
    expect(await times()).toMatchObject({ messageLatency: { avg: 0, samples: 0 } })
    expect((await house.read("")).json["metrics"]).toMatchObject({ uptime: 5_000 })
    await house.stop()
  })

  it("holds over restarts, and can be done again", async () => {
    const ledger = createMemoryLedger()
    const first = await openMetrics({ ledger })
    await first.count("a", { sent: 10 })
    await reset(first)
    await first.count("a", { sent: 1 })
    const second = await openMetrics({ ledger })
    expect(await shown(second)).toEqual({ all: [1, 0], a: [1, 0] })
    await reset(second)
    await second.count("a", { sent: 2 })
    expect(await shown(await openMetrics({ ledger }))).toEqual({ all: [2, 0], a: [2, 0] })
  })

  it("is one record for all companies, so that no crash leaves it half done", async () => {
    const ledger = createMemoryLedger()
    const commits: number[] = []
    const wrap = (inner: Ledger): Ledger => ({
      ...inner,
      commit: async (company, ops) => {
        commits.push(ops.length)
        return inner.commit(company, ops)
      },
    })
    const house = await openMetrics({ ledger, wrap })
    for (let i = 0; i < 20; i++) await house.count(`company-${i}`, { sent: i })
    await house.clock.settle()
    commits.length = 0
    await reset(house)
    expect(commits).toEqual([1])
    await house.stop()
  })

  it("changes nothing where it cannot be kept", async () => {
    const disk = fragile()
    const house = await openMetrics({ wrap: disk.wrap })
    await house.count("a", { sent: 10 })
    house.meter.note("messageLatency", 12)
    await house.clock.settle()
    disk.broken = true
    expect((await reset(house)).json.error.code).toBe("STORAGE_UNAVAILABLE")
    expect(await shown(house)).toEqual({ all: [10, 0], a: [10, 0] })
    expect((await house.read("/performance")).json["performance"]).toMatchObject({ messageLatency: { samples: 1 } })
    disk.broken = false
    expect((await reset(house)).status).toBe(200)
    expect(await shown(house)).toEqual({ all: [0, 0], a: [0, 0] })
    await house.stop()
  })

  it("is forgotten with a company that is erased, for another one of its id", async () => {
    const ledger = createMemoryLedger()
    const house = await openMetrics({ ledger })
    await house.count("a", { sent: 10 })
    await house.count("b", { sent: 5 })
    await reset(house)
    await house.erase("a")
    await house.count("a", { sent: 30 })
    expect(await shown(house)).toMatchObject({ a: [30, 0], b: [0, 0] })
    expect(await shown(await openMetrics({ ledger }))).toMatchObject({ a: [30, 0], b: [0, 0] })
  })

  it("is forgotten with a company whose place an import has taken", async () => {
    const house = await openMetrics()
    await house.count("a", { sent: 10 })
    await reset(house)
    await house.count("a", { sent: 2 })
    expect(await shown(house)).toMatchObject({ a: [2, 0] })
    house.hooks.observe("company:imported", { company: "a" })
    await house.hooks.drain()
    await house.clock.settle()
    expect(await shown(house)).toMatchObject({ a: [12, 0] })
    await house.stop()
  })

  it("is not forgotten by an erasure that is only heard of after it", async () => {
    const house = await openMetrics()
    await house.count("a", { sent: 10 })
    house.hooks.observe("company:erased", { company: "a" })
    await reset(house)
    await house.hooks.drain()
    await house.clock.settle()
    await house.count("a", { sent: 1 })
    expect(await shown(house)).toMatchObject({ a: [1, 0] })
    await house.stop()
  })

  it("is passed over after a crash for a company that has counted less since", async () => {
    const ledger = createMemoryLedger()
    const disk = fragile()
    const house = await openMetrics({ ledger, wrap: disk.wrap })
    await house.count("a", { sent: 10 })
    await reset(house)
    await house.clock.settle()
    disk.broken = true
    await house.erase("a")
    await house.count("a", { sent: 4 })
    expect(house.log.text()).toContain("zero of an erased company")
    expect(await shown(house)).toMatchObject({ a: [4, 0] })
    expect(await shown(await openMetrics({ ledger }))).toMatchObject({ a: [4, 0] })
  })

  it.each([
    ["a text", "zero"],
    ["nothing of ours", { at: 1, house: {}, companies: [] }],
    ["a number that is none", { at: 1, house: { sent: "7", errors: {} }, companies: [] }],
    ["a list that is none", { at: 1, house: 7, companies: 7 }],
  ])("that was kept as %s does not stop the start", async (_, value) => {
    const ledger = createMemoryLedger()
    await records(ledger).put("zero", value)
    const house = await openMetrics({ ledger })
    await house.count("a", { sent: 10 })
    expect(await shown(house)).toEqual({ all: [10, 0], a: [10, 0] })
    expect(house.log.text()).toContain("The zero of the figures is damaged")
    await house.stop()
  })
})
