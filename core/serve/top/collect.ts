import { SwitchboardError } from "../client/error.ts"
import type { Client } from "../client/index.ts"
import type { Alert, Company, Errors, Fault, Figures, Queue } from "./figures.ts"
import { readSamples } from "./prometheus.ts"

/** The figures of a server, from whatever its plugins tell. */

export const DEPTH = "whatsapp_outbox_messages"
export const BY_COMPANY = "whatsapp_company_outbox_messages"
export const AGE = "whatsapp_outbox_oldest_seconds"
const NAMES: ReadonlySet<string> = new Set([DEPTH, BY_COMPANY, AGE])
const HEALTH = "/api/whatsapp/health/metrics"

type Fields = Readonly<Record<string, unknown>>

/** Rejects with a SwitchboardError when the server cannot be asked, or does not let this key ask. */
export async function collect(client: Pick<Client, "request">): Promise<Figures> {
  const ask = async (path: string, as: "json" | "text" = "json"): Promise<unknown> =>
    client.request("GET", path, { as }).catch((thrown: unknown) => {
      if (thrown instanceof SwitchboardError && MISSING.has(thrown.code)) return undefined
      throw thrown
    })
  const [overview, performance, rate, instruments] = await Promise.all([
    ask(HEALTH),
    ask("/api/whatsapp/metrics/performance"),
    ask("/api/whatsapp/metrics/rate"),
    ask("/metrics", "text"),
  ])
  const health = fields(overview)
  const metrics = health.metrics === null || overview === undefined ? undefined : fields(health.metrics)
  const queue = typeof instruments === "string" ? queueIn(instruments) : undefined
  return {
    at: number(health.timestamp) ?? Date.now(),
    status: text(health.status),
    faults: faultsIn(fields(health.checks)),
    uptime: number(fields(health.system).uptime),
    states: statesIn(fields(health.sessions)),
    ...totalsIn(fields(metrics?.global)),
    perMinute: number(fields(fields(rate).rate).messagesPerMinute),
    latency: latencyIn(fields(fields(fields(performance).performance).messageLatency)),
    queue: queue?.all,
    machine: machineIn(fields(health.system)),
    alerts: list(health.alerts).map(alertIn),
    companies: companiesIn(fields(health.sessions), fields(metrics?.companies), queue?.of),
    notes: [
      ...(overview === undefined ? [`The server has no ${HEALTH}: the plugin health is not loaded`] : []),
      ...(overview !== undefined && metrics === undefined ? [METRICS_OFF] : []),
    ],
  }
}

const METRICS_OFF = "Metrics are off (WHATSAPP_METRICS_ENABLED, or the plugin metrics is not loaded): states only"

/** Said of a route that this server does not have, or has switched off. */
const MISSING: ReadonlySet<string> = new Set(["METRICS_DISABLED", "NOT_FOUND", "NOT_SUPPORTED"])

function faultsIn(checks: Fields): Fault[] {
  return Object.entries(checks).flatMap(([name, check]) => {
    const { ok, detail } = fields(check)
    return ok === false ? [{ name, detail: text(detail) }] : []
  })
}

function statesIn(sessions: Fields): Record<string, number> {
  const states: Record<string, number> = {}
  for (const session of Object.values(sessions)) {
    const state = text(fields(session).status) ?? "unknown"
    states[state] = (states[state] ?? 0) + 1
  }
  return states
}

function totalsIn(global: Fields): Pick<Figures, "totals" | "errors"> {
  const sent = number(global.messagesSent)
  const received = number(global.messagesReceived)
  if (sent === undefined || received === undefined) return { totals: undefined, errors: undefined }
  const disconnections = number(fields(global.sessions).disconnections) ?? 0
  return { totals: { sent, received, disconnections }, errors: errorsIn(fields(global.errors)) }
}

function errorsIn({ total, rate, breakdown }: Fields): Errors {
  const classes = Object.entries(fields(breakdown)).flatMap(([name, value]) => {
    const count = number(value)
    return count === undefined ? [] : [[name, count] as const]
  })
  return { total: number(total) ?? 0, rate: text(rate) ?? "", breakdown: Object.fromEntries(classes) }
}

function latencyIn({ p50, p99, samples }: Fields): Figures["latency"] {
  const [half, most, count] = [number(p50), number(p99), number(samples)]
  return half === undefined || most === undefined || count === undefined
    ? undefined
    : { p50: half, p99: most, samples: count }
}

function machineIn({ memory, cpu, eventLoopDelay, disk }: Fields): Figures["machine"] {
  const [free, total] = [number(fields(disk).free), number(fields(disk).total)]
  return {
    memory: number(fields(memory).rss),
    heap: number(fields(memory).heapUsed),
    cpu: number(cpu),
    loopDelay: number(eventLoopDelay),
    disk: free === undefined || total === undefined ? undefined : { free, total },
  }
}

function alertIn(alert: unknown): Alert {
  const { type, severity, message, since } = fields(alert)
  return {
    type: text(type) ?? "",
    severity: text(severity) ?? "",
    message: text(message) ?? "",
    since: moment(since) ?? undefined,
  }
}

function companiesIn(sessions: Fields, metrics: Fields, queued: ReadonlyMap<string, number> | undefined): Company[] {
  const ids = new Set([...Object.keys(sessions), ...Object.keys(metrics)])
  return [...ids].map((id) => {
    const { status, connected } = fields(Object.hasOwn(sessions, id) ? sessions[id] : undefined)
    const known = fields(Object.hasOwn(metrics, id) ? metrics[id] : undefined)
    const errors = fields(known.errors)
    return {
      id,
      state: text(status),
      connected: connected === true,
      sent: number(fields(known.messages).sent),
      received: number(fields(known.messages).received),
      errors: number(errors.total),
      errorRate: text(errors.rate),
      queued: queued && (queued.get(id) ?? 0),
      lastActivity: known.lastActivity === null ? null : moment(known.lastActivity),
    }
  })
}

/** Undefined when the server tells of no queue. A company that is not named has none, or is one of very many. */
function queueIn(instruments: string): { readonly all: Queue; readonly of: ReadonlyMap<string, number> } | undefined {
  const samples = readSamples(instruments, NAMES)
  const value = (wanted: string): number | undefined => samples.find(({ name }) => name === wanted)?.value
  const depth = value(DEPTH)
  if (depth === undefined) return undefined
  const named = samples.flatMap(({ name, labels: { company }, value: count }) =>
    name === BY_COMPANY && company !== undefined ? [[company, count] as const] : [],
  )
  return { all: { depth, age: value(AGE) }, of: new Map(named) }
}

const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined)
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

function moment(value: unknown): number | undefined {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
