import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Prometheus, prometheusMissing, promtool, startPrometheus } from "../support/prometheus.ts"
import { openStage, type Stage } from "./stage.ts"
import { createTraffic } from "./traffic.ts"

const KEY = "admin-key-of-24-characters"
const MINUTE = 60_000
const COMPANIES = 2
const EACH = 3

describe.skipIf(prometheusMissing !== "")(`Prometheus${prometheusMissing}`, () => {
  let stage: Stage
  let prometheus: Prometheus
  /** What must be nowhere in what is scraped. */
  const sensitive: string[] = []

  beforeAll(async () => {
    stage = await openStage({ compiled: true, env: { WHATSAPP_API_KEY: KEY, WHATSAPP_METRICS_INTERVAL: "500" } })
    const [, companies] = await Promise.all([
      startPrometheus({ scrape: `${stage.platform.url}/metrics`, key: KEY }).then((started) => (prometheus = started)),
      stage.link(COMPANIES),
    ])
    const contact = await stage.phone("4915112340001")
    const traffic = createTraffic(stage)
    for (const company of companies) {
      for (let i = 0; i < EACH; i++) await traffic.send(company, contact)
      await traffic.write(contact, company)
      sensitive.push(company.number)
    }
    sensitive.push(contact.number, "to contact", "s.whatsapp.net")
    sensitive.push(...traffic.sent.flatMap(({ messageId }) => messageId ?? []))
    // One that fails, so that there is a text of an error that could stand somewhere.
    const unknown = { companyId: companies[0]?.id, phone: "4915199999999", message: "hi" }
    const refused = await stage.platform.call("POST", "/api/whatsapp/send", unknown)
    sensitive.push("4915199999999", (refused.body.error as { message: string }).message)
  }, 2 * MINUTE)
  afterAll(async () => {
    await prometheus?.stop()
    await stage?.close()
  })

  const scrape = async (): Promise<{ type: string | null; text: string }> => {
    const answer = await fetch(`${stage.platform.url}/metrics`, { headers: { authorization: `Bearer ${KEY}` } })
    expect(answer.status).toBe(200)
    return { type: answer.headers.get("content-type"), text: await answer.text() }
  }

  it("has nothing to object to in what is scraped", { timeout: MINUTE }, async () => {
    const { type, text } = await scrape()
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8")
    expect(text.split("\n").filter((line) => line.startsWith("# TYPE")).length).toBeGreaterThan(5)
    expect(promtool(["check", "metrics"], text)).toEqual({ status: 0, text: "" })
  })

  it("counts what WhatsApp has acknowledged", { timeout: MINUTE }, async () => {
    const views = await Promise.all(stage.companies.map(({ line }) => line.view()))
    const acknowledged = views.reduce((sum, { acks }) => sum + acks, 0)
    expect(acknowledged).toBe(COMPANIES * EACH)
    await prometheus.until("sum(whatsapp_messages_sent_total)", ([sum]) => sum?.value === acknowledged)
    const each = await prometheus.query("sum by (company) (whatsapp_messages_sent_total)")
    expect(Object.fromEntries(each.map(({ labels, value }) => [labels["company"], value]))).toEqual({
      "company-1": EACH,
      "company-2": EACH,
      other: 0,
    })
    await prometheus.until("sum(whatsapp_messages_received_total)", ([sum]) => sum?.value === COMPANIES)
  })

  it("goes on counting where the JSON figures begin anew", { timeout: MINUTE }, async () => {
    expect((await stage.platform.call("POST", "/api/whatsapp/metrics/reset")).status).toBe(200)
    const { body } = await stage.platform.call("GET", "/api/whatsapp/metrics")
    expect(body["metrics"]).toMatchObject({ global: { messagesSent: 0, messagesReceived: 0 } })
    const contact = await stage.phone("4915112340002")
    const [company] = stage.companies
    if (company !== undefined) await createTraffic(stage, "again ").send(company, contact)
    const more = COMPANIES * EACH + 1
    await prometheus.until("sum(whatsapp_messages_sent_total)", ([sum]) => sum?.value === more)
    const counters = [...(await scrape()).text.matchAll(/^# TYPE (\w+) counter$/gm)].map(([, name]) => name)
    expect(counters.length).toBeGreaterThan(3)
    const back = await Promise.all(counters.map((name) => prometheus.query(`max(resets(${name}[1m])) or vector(0)`)))
    expect(new Set(back.flat().map(({ value }) => value))).toEqual(new Set([0]))
  })

  it("is shown nothing that only a company may know", { timeout: MINUTE }, async () => {
    const { text } = await scrape()
    for (const secret of sensitive) expect(text).not.toContain(secret)
    const labels = [...text.matchAll(/(\w+)="([^"]*)"/g)].filter(([, label]) => label !== "le")
    for (const [, label, value] of labels) {
      // No phone has fewer digits, and no path or sentence is one word.
      expect([label, value?.replace(/\d{7,}|[/\s@]/, "…")]).toEqual([label, value])
    }
  })

  it("goes on after a kill -9, and so do the new zero and the samples", { timeout: MINUTE }, async () => {
    const counts = async () => (await scrape()).text.match(/^whatsapp_messages_(sent|received)_total.*$/gm)?.sort()
    const before = await counts()
    await stage.platform.kill()
    const killedAt = Date.now()
    await stage.start()
    expect(await counts()).toEqual(before)
    const { body } = await stage.platform.call("GET", "/api/whatsapp/metrics")
    expect(body["metrics"]).toMatchObject({ global: { messagesSent: 1, messagesReceived: 0 } })
    const series = await stage.platform.call("GET", "/api/whatsapp/metrics/timeseries?metric=messagesSent")
    const points = series.body["data"] as { timestamp: number; value: number }[]
    expect(points.filter(({ timestamp }) => timestamp < killedAt).length).toBeGreaterThan(0)
    expect(points.at(-1)?.value).toBe(1)
  })

  it("is told 401 without a key", async () => {
    const answer = await fetch(`${stage.platform.url}/metrics`)
    expect(answer.status).toBe(401)
  })
})
