import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { SwitchboardError } from "../../core/serve/client/error.ts"
import { CommandFailure } from "../../core/serve/companies/failure.ts"
import { AGE, BY_COMPANY, collect, DEPTH } from "../../core/serve/top/collect.ts"
import { type Company, createTracker, type Figures } from "../../core/serve/top/figures.ts"
import { paint, plainBlock, plainTrouble, screenLines } from "../../core/serve/top/frame.ts"
import { readSamples } from "../../core/serve/top/prometheus.ts"
import { worst } from "../../core/serve/top/ranking.ts"
import { plain, type Scene } from "../../core/serve/top/view.ts"
import { createWatch } from "../../core/serve/top/watch.ts"
import { cut, fit, safe, widthOf } from "../../core/serve/top/width.ts"
import { bytes, duration, latency, rate } from "../../core/serve/top/words.ts"

const AT = Date.UTC(2026, 0, 31, 9, 30)
const MINUTE = 60_000

const company = (id: string, more: Partial<Company> = {}): Company => ({
  id,
  state: "connected",
  connected: true,
  sent: 10,
  received: 10,
  errors: 0,
  errorRate: "0%",
  queued: 0,
  lastActivity: AT,
  ...more,
})

const figures = (more: Partial<Figures> = {}): Figures => ({
  at: AT,
  status: "healthy",
  faults: [],
  uptime: 100_000_000,
  states: { connected: 950, reconnecting: 30, failed: 20 },
  totals: { sent: 12_345, received: 9_876, disconnections: 3 },
  errors: { total: 12, rate: "0.05%", breakdown: { TIMEOUT: 5, NETWORK: 7, AUTH: 0, OTHER: 0 } },
  perMinute: 200,
  latency: { p50: 120, p99: 1_900, samples: 10_000 },
  queue: { depth: 123, age: 75 },
  machine: { memory: 120e6, heap: 60e6, cpu: 12.3, loopDelay: 3.4, disk: { free: 12e9, total: 40e9 } },
  alerts: [],
  companies: [company("salon-1", { errors: 3 }), company("salon-2", { queued: 7 })],
  notes: [],
  ...more,
})

const sceneOf = (shown: Figures, more: Partial<Scene> = {}): Scene => ({
  url: "http://127.0.0.1:3000",
  now: shown.at,
  figures: shown,
  takenAt: shown.at,
  changes: createTracker().note(shown),
  away: undefined,
  ...more,
})

describe("The figures", () => {
  const answers: Record<string, unknown> = {
    "/api/whatsapp/health/metrics": {
      success: true,
      status: "degraded",
      checks: { storage: { ok: false, detail: "The disk is full" }, loop: { ok: true } },
      sessions: {
        "salon-1": { status: "connected", connected: true, lastProofAt: null },
        "salon-2": { status: "qr", connected: false, lastProofAt: null },
      },
      metrics: {
        uptime: 5,
        global: {
          messagesSent: 100,
          messagesReceived: 50,
          sessions: { active: 1, connections: 2, disconnections: 1 },
          errors: { total: 5, rate: "3.33%", breakdown: { TIMEOUT: 5 } },
        },
        companies: {
          "salon-1": {
            messages: { sent: 100, received: 50, failed: 5 },
            errors: { total: 5, rate: "5%" },
            lastActivity: new Date(AT - MINUTE).toISOString(),
          },
          "salon-3": { lastActivity: null },
        },
      },
      alerts: [
        { type: "HIGH_MEMORY", severity: "warning", message: "600 MB", since: new Date(AT - MINUTE).toISOString() },
      ],
      system: {
        uptime: 5_000,
        memory: { rss: 1, heapUsed: 2 },
        cpu: 3,
        eventLoopDelay: 4,
        disk: { free: 5, total: 6 },
      },
      timestamp: AT,
    },
    "/api/whatsapp/metrics/performance": { performance: { messageLatency: { p50: 1, p99: 2, samples: 3 } } },
    "/api/whatsapp/metrics/rate": { rate: { messagesPerMinute: 9 } },
    "/metrics": `${DEPTH} 7\n${BY_COMPANY}{company="salon-1"} 4\n${BY_COMPANY}{company="other"} 3\n${AGE} 12.5\n`,
  }
  const client = (more: Record<string, unknown> = {}) => ({
    request: async <T>(_: string, path: string): Promise<T> => {
      const answer = { ...answers, ...more }[path]
      if (answer instanceof Error) throw answer
      return answer as T
    },
  })
  const refusal = (code: string, status: number): SwitchboardError =>
    new SwitchboardError({ code, status, message: "No" })

  it("are taken from health, metrics and instruments", async () => {
    expect(await collect(client())).toMatchObject({
      at: AT,
      status: "degraded",
      faults: [{ name: "storage", detail: "The disk is full" }],
      states: { connected: 1, qr: 1 },
      totals: { sent: 100, received: 50 },
      errors: { total: 5, rate: "3.33%" },
      perMinute: 9,
      latency: { p50: 1, p99: 2, samples: 3 },
      queue: { depth: 7, age: 12.5 },
      machine: { memory: 1, heap: 2, cpu: 3, loopDelay: 4, disk: { free: 5, total: 6 } },
      alerts: [{ type: "HIGH_MEMORY", since: AT - MINUTE }],
      companies: [
        { id: "salon-1", connected: true, errors: 5, queued: 4, lastActivity: AT - MINUTE },
        { id: "salon-2", state: "qr", connected: false, errors: undefined },
        { id: "salon-3", lastActivity: null },
      ],
      notes: [],
    })
  })

  it("are those of health alone where metrics are off, and it is said", async () => {
    const off = refusal("METRICS_DISABLED", 404)
    const shown = await collect(
      client({
        "/api/whatsapp/metrics/performance": off,
        "/api/whatsapp/metrics/rate": off,
        "/metrics": off,
        "/api/whatsapp/health/metrics": { ...(answers["/api/whatsapp/health/metrics"] as object), metrics: null },
      }),
    )
    expect(shown).toMatchObject({ totals: undefined, queue: undefined, latency: undefined, states: { qr: 1 } })
    const text = plainBlock(sceneOf(shown))
    expect(text).toContain("Metrics are off")
    expect(text).toContain("Lines      2")
    expect(text).not.toContain("Messages")
  })

  it("are none where another program answers with anything", async () => {
    for (const odd of [null, 5, "x", [], { sessions: [1], metrics: { companies: 7 }, alerts: {}, system: null }]) {
      const shown = await collect(client(Object.fromEntries(Object.keys(answers).map((path) => [path, odd]))))
      expect(plainBlock(sceneOf(shown))).toContain("Switchboard")
    }
  })

  it("come with what has changed in the last minute, and begin anew when counts go back", () => {
    const tracker = createTracker()
    const look = (seconds: number, sent: number, errors: number) =>
      tracker.note(
        figures({
          at: AT + seconds * 1_000,
          totals: { sent, received: 0, disconnections: 0 },
          errors: { total: errors, rate: "", breakdown: {} },
          companies: [company("salon-1", { errors })],
        }),
      )
    expect(look(0, 100, 5)).toMatchObject({ sent: undefined, errors: undefined })
    expect(look(30, 160, 6)).toMatchObject({ sent: 120, received: 0, errors: 2 })
    // A minute back, and not to the beginning.
    look(60, 160, 6)
    const later = look(120, 190, 9)
    expect(later).toMatchObject({ sent: 30, errors: 3 })
    expect(later.newErrors("salon-1")).toBe(4)
    expect(look(130, 10, 0)).toMatchObject({ sent: undefined })
    expect(look(140, 20, 1).newErrors("salon-1")).toBe(1)
  })

  it("of Prometheus are read by name, with their labels", () => {
    const text = [
      "# HELP depth Messages",
      'depth{company="a\\"b\\\\c\\nd",kind="x"} 5 1700000000000',
      "depth 2.5e3",
      "depth_total 9",
      "depth NaN",
      "depth{broken 1",
      "other 1",
    ].join("\n")
    expect(readSamples(text, new Set(["depth"]))).toEqual([
      { name: "depth", labels: { company: 'a"b\\c\nd', kind: "x" }, value: 5 },
      { name: "depth", labels: {}, value: 2_500 },
    ])
  })
})

describe("The worst companies", () => {
  it("are those with new errors before those with old ones, and none without", () => {
    const tracker = createTracker()
    const before = [company("old", { errors: 9 }), company("new", { errors: 1 }), company("none")]
    tracker.note(figures({ companies: before }))
    const now = figures({
      at: AT + 1_000,
      companies: [company("old", { errors: 9 }), company("new", { errors: 3 }), company("none")],
    })
    expect(worst(now, tracker.note(now), "errors").map(({ id }) => id)).toEqual(["new", "old"])
  })

  it("wait with most messages, or are silent for longest while they are connected", () => {
    const shown = figures({
      companies: [
        company("b", { queued: 5, lastActivity: AT - 2 * MINUTE }),
        company("a", { queued: 5, lastActivity: AT - MINUTE }),
        company("never", { lastActivity: null }),
        company("gone", { connected: false, lastActivity: AT - 90 * MINUTE }),
      ],
    })
    const changes = createTracker().note(shown)
    expect(worst(shown, changes, "queue").map(({ id }) => id)).toEqual(["a", "b"])
    expect(worst(shown, changes, "silence").map(({ id }) => id)).toEqual(["never", "b", "a"])
  })
})

describe("A screen", () => {
  it("shows everything in 24 lines of 80", () => {
    const shown = figures({
      alerts: [{ type: "HIGH_MEMORY", severity: "warning", message: "600 MB", since: AT - MINUTE }],
      faults: [{ name: "storage", detail: "The disk is full" }],
    })
    const lines = screenLines(sceneOf(shown), "errors", { columns: 80, rows: 24 }).map(plain)
    expect(lines).toHaveLength(24)
    expect(lines.slice(0, 11).map((line) => line.replace(/\d\d:\d\d:\d\d/, "TIME"))).toEqual([
      "Switchboard http://127.0.0.1:3000  healthy  up 1 d 3 h  TIME",
      "Lines      1,000  connected 950  reconnecting 30  failed 20",
      "Messages   sent 12,345 (–/min)  received 9,876 (–/min)  last minute 200",
      "Errors     12 (–/min)  0.05%  TIMEOUT 5  NETWORK 7",
      "Queue      123 waiting, the oldest for 1 min",
      "Latency    p50 120 ms  p99 1.9 s  of 10,000 sends",
      "Process    memory 120 MB (heap 60 MB)  CPU 12%  loop 3.4 ms  disk 12 GB free",
      "Check      storage: The disk is full",
      "Alert      warning HIGH_MEMORY: 600 MB  for 1 min",
      "",
      "WORST                STATE    ERRORS     RATE    QUEUE      SILENT",
    ])
    expect(lines[11]).toBe("salon-1          connected         3       0%        0        0 ms")
    expect(lines.at(-1)).toContain("q quit")
  })

  it("fits whatever it is shown on, whatever companies are called", () => {
    const name = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.string({ unit: "grapheme", maxLength: 60 }))
    const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) })
    const orders = fc.constantFrom("errors" as const, "queue" as const, "silence" as const)
    fc.assert(
      fc.property(fc.array(name, { maxLength: 8 }), size, orders, fc.boolean(), (names, screen, order, colours) => {
        const companies = names.map((id, at) => company(id, { errors: at + 1, queued: at + 1 }))
        const lines = screenLines(sceneOf(figures({ companies })), order, screen)
        expect(lines).toHaveLength(screen.rows)
        for (const line of lines) {
          expect(widthOf(plain(line))).toBeLessThanOrEqual(screen.columns)
          // Nothing but colours that are ours.
          expect(paint(line, colours).replaceAll(/\p{Cc}\[\d+m/gu, "")).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u)
        }
      }),
      { numRuns: 40 },
    )
  })

  it("has no colours where none are wanted, and some where they are", () => {
    const [head = []] = screenLines(sceneOf(figures()), "errors", { columns: 80, rows: 24 })
    expect(paint(head, false)).not.toContain("\u001b")
    expect(paint(head, true)).toContain("\u001b[32m  healthy\u001b[0m")
  })

  it("says how long there have been no figures, and how old those are", () => {
    const away = { since: AT + 1_000, message: "The server could not be reached" }
    const late = { ...sceneOf(figures(), { away }), now: AT + 13_000 }
    const [, line = []] = screenLines(late, "errors", { columns: 120, rows: 24 })
    expect(plain(line)).toBe(
      "No figures for 12 s: The server could not be reached; these figures are 13 s old. Still trying",
    )
    expect(plainTrouble({ ...late, takenAt: undefined })).toMatch(/^\d\d:\d\d:\d\d No figures: The server could not/)
  })
})

describe("A look", () => {
  const watch = (thrown: unknown) =>
    createWatch(
      "http://127.0.0.1:3000",
      async () => {
        throw thrown
      },
      (code) => (code === "UNAUTHORIZED" ? "Set the key" : undefined),
    )

  it("at a server that is away goes on, and remembers since when", async () => {
    const away = new SwitchboardError({ code: "NETWORK_ERROR", status: 0, message: "Nobody", isRetryable: true })
    const looking = watch(away)
    const first = await looking.look()
    expect(first.away?.message).toBe("Nobody")
    expect((await looking.look()).away?.since).toBe(first.away?.since)
    expect(looking.failure()).toBe(away)
  })

  it("with a key that does not open ends, and says what to do", async () => {
    const refused = watch(new SwitchboardError({ code: "UNAUTHORIZED", status: 401, message: "No" })).look()
    await expect(refused).rejects.toThrow(CommandFailure)
    await expect(refused).rejects.toMatchObject({ exitCode: 1, remedy: "Set the key" })
  })
})

describe("Words", () => {
  it("are those that people use", () => {
    expect([0, 999, 1_000, 61_000, 3_600_000, 3_660_000, 90_000_000, 172_800_000].map(duration)).toEqual([
      "0 ms",
      "999 ms",
      "1 s",
      "1 min",
      "1 h",
      "1 h 1 min",
      "1 d 1 h",
      "2 d",
    ])
    expect([0, 999, 1_500, 12_345_678, 2e12].map(bytes)).toEqual(["0 B", "999 B", "1.5 kB", "12 MB", "2.0 TB"])
    expect([0, 3, 3.25, 12.7, undefined].map(rate)).toEqual(["0/min", "3/min", "3.3/min", "13/min", "–/min"])
    expect([0.5, 120.4, 1_240, 12_000].map(latency)).toEqual(["0.5 ms", "120 ms", "1.2 s", "12 s"])
  })

  it("take as many columns as a terminal gives them", () => {
    expect(["salon", "Салон", "美容院", "😀", "e\u0301"].map(widthOf)).toEqual([5, 5, 6, 2, 1])
    expect(["美容院", "salon-1"].map((text) => cut(text, 4))).toEqual(["美…", "sal…"])
    expect([fit("a", 3), fit("a", 3, "right"), fit("abcd", 3)]).toEqual(["a  ", "  a", "ab…"])
    expect(safe("a\u001b[2Jb\u202ec\nd")).toBe("a\ufffd[2Jb\ufffdc\ufffdd")
  })
})
