import { describe, expect, it } from "vitest"
import { definePlugin } from "../../core/plugin.ts"
import { answers } from "../../plugins/metrics/schemas.ts"
import { percent } from "../../plugins/metrics/percent.ts"
import { session } from "./house.ts"
import { openMetrics } from "./metrics-house.ts"

/** What the guide shows of the whole server. */
const GUIDE_GLOBAL = {
  messagesSent: 1000,
  messagesReceived: 1500,
  sessions: { active: 25, connections: 30, disconnections: 5 },
  errors: { total: 10, rate: "0.4%", breakdown: { TIMEOUT: 5, NETWORK: 3, AUTH: 2 } },
}

/** What the guide shows of a company. */
const GUIDE_COMPANY = {
  companyId: "company-123",
  uptime: 3600000,
  messages: { sent: 150, received: 200, failed: 5 },
  errors: { total: 5, rate: "3.33%" },
}

const guideCounts = {
  sent: 150,
  received: 200,
  failed: 5,
  "error:TIMEOUT": 3,
  "error:NETWORK": 1,
  "error:AUTH": 1,
  connections: 2,
  disconnections: 1,
  mediaSent: 12,
  mediaReceived: 30,
} as const

describe("A share in percent", () => {
  it.each([
    [5, 150, "3.33%"],
    [10, 2_500, "0.4%"],
    [0, 0, "0%"],
    [3, 0, "0%"],
    [0, 7, "0%"],
    [1, 2, "50%"],
    [1, 3, "33.33%"],
    [2, 3, "66.67%"],
    [1, 8, "12.5%"],
    [201, 20_000, "1.01%"],
    [1, 1_000, "0.1%"],
    [1, 10_000, "0.01%"],
    [1, 1_000_000, "0%"],
    [7, 7, "100%"],
    [9, 7, "100%"],
    [999_999, 1_000_000, "100%"],
  ])("of %i in %i is %s %s", (part, whole, text) => {
    expect(percent(part, whole)).toBe(text)
  })
})

describe("The guide's figures", () => {
  it("of a company are what the guide shows, and what else is promised", async () => {
    const house = await openMetrics()
    await house.count("company-123", guideCounts)
    house.sessions = [
      session("company-123", { connectedAt: house.clock.now() - 3_600_000, lastActivity: house.clock.now() - 1_000 }),
    ]
    const { status, json } = await house.read("/company-123")
    expect(json).toEqual({
      success: true,
      metrics: {
        ...GUIDE_COMPANY,
        errors: { ...GUIDE_COMPANY.errors, breakdown: { TIMEOUT: 3, NETWORK: 1, AUTH: 1, OTHER: 0 } },
        sessions: { active: 1, connections: 2, disconnections: 1 },
        media: { sent: 12, received: 30 },
        lastActivity: "2025-12-31T23:59:59.000Z",
      },
      timestamp: house.clock.now(),
    })
    expect(status).toBe(200)
    await house.stop()
  })

  it("of the whole server are what the guide shows, with each company beneath", async () => {
    const house = await openMetrics()
    await house.count("company-456", { sent: 850, received: 1_300, failed: 5, "error:TIMEOUT": 2, connections: 28 })
    await house.count("company-456", { "error:NETWORK": 2, "error:AUTH": 1, disconnections: 4 })
    await house.count("company-123", guideCounts)
    house.sessions = Array.from({ length: 30 }, (_, at) =>
      session(`line-${at}`, at < 25 ? {} : { status: "disconnected", connected: false }),
    )
    await house.clock.advance(5_000)
    const { json } = await house.read("")
    expect(json).toMatchObject({
      success: true,
      metrics: { uptime: 5_000, global: GUIDE_GLOBAL },
      timestamp: house.clock.now(),
    })
    const { global, companies } = json["metrics"] as { global: object; companies: object }
    expect(Object.keys(json)).toEqual(["success", "metrics", "timestamp"])
    expect(Object.keys(global)).toEqual(Object.keys(GUIDE_GLOBAL))
    expect(Object.keys(companies)).toEqual(["company-123", "company-456"])
    expect(companies).toMatchObject({ "company-123": { messages: GUIDE_COMPANY.messages } })
    await house.stop()
  })

  it("have every class of errors, and those add up", async () => {
    const house = await openMetrics()
    await house.count("a", { sent: 4, failed: 3, "error:OTHER": 2, "error:TIMEOUT": 1 })
    for (const [path, rate] of [
      ["", "75%"],
      ["/a", "75%"],
    ] as const) {
      const { json } = await house.read(path)
      const errors = JSON.stringify(json).match(/"errors":(\{[^}]*\}\})/)?.[1] ?? ""
      expect(JSON.parse(errors)).toEqual({
        total: 3,
        rate,
        breakdown: { TIMEOUT: 1, NETWORK: 0, AUTH: 0, OTHER: 2 },
      })
    }
    await house.stop()
  })

  it("begin with zeros for a company that nothing was counted for", async () => {
    const house = await openMetrics()
    house.companies["quiet"] = {}
    expect((await house.read("/quiet")).json["metrics"]).toEqual({
      companyId: "quiet",
      uptime: 0,
      messages: { sent: 0, received: 0, failed: 0 },
      errors: { total: 0, rate: "0%", breakdown: { TIMEOUT: 0, NETWORK: 0, AUTH: 0, OTHER: 0 } },
      sessions: { active: 0, connections: 0, disconnections: 0 },
      media: { sent: 0, received: 0 },
      lastActivity: null,
    })
    const unknown = await house.read("/nobody")
    expect([unknown.status, unknown.json.error.code]).toEqual([404, "NOT_FOUND"])
    await house.stop()
  })

  it("say 0 for the uptime of a line that is not connected, also when the clock was set back", async () => {
    const house = await openMetrics()
    const now = house.clock.now()
    for (const company of ["away", "ahead"]) await house.count(company, { sent: 1 })
    house.sessions = [
      session("away", { status: "reconnecting", connected: false, connectedAt: now - 5_000 }),
      session("ahead", { connectedAt: now + 5_000 }),
    ]
    const { json } = await house.read("/companies/all")
    expect(json["companies"]).toMatchObject({ away: { uptime: 0 }, ahead: { uptime: 0 } })
    expect(json["count"]).toBe(2)
    await house.stop()
  })

  it("tell of times what was measured", async () => {
    const house = await openMetrics()
    const none = { avg: 0, min: 0, max: 0, p50: 0, p95: 0, p99: 0, samples: 0 }
    expect((await house.read("/performance")).json).toEqual({
      success: true,
      performance: { messageLatency: none, sessionInitTime: none, reconnectTime: none },
      timestamp: house.clock.now(),
    })
    await house.stop()
  })
})

describe("The document", () => {
  it("tells of everything that is answered, and of nothing else", async () => {
    const house = await openMetrics()
    await house.count("company-123", guideCounts)
    house.sessions = [session("company-123", { lastActivity: house.clock.now() })]
    await house.clock.advance(60_000)
    const routes = {
      "": answers.report,
      "/company-123": answers.company,
      "/companies/all": answers.companies,
      "/performance": answers.performance,
      "/timeseries": answers.timeseries,
      "/rate": answers.rate,
      "/export": answers.export,
    }
    for (const [path, schema] of Object.entries(routes)) {
      const { json } = await house.read(path)
      expect([path, schema.strict().parse(json)]).toEqual([path, json])
    }
    const done = await house.call("POST", "/api/whatsapp/metrics/reset", { headers: { "x-api-key": "admin" } })
    expect(answers.reset.strict().parse(done.json)).toEqual(done.json)
    await house.stop()
  })

  it("shows the guide's own figures as examples", async () => {
    const house = await openMetrics()
    const document = JSON.stringify(house.http.document())
    for (const figures of [GUIDE_GLOBAL.sessions, GUIDE_COMPANY.messages]) {
      expect(document).toContain(JSON.stringify(figures))
    }
    for (const rate of ["3.33%", "0.4%"]) expect(document).toContain(`"rate":"${rate}"`)
    await house.stop()
  })
})

describe("A company's key", () => {
  it("sees its own company's figures and no others", async () => {
    const house = await openMetrics()
    await house.count("a", { sent: 1 })
    await house.count("b", { sent: 2 })
    const all = await house.read("/companies/all", "reader-a")
    expect([Object.keys(all.json["companies"] as object), all.json["count"]]).toEqual([["a"], 1])
    expect((await house.read("/a", "reader-a")).status).toBe(200)
    for (const path of ["/b", "/nobody", "", "/performance", "/timeseries", "/rate", "/export"]) {
      const answer = await house.read(path, "reader-a")
      expect([path, answer.status, answer.json.error.code]).toEqual([path, 403, "FORBIDDEN"])
    }
    const foreign = { headers: { "x-api-key": "company-a" } }
    expect((await house.call("POST", "/api/whatsapp/metrics/reset", foreign)).status).toBe(403)
    expect((await house.call("GET", "/metrics", foreign)).status).toBe(403)
    await house.stop()
  })

  it("sees zeros of a company without traffic", async () => {
    const house = await openMetrics()
    house.companies["a"] = {}
    expect((await house.read("/companies/all", "reader-a")).json).toMatchObject({
      companies: { a: { messages: { sent: 0 } } },
      count: 1,
    })
    await house.stop()
  })
})

describe("The words under /metrics/", () => {
  it("are routes for whoever calls them, and no company can be called so", async () => {
    const house = await openMetrics()
    for (const word of ["performance", "timeseries", "rate", "export", "companies/all"]) {
      const { status, json } = await house.read(`/${word}`)
      expect([word, status, Object.hasOwn(json, "metrics")]).toEqual([word, 200, false])
    }
    for (const name of [
      "companies",
      "reset",
      "all",
      "Rate",
      "PERFORMANCE",
      "timeSeries",
      "alerts",
      "__proto__",
      "al%6C",
    ]) {
      const { status, json } = await house.read(`/${name}`)
      expect([name, status, json.error.code]).toEqual([name, 400, "INVALID_COMPANY_ID"])
    }
    await house.stop()
  })

  it("take nothing away from companies whose names are like them", async () => {
    const house = await openMetrics()
    for (const name of ["rates", "global", "performance-1", "reset.", "toJSON", "length"]) {
      await house.count(name, { sent: 1 })
      const { status, json } = await house.read(`/${name}`)
      expect([name, status, (json["metrics"] as { companyId: string }).companyId]).toEqual([name, 200, name])
    }
    expect((await house.read("/companies/all")).json["count"]).toBe(6)
    await house.stop()
  })
})

describe("With metrics disabled", () => {
  it("every route says so to a caller who would be allowed, and nothing is armed", async () => {
    const house = await openMetrics({ enabled: false })
    expect(house.clock.armed).toBe(0)
    await house.count("a", { sent: 1 })
    const paths = [
      "",
      "/a",
      "/nobody",
      "/companies/all",
      "/performance",
      "/timeseries?metric=nothing",
      "/rate?window=x",
    ]
    for (const path of [...paths, "/export"]) {
      const answer = await house.read(path)
      expect([path, answer.status, answer.json.error.code]).toEqual([path, 404, "METRICS_DISABLED"])
    }
    const admin = { headers: { "x-api-key": "admin" } }
    const others = [
      await house.call("GET", "/metrics", admin),
      await house.call("POST", "/api/whatsapp/metrics/reset", admin),
    ]
    for (const { status, json } of others) expect([status, json.error.code]).toEqual([404, "METRICS_DISABLED"])
    expect((await house.call("GET", "/metrics")).status).toBe(401)
    expect((await house.read("/b", "reader-a")).status).toBe(403)
    await house.stop()
  })
})

describe("The export", () => {
  const alert = { type: "memory", severity: "warning", message: "Much", value: 900, threshold: 500 }
  const own = { ...alert, type: "lost", since: "2026-01-01T00:00:00.000Z", companyId: "a" }
  const alerting = definePlugin({
    name: "judge",
    description: "Judges",
    provides: ["alerts"],
    setup({ provide }) {
      provide("alerts", {
        current: () => [{ ...alert, since: "2025-12-31T00:00:00.000Z" }, own],
        thresholds: () => ({}),
      })
    },
  })

  it("holds everything that the other routes show", async () => {
    const house = await openMetrics({ plugins: [[alerting, {}]] })
    await house.count("a", { sent: 2, received: 1 })
    await house.clock.advance(60_000)
    const { json } = await house.read("/export")
    expect(Object.keys(json)).toEqual(["success", "export", "timestamp"])
    const part = async (path: string, key: string) => (await house.read(path)).json[key]
    const timeseries: Record<string, unknown> = {}
    const names = ["Sent", "Received", "Failed", "PerMinute"].map((name) => `messages${name}`)
    for (const metric of [...names, "errors", "activeSessions", "memoryMb"]) {
      timeseries[metric] = await part(`/timeseries?metric=${metric}`, "data")
    }
    const report = (await part("", "metrics")) as { global: unknown; companies: unknown }
    expect(json["export"]).toEqual({
      global: report.global,
      companies: report.companies,
      performance: await part("/performance", "performance"),
      timeseries,
      rate: await part("/rate", "rate"),
      alerts: [{ ...alert, since: "2025-12-31T00:00:00.000Z" }, own],
    })
    await house.stop()
  })

  it("has no alerts where nobody judges", async () => {
    const house = await openMetrics()
    expect((await house.read("/export")).json["export"]).toMatchObject({ alerts: [] })
    await house.stop()
  })
})

describe("Another plugin", () => {
  it("is told the same figures", async () => {
    let figures: { report(): object } | undefined
    const wanting = definePlugin({
      name: "wanting",
      description: "Wants",
      wants: ["figures"],
      setup({ want, on }) {
        on("app:ready", () => {
          figures = want("figures")
        })
      },
    })
    const house = await openMetrics({ plugins: [[wanting, {}]] })
    await house.count("a", { sent: 2 })
    house.hooks.observe("app:ready", { url: "" })
    await house.hooks.drain()
    expect(JSON.parse(JSON.stringify(figures?.report()))).toEqual((await house.read("")).json["metrics"])
    await house.stop()
  })
})
