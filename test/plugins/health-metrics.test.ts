import { describe, expect, it } from "vitest"
import { definePlugin, type MetricSnapshot } from "../../core/plugin.ts"
import type { Disk } from "../../core/system.ts"
import health from "../../plugins/health/index.ts"
import { theBuiltIn } from "../support/built-in.ts"
import { createTestSystem } from "../support/system.ts"
import { createPluginHouse, type PluginHouse, type PluginHouseOptions, session } from "./house.ts"

const PATH = "/api/whatsapp/health/metrics"
const GIB = 2 ** 30
const raised = { type: "memory", severity: "warning", message: "Too much", value: 600, threshold: 500, since: 1 }

const figures = definePlugin({
  name: "some-figures",
  description: "Stands for whoever counts",
  provides: ["figures", "alerts"],
  setup({ provide }) {
    provide("figures", { report: () => ({ uptime: 1, global: { messagesSent: 7 }, companies: {} }) })
    provide("alerts", { current: () => [raised], thresholds: () => ({}) })
  },
})

const houseWith = (
  config: Readonly<Record<string, unknown>> = {},
  more: Partial<PluginHouseOptions> = {},
): Promise<PluginHouse> =>
  createPluginHouse({
    system: createTestSystem(),
    ...more,
    plugins: [...(more.plugins ?? []), [theBuiltIn("api-keys"), {}], [health, config]],
  })

const withDisk = (disk: () => Promise<Disk>): Partial<PluginHouseOptions> => ({
  system: { ...createTestSystem(), disk },
})

interface Overview {
  readonly success: boolean
  readonly status: string
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>
  readonly sessions: Readonly<Record<string, object>>
  readonly metrics: object | null
  readonly alerts: readonly object[] | null
  readonly system: { readonly cpu: number; readonly eventLoopDelay: number | null; readonly disk: Disk | null }
}

const look = async (house: PluginHouse) => {
  const { status, text, json } = await house.call("GET", PATH)
  return { status, text, json: json as unknown as Overview }
}

describe("GET /api/whatsapp/health/metrics", () => {
  it("shows the session of each company, figures, alerts, and what the process uses", async () => {
    const house = await houseWith({}, { plugins: [[figures, {}]] })
    const lastProofAt = house.clock.now()
    house.sessions = [
      session("salon-1", { lastProofAt }),
      session("__proto__", { status: "logged-out", connected: false, lastProofAt: null }),
    ]
    await house.clock.advance(60_000)
    house.sessions = [session("salon-1", { lastProofAt: house.clock.now() }), ...house.sessions.slice(1)]
    const { status, json, text } = await look(house)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      success: true,
      status: "healthy",
      checks: { storage: { ok: true }, disk: { ok: true }, sessions: { ok: true } },
      metrics: { uptime: 1, global: { messagesSent: 7 }, companies: {} },
      alerts: [raised],
      system: { uptime: 60_000, memory: { rss: 1, heapUsed: 1 }, cpu: 0, disk: { free: 10 * GIB, total: 20 * GIB } },
      timestamp: house.clock.now(),
    })
    expect(text).toContain('"__proto__":{"status":"logged-out","connected":false,"lastProofAt":null}')
    const salon = json.sessions["salon-1"]
    expect(salon).toEqual({
      status: "connected",
      connected: true,
      lastProofAt: new Date(house.clock.now()).toISOString(),
    })
    await house.stop()
  })

  it("says null for figures and alerts that nobody has, which is not the same as none", async () => {
    const house = await houseWith()
    const { json } = await look(house)
    expect([json.metrics, json.alerts]).toEqual([null, null])
    await house.stop()
  })

  it("answers 503, with everything in it, while the server is unhealthy, and 200 when it is degraded", async () => {
    const house = await houseWith()
    house.storage = () => Promise.reject(new Error("canary"))
    await house.clock.advance(60_000)
    const broken = await look(house)
    expect([broken.status, broken.json.success, broken.json.status]).toEqual([503, true, "unhealthy"])
    expect(broken.json.system).toMatchObject({ memory: { rss: 1 } })
    expect(broken.text).not.toContain("canary")
    house.storage = (probe) => probe()
    house.sessions = [session("acme", { status: "reconnecting", connected: false })]
    await house.clock.advance(60_000)
    const weak = await look(house)
    expect([weak.status, weak.json.status]).toEqual([200, "degraded"])
    await house.stop()
  })

  it("is for the operator alone", async () => {
    const scopes = new Set(["send", "read", "session", "admin"] as const)
    const house = await createPluginHouse({
      plugins: [[health, {}]],
      system: createTestSystem(),
      prepare: (hooks) => hooks.add("keys", "request:identify", () => ({ kind: "company", company: "acme", scopes })),
    })
    expect((await look(house)).status).toBe(403)
    await house.stop()
  })

  it("tells without active checks what is known: no checks, and everything else", async () => {
    const house = await houseWith({ enabled: "false" })
    house.sessions = [session("acme", { lastProofAt: house.clock.now() })]
    house.storage = () => Promise.reject(new Error("never asked"))
    await house.clock.advance(60_000)
    const { status, json } = await look(house)
    expect([status, json.checks]).toEqual([200, {}])
    expect(json.sessions).toHaveProperty("acme")
    expect(json.system).toMatchObject({ uptime: 60_000, disk: { free: 10 * GIB } })
    expect(house.clock.armed).toBe(0)
  })

  it("tells the CPU of the last period in percent of one core", async () => {
    let cpuMicros = 5_000_000
    const system = {
      ...createTestSystem(),
      resources: () => ({ ...createTestSystem().resources(), rss: 2, heapUsed: 1, cpuMicros }),
    }
    const house = await houseWith({ intervalMs: 10_000 }, { system })
    await house.clock.settle()
    cpuMicros += 2_500_000
    await house.clock.advance(10_000)
    const cpu = async () => (await look(house)).json.system.cpu
    expect(await cpu()).toBe(25)
    await house.clock.advance(10_000)
    expect(await cpu()).toBe(0)
    await house.stop()
  })

  it("is told by lines in memory alone when the records of the others cannot be read", async () => {
    const house = await houseWith()
    house.sessions = [session("acme", { lastProofAt: house.clock.now() })]
    house.all = () => Promise.reject(new Error("The ledger is gone"))
    const { status, json } = await look(house)
    expect([status, Object.keys(json.sessions)]).toEqual([200, ["acme"]])
    await house.stop()
  })
})

describe("the event loop", () => {
  const withDelay = (p99: number, more: { stopped?: boolean } = {}): Partial<PluginHouseOptions> => ({
    system: {
      ...createTestSystem(),
      watchEventLoop: () => ({
        read: () => ({ p50: 0, p99, max: p99 }),
        stop: () => {
          more.stopped = true
        },
      }),
    },
  })

  it.each([
    [500, "healthy"],
    [501, "degraded"],
  ] as const)("that comes %i ms late is %s", async (delay, status) => {
    const house = await houseWith({ intervalMs: 10_000 }, withDelay(delay))
    await house.clock.advance(20_000)
    const { json } = await look(house)
    expect([json.status, json.system.eventLoopDelay]).toEqual([status, delay])
    expect(json.checks.eventLoop?.ok).toBe(status === "healthy")
    await house.stop()
  })

  it("is watched until the server stops", async () => {
    const seen: { stopped?: boolean } = {}
    const house = await houseWith({}, withDelay(1, seen))
    await house.clock.advance(1_000)
    expect(seen.stopped).toBeUndefined()
    await house.stop()
    expect(seen.stopped).toBe(true)
  })
})

describe("the disk of the data folder", () => {
  const cases: [what: string, disk: Disk, status: string][] = [
    ["a large disk with a gibibyte left", { free: GIB, total: 1_000 * GIB }, "healthy"],
    ["a large disk with less", { free: GIB - 1, total: 1_000 * GIB }, "degraded"],
    ["a small disk with a twentieth left", { free: 0.1 * GIB, total: 2 * GIB }, "healthy"],
    ["a small disk with less", { free: 0.09 * GIB, total: 2 * GIB }, "degraded"],
    ["a disk with no room for the ledger to grow", { free: 2 ** 26 - 1, total: 2 ** 28 }, "unhealthy"],
  ]
  it.each(cases)("%s", async (_, disk, status) => {
    const house = await houseWith(
      {},
      withDisk(async () => disk),
    )
    await house.clock.settle()
    const { json } = await look(house)
    expect([json.status, json.system.disk]).toEqual([status, disk])
    expect(json.checks.disk?.ok).toBe(status === "healthy")
    await house.stop()
  })

  it("that does not tell is no fault, and is said", async () => {
    for (const disk of [() => Promise.reject(new Error("canary")), () => new Promise<Disk>(() => undefined)]) {
      let asked = 0
      const counted = (): Promise<Disk> => {
        asked++
        return disk()
      }
      const house = await houseWith({ intervalMs: 10_000 }, withDisk(counted))
      await house.clock.advance(60_000)
      const { json, text } = await look(house)
      expect([json.status, json.system.disk]).toEqual(["healthy", null])
      expect(json.checks.disk).toMatchObject({ ok: true, detail: expect.stringContaining("cannot be told") })
      expect(text).not.toContain("canary")
      expect(asked).toBeGreaterThan(0)
      await house.stop()
    }
  })
})

describe("whatsapp_disk_bytes", () => {
  const seriesIn = async (disk: () => Promise<Disk>) => {
    let look: (() => readonly MetricSnapshot[]) | undefined
    const onlooker = definePlugin({
      name: "onlooker",
      description: "Sees what is counted",
      setup({ metrics }) {
        look = metrics.snapshot
      },
    })
    const house = await houseWith({}, { ...withDisk(disk), plugins: [[onlooker, {}]] })
    await house.clock.advance(30_000)
    return look?.().find(({ name }) => name === "whatsapp_disk_bytes")?.series
  }

  it("shows the disk as of the latest check", async () => {
    expect(await seriesIn(async () => ({ free: 2 * GIB, total: 4 * GIB }))).toEqual([
      { labels: { kind: "free" }, value: 2 * GIB },
      { labels: { kind: "total" }, value: 4 * GIB },
    ])
  })

  it("has no series where the disk cannot be told", async () => {
    expect(await seriesIn(() => Promise.reject(new Error("No such thing here")))).toEqual([])
  })
})
