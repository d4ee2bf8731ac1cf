import type { Clock } from "../clock.ts"
import type { Events } from "../events.ts"
import type { Instruments } from "../loading/instruments.ts"
import type { Backlog } from "../message/backlog.ts"
import type { Metrics, MetricSpecs } from "../metrics.ts"
import { transitions } from "../session.ts"
import type { Sessions } from "../sessions.ts"
import type { System } from "../system.ts"
import type { Slots } from "./slots.ts"

export interface GaugesDeps {
  readonly sessions: Pick<Sessions, "all">
  readonly events: Pick<Events, "subscribers">
  readonly backlog: Pick<Backlog, "read" | "byCompany">
  readonly slots: Pick<Slots, "claim">
  readonly system: System
  readonly clock: Clock
  readonly version: string
}

const STATES = Object.keys(transitions)
const MEMORY = ["rss", "heap_used", "heap_total", "external"] as const
const DELAYS = ["p50", "p99", "max"] as const
const CPU = "whatsapp_cpu_seconds_total"
const WAITING = "whatsapp_company_outbox_messages"
const BUILD = "whatsapp_build_info"
const MS = 1_000
const MICROS = 1_000_000

const gauge = (help: string) => ({ kind: "gauge", help }) as const

export const gaugesFor = (version: string, { runtime }: Pick<System, "runtime">) =>
  ({
    whatsapp_sessions: { ...gauge("Sessions in memory, by status"), labels: { status: STATES } },
    whatsapp_sessions_connected: gauge("Sessions that are connected"),
    whatsapp_outbox_messages: gauge("Messages that wait to be sent, also on lines that are down"),
    [WAITING]: { ...gauge("Messages that wait to be sent, by company"), labels: { company: "company" } },
    whatsapp_outbox_oldest_seconds: gauge("How long the oldest of them has waited"),
    whatsapp_event_subscribers: gauge("Live event subscribers"),
    whatsapp_event_loop_delay_seconds: {
      ...gauge("How late the event loop came to what was due, since the last look"),
      labels: { stat: DELAYS },
    },
    whatsapp_memory_bytes: { ...gauge("Memory of the process"), labels: { kind: MEMORY } },
    [CPU]: { kind: "counter", help: "CPU time of the process, user and system" },
    whatsapp_uptime_seconds: gauge("Time since the server started"),
    [BUILD]: { ...gauge("What is running; always 1"), labels: { version: [version], runtime: [runtime] } },
  }) as const satisfies MetricSpecs

/** What is only known when it is looked at, as declared by `gaugesFor`. Returns how to stop looking. */
export function showGauges(instruments: Instruments, owner: string, deps: GaugesDeps): () => void {
  const { sessions, events, backlog, slots, system, clock, version } = deps
  const metrics = instruments.of(owner) as Metrics<ReturnType<typeof gaugesFor>>
  const loop = system.watchEventLoop()
  const begun = clock.monotonic()
  instruments.show(owner, CPU, () => [{ labels: {}, value: system.resources().cpuMicros / MICROS }])
  instruments.show(owner, WAITING, () => {
    const counts = new Map<string, number>()
    for (const [company, count] of backlog.byCompany()) {
      const name = slots.claim(company)
      counts.set(name, (counts.get(name) ?? 0) + count)
    }
    return [...counts].map(([company, value]) => ({ labels: { company }, value }))
  })
  metrics.set(BUILD, 1, { version, runtime: system.runtime })

  const lookAtSessions = (): void => {
    const counts = new Map(STATES.map((state) => [state, 0]))
    for (const { record } of sessions.all()) counts.set(record.state, (counts.get(record.state) ?? 0) + 1)
    for (const [status, count] of counts) metrics.set("whatsapp_sessions", count, { status })
    metrics.set("whatsapp_sessions_connected", counts.get("connected") ?? 0)
  }

  const lookAtProcess = (): void => {
    const { rss, heapUsed, heapTotal, external } = system.resources()
    const bytes = { rss, heap_used: heapUsed, heap_total: heapTotal, external }
    for (const kind of MEMORY) metrics.set("whatsapp_memory_bytes", bytes[kind], { kind })
    const delay = loop.read()
    for (const stat of DELAYS) metrics.set("whatsapp_event_loop_delay_seconds", delay[stat] / MS, { stat })
    metrics.set("whatsapp_uptime_seconds", (clock.monotonic() - begun) / MS)
  }

  metrics.collect(() => {
    lookAtSessions()
    lookAtProcess()
    const { messages, oldestMs } = backlog.read()
    metrics.set("whatsapp_outbox_messages", messages)
    metrics.set("whatsapp_outbox_oldest_seconds", oldestMs / MS)
    metrics.set("whatsapp_event_subscribers", events.subscribers())
  })
  return loop.stop
}
