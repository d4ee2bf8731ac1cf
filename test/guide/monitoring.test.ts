import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { OutgoingMessage, SendOutcome } from "../../core/provider.ts"
import { type GuideHouse, openGuideHouse, reached } from "./house.ts"
import { differences } from "./shape.ts"
import { hasJq, printed } from "./shell.ts"
import { COMPANY_METRICS, ENDPOINTS, METRICS_STRUCTURE, SHELL } from "./words.ts"

/** The figures of the examples, brought about: what 25 companies have sent, received, lost and won again. */

const COMPANIES = ["company-123", "company-456", ...Array.from({ length: 23 }, (_, index) => `company-${index + 500}`)]
const LOST = COMPANIES.slice(0, 5)
/** What WhatsApp refuses here. */
const REFUSED = "Spam"

let house: GuideHouse
beforeAll(async () => {
  // More than the limit of a minute is sent in one.
  house = await openGuideHouse({ env: { WHATSAPP_RATE_LIMIT_PER_COMPANY: "5000", WHATSAPP_RECONNECT_DELAY: "1" } })
  house.provider.policy = ({ wire }: OutgoingMessage): SendOutcome =>
    new TextDecoder().decode(wire) === REFUSED
      ? { outcome: "refused", code: "479", reason: "not accepted" }
      : { outcome: "acknowledged", at: Date.now() }
  for (const company of COMPANIES) await house.connect(company)
  await Promise.all(LOST.map(loseAndWin))
  await talk("company-123", { sent: 150, received: 200, failed: 5 })
  await talk("company-456", { sent: 850, received: 1300, failed: 5 })
}, 120_000)
afterAll(() => house.stop())

async function loseAndWin(company: string): Promise<void> {
  const lost = house.provider.line(company)
  lost.end("unreachable")
  await reached(() => house.provider.line(company) !== lost)
  await house.provider.line(company).open()
}

async function talk(company: string, { sent, received, failed }: typeof COMPANY_METRICS.metrics.messages) {
  const messages = Array.from({ length: sent + failed }, (_, index) => ({
    phone: `7900${String(1_000_000 + (index % 50))}`,
    message: index < failed ? REFUSED : `Hello, number ${index}`,
  }))
  const { json } = await house.ask("POST", "/api/whatsapp/send/batch", { companyId: company, messages })
  const { intake } = house.provider.line(company).input
  for (let index = 0; index < received; index++) await intake.message(inbound(index))
  const path = `/api/whatsapp/send/batch/${String(json.data.batchId)}`
  await reached(async () => (await house.ask("GET", path)).json.data.done === true)
}

const inbound = (index: number) => {
  const person = { phone: `7900${String(2_000_000 + (index % 50))}`, lid: null }
  return {
    chat: { kind: "person" as const, ...person },
    sender: person,
    fromMe: false,
    wireId: `3A${index}`,
    at: Date.now(),
    pushName: null,
    content: { type: "text" as const, text: "Hello" },
    wire: new Uint8Array(),
    offline: false,
  }
}

const get = async (path: string) => {
  const { status, json } = await house.ask("GET", path)
  expect([path, status, json.success]).toEqual([path, 200, true])
  return json
}

describe("The examples", () => {
  it("show a company's own metrics as they are: 5 of 150 is 3.33%", async () => {
    const answer = await get("/api/whatsapp/metrics/company-123")
    expect(differences(COMPANY_METRICS, answer)).toEqual([])
    const { uptime, ...told } = COMPANY_METRICS.metrics
    expect(answer.metrics).toMatchObject(told)
    expect(typeof uptime).toBe("number")
  })

  it("show those of all as they are: 10 of 2,500 is 0.4%", async () => {
    const { metrics } = await get("/api/whatsapp/metrics")
    expect(differences(METRICS_STRUCTURE, metrics)).toEqual([])
    const { global } = METRICS_STRUCTURE
    const { breakdown: _kinds, ...errors } = global.errors
    expect(metrics).toMatchObject({ global: { ...global, errors } })
    const { breakdown } = (metrics as typeof METRICS_STRUCTURE).global.errors
    // WhatsApp's own refusals are of the network's kind.
    expect(breakdown).toEqual({ TIMEOUT: 0, NETWORK: 10, AUTH: 0, OTHER: 0 })
  })

  it("show each company among all as by itself", async () => {
    const all = (await get("/api/whatsapp/metrics")) as unknown as { metrics: typeof METRICS_STRUCTURE }
    expect(Object.keys(all.metrics.companies)).toEqual(expect.arrayContaining(COMPANIES))
    for (const company of ["company-123", "company-456"] as const) {
      expect(differences(COMPANY_METRICS.metrics, all.metrics.companies[company])).toEqual([])
    }
  })
})

const LATENCY = { avg: 1, min: 1, max: 1, p50: 1, p95: 1, p99: 1, samples: 1 }
const COMPANY = COMPANY_METRICS.metrics
const PERFORMANCE = { messageLatency: LATENCY, sessionInitTime: LATENCY, reconnectTime: LATENCY }
const RATE = { messagesPerSecond: 1, messagesPerMinute: 1, window: 1 }
const ALERT = { type: "", severity: "", message: "", value: 1, threshold: 1, since: "" }
const { global: GLOBAL, companies: PER_COMPANY } = METRICS_STRUCTURE

/** What each endpoint of the table answers; without an example it is as those who call such servers know it. */
const SHAPES: Readonly<Record<string, object>> = {
  "GET /api/whatsapp/metrics": { metrics: { uptime: 1, global: GLOBAL, companies: PER_COMPANY } },
  "GET /api/whatsapp/metrics/:companyId": { metrics: COMPANY },
  "GET /api/whatsapp/metrics/companies/all": { companies: { "company-123": COMPANY }, count: 1 },
  "GET /api/whatsapp/metrics/performance": { performance: PERFORMANCE },
  "GET /api/whatsapp/metrics/timeseries": { metric: "", duration: 1, data: [{ timestamp: 1, value: 1 }] },
  "GET /api/whatsapp/metrics/rate": { rate: RATE },
  "GET /api/whatsapp/metrics/alerts": { alerts: [ALERT], thresholds: {}, hasAlerts: true },
  "GET /api/whatsapp/health/metrics": {
    status: "",
    checks: {},
    sessions: { "company-123": { status: "", connected: true } },
    metrics: { global: GLOBAL, companies: PER_COMPANY },
    alerts: [ALERT],
    system: { uptime: 1, memory: { rss: 1, heapUsed: 1 } },
  },
}

describe("The table of endpoints", () => {
  it.each(ENDPOINTS)("%s tells of: %s", async (endpoint) => {
    const answer = await get(endpoint.replace("GET ", "").replace(":companyId", "company-123"))
    expect(differences({ success: true, timestamp: 1, ...SHAPES[endpoint] }, answer)).toEqual([])
  })

  it("counts all companies, and takes no word of its own for one", async () => {
    const { companies, count } = await get("/api/whatsapp/metrics/companies/all")
    expect([count, Object.keys(companies as object).length]).toEqual([COMPANIES.length, COMPANIES.length])
    expect((await house.ask("GET", "/api/whatsapp/metrics/company-789")).status).toBe(404)
  })
})

describe("A shell", () => {
  // The port of this server stands where users have their own; where there is no jq, Node reads what it would.
  const typed = (lines: string): string => {
    const here = lines.replaceAll("http://localhost:3000", `-sS ${house.url}`)
    const read = `node -e "process.stdin.resume().on('data', (part) => process.stdout.write(part))"`
    return hasJq() ? here : here.replaceAll("jq .", read)
  }

  it("checks the health: sessions, metrics, alerts and resources", async () => {
    const [output = ""] = await printed(typed(SHELL.checkHealth))
    const shown = JSON.parse(output) as Record<string, object>
    expect(differences(SHAPES["GET /api/whatsapp/health/metrics"], shown)).toEqual([])
    expect(shown.sessions).toMatchObject({ "company-123": { status: "connected", connected: true } })
    expect(shown.metrics).toMatchObject({ global: { messagesSent: 1000 } })
  })

  it("shows everything at once, one company, and the alerts", async () => {
    const [all, company, alerts] = (await printed(typed(SHELL.dashboard))).map(
      (output) => JSON.parse(output) as Record<string, object>,
    )
    const exported = { global: GLOBAL, companies: PER_COMPANY, performance: PERFORMANCE, rate: RATE, alerts: [ALERT] }
    expect(differences({ success: true, export: { ...exported, timeseries: {} }, timestamp: 1 }, all)).toEqual([])
    expect(all?.export).toMatchObject({ global: { messagesSent: 1000, errors: { rate: "0.4%" } } })
    expect(company?.metrics).toMatchObject({ messages: { sent: 150 }, errors: { rate: "3.33%" } })
    expect(alerts).toMatchObject({ success: true, alerts: [], hasAlerts: false })
  })
})
