import { once } from "node:events"
import { copyFile, readFile, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { parse } from "yaml"
import { read, root } from "../house/source.ts"
import { openStage, type Stage } from "../runtime/stage.ts"
import { createTraffic } from "../runtime/traffic.ts"
import { temporaryFolder } from "../support/folder.ts"
import { until } from "../support/platform.ts"
import { type Prometheus, prometheusMissing, promtool, startPrometheus } from "../support/prometheus.ts"
import { expressions, readDashboard } from "./dashboard.ts"

/** Dashboard and alert rules, held against a server that works and the Prometheus that scrapes it. */

const MINUTES = 180_000
vi.setConfig({ testTimeout: MINUTES, hookTimeout: MINUTES })

const KEY = "an-admin-key-of-enough-characters"
const RULES = join(root, "config/prometheus/alerts.yml")
/** Longer than anything here takes, so that every increase is in it. */
const WINDOW = "5m"
const dashboard = readDashboard()

describe("the dashboard", () => {
  it("has panels that neither overlap nor share an id, and all of them go by the chosen data source", () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const overlap = (a: (typeof panels)[number]["gridPos"], b: typeof a): boolean =>
      a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
    for (const [index, one] of panels.entries()) {
      expect(one.gridPos.x + one.gridPos.w, one.title).toBeLessThanOrEqual(24)
      for (const other of panels.slice(index + 1))
        expect(overlap(one.gridPos, other.gridPos), `${one.title}, ${other.title}`).toBe(false)
    }
    const sources = panels.flatMap(({ datasource, targets = [] }) => [datasource, ...targets.map((t) => t.datasource)])
    expect(new Set(sources.flatMap((source) => (source ? [source.uid] : [])))).toEqual(new Set(["${datasource}"]))
    expect(dashboard.templating.list.map(({ name }) => name)).toContain("datasource")
  })
})

describe.skipIf(prometheusMissing !== "")(`promtool${prometheusMissing}`, () => {
  it("finds nothing wrong with the rules, and each alert says what it is about and how bad it is", () => {
    const { status, text } = promtool(["check", "rules", "--lint=all", "--lint-fatal", RULES])
    expect(text).toContain("SUCCESS")
    expect(status).toBe(0)
    for (const { alert, labels, annotations } of rules()) {
      expect(["critical", "warning"], alert).toContain(labels.severity)
      expect(Object.keys(annotations), alert).toEqual(["summary", "description"])
    }
  })

  it("sees the rules fire when they should, and be silent when they should", () => {
    const { status, text } = promtool(["test", "rules", join(root, "config/prometheus/alerts.test.yml")])
    expect(text).toContain("SUCCESS")
    expect(status).toBe(0)
  })

  it("finds nothing wrong with the configuration", async () => {
    const folder = await temporaryFolder()
    try {
      await copyFile(RULES, join(folder.path, "alerts.yml"))
      await writeFile(join(folder.path, "api-key"), KEY)
      const config = await readFile(join(root, "config/prometheus/prometheus.yml"), "utf8")
      // Where the compose file mounts them.
      const here = config.replace("/etc/prometheus/", `${folder.path}/`).replace("/run/secrets/", `${folder.path}/`)
      await writeFile(join(folder.path, "prometheus.yml"), here)
      const { status, text } = promtool(["check", "config", join(folder.path, "prometheus.yml")])
      expect(text).toContain("1 rule files found")
      expect(status).toBe(0)
    } finally {
      await folder.remove()
    }
  })
})

describe.skipIf(prometheusMissing !== "")(`a server that is scraped${prometheusMissing}`, () => {
  let stage: Stage
  let prometheus: Prometheus
  let receiver: Server

  beforeAll(async () => {
    receiver = createServer((_, answer) => void answer.writeHead(204).end()).listen(0, "127.0.0.1")
    await once(receiver, "listening")
    // One alert of its own: there is no server that small.
    stage = await openStage({
      env: {
        WHATSAPP_API_KEY: KEY,
        WHATSAPP_ALERTING_ENABLED: "true",
        WHATSAPP_ALERT_WEBHOOK: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alerts`,
        WHATSAPP_ALERT_MEMORY_MB: "1",
      },
    })
    prometheus = await startPrometheus({ scrape: `${stage.platform.url}/metrics`, key: KEY, ruleFiles: [RULES] })
    await prometheus.until("up", ([up]) => up?.value === 1)
    await stage.link(2)
    await traffic(stage)
    await prometheus.until("sum(whatsapp_messages_failed_total)", ([failed]) => failed?.value === 1)
    await prometheus.until("sum(rate(whatsapp_deliveries_total[5m]))", (series) => series.length > 0, 60_000)
  })
  afterAll(async () => {
    await prometheus?.stop()
    await stage?.close()
    receiver?.close()
  })

  it.each(expressions(dashboard, WINDOW))("the dashboard's $of shows something: $expr", async ({ expr }) => {
    // A quantile is no number until a scrape has seen what happened last.
    const known = (found: readonly { readonly value: number }[]) => found.some(({ value }) => Number.isFinite(value))
    expect(known(await prometheus.until(expr, known, 30_000))).toBe(true)
  })

  it("every series that a rule is about is there", async () => {
    const names = new Set(rules().flatMap(({ expr }) => expr.match(/\b(?:whatsapp|alerting)_\w+|\bup\b/g) ?? []))
    expect(names.size).toBeGreaterThan(10)
    const counts = await Promise.all([...names].map((name) => prometheus.query(`count({__name__="${name}"})`)))
    expect([...names].filter((_, index) => counts[index]?.length === 0)).toEqual([])
  })

  it("every rule can be evaluated, and the only one that fires passes on what the server itself reports", async () => {
    await prometheus.until('ALERTS{alertname="SwitchboardAlert",alertstate="firing"}', ([alert]) => alert !== undefined)
    const found = (await prometheus.rules()).flatMap((group) => group.rules)
    // A machine that is busy right now may be on the way to an alert; it takes minutes to get there.
    const seen = found.map(({ name, health, lastError = "", state }) => {
      return { name, health, lastError, fires: state === "firing" }
    })
    const wanted = rules().map(({ alert }) => {
      return { name: alert, health: "ok", lastError: "", fires: alert === "SwitchboardAlert" }
    })
    const byName = (one: { name: string }, other: { name: string }): number => (one.name < other.name ? -1 : 1)
    expect(seen.sort(byName)).toEqual(wanted.sort(byName))
  })
})

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

function rules(): readonly Rule[] {
  const { groups } = parse(read("config/prometheus/alerts.yml")) as { groups: readonly { rules: readonly Rule[] }[] }
  return groups.flatMap((group) => group.rules)
}

/** Something of everything that is counted: sent, received, failed, and a line that is lost and comes back. */
async function traffic(stage: Stage): Promise<void> {
  const { sandbox, platform, companies } = stage
  const contact = await stage.phone("4915112340001")
  const { send, write } = createTraffic(stage)
  for (const company of companies) {
    await send(company, contact)
    await write(contact, company)
  }
  const [first] = companies
  if (first === undefined) throw new Error("No company is linked")
  await sandbox.fault({ kind: "refuse-message", line: first.number, count: 1 })
  expect((await send(first, contact)).status).toBeGreaterThanOrEqual(400)
  const measured = (what: "sessionInitTime" | "reconnectTime") =>
    until(what, 30_000, async () => {
      const { body } = await platform.call("GET", "/api/whatsapp/metrics/performance")
      const times = body["performance"] as Readonly<Record<typeof what, { readonly samples: number }>>
      return times[what].samples > 0 ? true : undefined
    })
  await first.line.cut()
  await measured("reconnectTime")
  await platform.call("POST", `/api/whatsapp/sessions/${first.id}/disconnect`)
  await platform.call("POST", `/api/whatsapp/sessions/${first.id}/initialize`, {})
  await measured("sessionInitTime")
}
