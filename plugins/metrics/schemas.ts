import { z } from "../../core/plugin.ts"
import { METRICS } from "./series.ts"

/** Answers of the routes, and what may stand in their queries. */

export const HOUR_MS = 3_600_000
export const RATE_WINDOW_MS = 60_000
const DAY_MS = 86_400_000

const count = z.int().min(0)
const milliseconds = count.openapi({ description: "Milliseconds" })
const rate = z.string().openapi({ example: "3.33%" })
const time = z.iso.datetime()

const breakdown = z
  .object({ TIMEOUT: count, NETWORK: count, AUTH: count, OTHER: count })
  .openapi({ description: "Failed messages by class; they add up to `total`" })
const errors = z.object({ total: count, rate, breakdown })
const sessions = z.object({ active: count, connections: count, disconnections: count })

const global = z.object({ messagesSent: count, messagesReceived: count, sessions, errors }).openapi("GlobalMetrics", {
  example: {
    messagesSent: 1000,
    messagesReceived: 1500,
    sessions: { active: 25, connections: 30, disconnections: 5 },
    errors: { total: 10, rate: "0.4%", breakdown: { TIMEOUT: 5, NETWORK: 3, AUTH: 2, OTHER: 0 } },
  },
})

const company = z
  .object({
    companyId: z.string(),
    uptime: milliseconds.openapi({
      description: "Milliseconds that its line has been connected without a break; 0 when it is not connected",
    }),
    messages: z.object({ sent: count, received: count, failed: count }),
    errors,
    sessions,
    media: z.object({ sent: count, received: count }),
    lastActivity: time.nullable(),
  })
  .openapi("CompanyMetrics", {
    example: {
      companyId: "company-123",
      uptime: 3600000,
      messages: { sent: 150, received: 200, failed: 5 },
      errors: { total: 5, rate: "3.33%", breakdown: { TIMEOUT: 3, NETWORK: 1, AUTH: 1, OTHER: 0 } },
      sessions: { active: 1, connections: 2, disconnections: 1 },
      media: { sent: 12, received: 30 },
      lastActivity: "2026-01-31T09:30:00.000Z",
    },
  })

const companies = z.record(z.string(), company).openapi({ description: "By company" })

const latency = z
  .object({
    avg: z.number(),
    min: z.number(),
    max: z.number(),
    p50: z.number(),
    p95: z.number(),
    p99: z.number(),
    samples: count,
  })
  .openapi("LatencySummary")
const performance = z
  .object({ messageLatency: latency, sessionInitTime: latency, reconnectTime: latency })
  .openapi({ description: "Milliseconds" })

const metric = z.enum(METRICS, { error: `expected one of ${METRICS.join(", ")}` })
const points = z.array(z.object({ timestamp: count, value: z.number() })).openapi("TimeSeries")
const perTime = z
  .object({ messagesPerSecond: z.number(), messagesPerMinute: z.number(), window: milliseconds })
  .openapi("MessageRate")
const alert = z.object({
  type: z.string(),
  severity: z.string(),
  message: z.string(),
  value: z.number(),
  threshold: z.number(),
  since: time,
  companyId: z.string().optional(),
})

const timestamp = count.openapi({ description: "Milliseconds since 1970", example: 1769851800000 })
const answer = <S extends z.ZodRawShape>(shape: S) => z.object({ success: z.literal(true), ...shape, timestamp })

export const answers = {
  report: answer({ metrics: z.object({ uptime: milliseconds, global, companies }) }),
  company: answer({ metrics: company }),
  companies: answer({ companies, count }),
  performance: answer({ performance }),
  timeseries: answer({ metric, duration: milliseconds, data: points }),
  rate: answer({ rate: perTime }),
  export: answer({
    export: z.object({
      global,
      companies,
      performance,
      timeseries: z.record(metric, points).openapi({ description: "Each metric over the last hour" }),
      rate: perTime,
      alerts: z.array(alert),
    }),
  }),
  reset: answer({
    reset: z.object({
      at: time.openapi({ description: "From when on everything is counted anew" }),
      companies: count.openapi({ description: "How many companies begin anew" }),
    }),
  }),
}

const span = (least: number, usual: number, description: string) => {
  const rule = `expected whole milliseconds from ${least} to ${DAY_MS}`
  return z
    .string()
    .regex(/^\d{1,9}$/, { error: rule })
    .transform(Number)
    .refine((value) => value >= least && value <= DAY_MS, { error: rule })
    .default(usual)
    .openapi({ type: "integer", minimum: least, maximum: DAY_MS, default: usual, description })
}

export const queries = {
  timeseries: z.object({
    metric: metric.default("messagesPerMinute"),
    duration: span(1, HOUR_MS, "How far back, in milliseconds"),
  }),
  rate: z.object({ window: span(1_000, RATE_WINDOW_MS, "How far back, in milliseconds") }),
}
