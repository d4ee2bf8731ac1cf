import { afterEach, describe, expect, it } from "vitest"
import type { Metrics, MetricSnapshot } from "../../core/metrics.ts"
import { definePlugin } from "../../core/plugin.ts"
import { startWhole, type Whole } from "../http/whole.ts"

let house: Whole | undefined
afterEach(async () => {
  await house?.stop()
  house = undefined
})

/** A house, and a plugin in it that looks at every instrument. */
async function open(env: Readonly<Record<string, string>> = {}) {
  let seen: Metrics | undefined
  const watcher = definePlugin({
    name: "watcher",
    description: "Looks",
    metrics: { watcher_looks_total: { kind: "counter", help: "Looks" } },
    setup({ metrics }) {
      seen = metrics as unknown as Metrics
    },
  })
  house = await startWhole(env, [watcher])
  const snapshot = (): readonly MetricSnapshot[] => seen?.snapshot() ?? []
  const series = (name: string) => snapshot().find((metric) => metric.name === name)?.series ?? []
  const value = (name: string, labels: Record<string, string> = {}): number | undefined => {
    const found = series(name).find((one) =>
      Object.entries(labels).every(([label, text]) => one.labels[label] === text),
    )
    return found && ("value" in found ? found.value : found.count)
  }
  return { house, snapshot, value }
}

async function connect(whole: Whole): Promise<void> {
  await whole.call("POST", "/api/whatsapp/sessions/acme/initialize", {})
  await whole.provider.line("acme").link()
  await expect.poll(() => whole.provider.connections.length).toBe(2)
  await whole.provider.line("acme").open()
}

const message = { companyId: "acme", phone: "79001234567", message: "hello" }

describe("the house's own instruments", () => {
  it("tell of lines, messages, waits, stores, requests and the process", async () => {
    const { house: whole, value, snapshot } = await open()
    await connect(whole)
    expect((await whole.call("POST", "/api/whatsapp/send", message)).status).toBe(200)
    expect((await whole.call("GET", "/api/whatsapp/sessions/nobody")).status).toBe(404)
    expect(value("whatsapp_sessions", { status: "connected" })).toBe(1)
    expect(value("whatsapp_sessions", { status: "failed" })).toBe(0)
    expect(value("whatsapp_sessions_connected")).toBe(1)
    expect(value("whatsapp_connections_total", { company: "acme" })).toBe(1)
    expect(value("whatsapp_messages_sent_total", { company: "acme" })).toBe(1)
    expect(value("whatsapp_message_send_seconds")).toBe(1)
    expect(value("whatsapp_message_wait_seconds")).toBe(1)
    expect(value("whatsapp_outbox_messages")).toBe(0)
    expect(value("whatsapp_event_subscribers")).toBe(0)
    expect(value("whatsapp_http_requests_total", { status: "2xx" })).toBeGreaterThan(1)
    expect(value("whatsapp_http_requests_total", { status: "4xx" })).toBe(1)
    expect(value("whatsapp_http_request_seconds")).toBeGreaterThan(2)
    expect(value("whatsapp_storage_seconds", { store: "ledger", operation: "commit" })).toBeGreaterThan(2)
    expect(value("whatsapp_storage_seconds", { store: "ledger", operation: "get" })).toBeGreaterThan(0)
    expect(value("whatsapp_storage_seconds", { store: "memory", operation: "load" })).toBeGreaterThan(0)
    expect(value("whatsapp_storage_seconds", { store: "memory", operation: "commit" })).toBeGreaterThan(0)
    expect(value("whatsapp_event_loop_delay_seconds", { stat: "max" })).toBeGreaterThanOrEqual(0)
    expect(value("whatsapp_memory_bytes", { kind: "rss" })).toBeGreaterThan(1_000_000)
    expect(value("whatsapp_cpu_seconds_total")).toBeGreaterThan(0)
    expect(value("whatsapp_uptime_seconds")).toBeGreaterThan(0)
    expect(value("whatsapp_build_info", { runtime: "node" })).toBe(1)
    for (const { labels, name } of snapshot().flatMap(({ series, name }) => series.map((one) => ({ ...one, name })))) {
      expect(JSON.stringify(labels), name).not.toMatch(/7900|hello|\/api\//)
    }
  })

  it("see what waits on a line that is down", async () => {
    const { house: whole, value } = await open()
    await connect(whole)
    whole.provider.line("acme").end("unreachable")
    await expect.poll(() => value("whatsapp_disconnections_total", { company: "acme" })).toBe(1)
    expect((await whole.call("POST", "/api/whatsapp/send", message)).status).toBe(202)
    expect(value("whatsapp_outbox_messages")).toBe(1)
    expect(value("whatsapp_message_wait_seconds")).toBe(0)
    await expect.poll(() => value("whatsapp_outbox_oldest_seconds")).toBeGreaterThan(0)
  })

  it("are not there where WHATSAPP_METRICS_ENABLED is false", async () => {
    const { house: whole, snapshot } = await open({ WHATSAPP_METRICS_ENABLED: "false" })
    await connect(whole)
    expect((await whole.call("POST", "/api/whatsapp/send", message)).status).toBe(200)
    expect(snapshot().filter(({ owner }) => owner === "core")).toEqual([])
  })
})
