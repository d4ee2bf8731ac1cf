import { type PluginContext, z } from "../../core/plugin.ts"
import type { Alert } from "./course.ts"

export interface Shown {
  current(): readonly Alert[]
  thresholds(): Readonly<Record<string, number>>
}

type Context = Pick<
  PluginContext<unknown, "METRICS_DISABLED" | "VALIDATION_ERROR">,
  "route" | "reject" | "clock" | "events" | "monitor"
>

const tag = "Metrics"
const timestamp = z.int().openapi({ description: "Milliseconds since the epoch" })
const isoTime = z.iso.datetime()

const shape = {
  type: z.enum(["HIGH_ERROR_RATE", "HIGH_DISCONNECT_RATE", "HIGH_MEMORY", "SESSION_FAILED"]),
  severity: z.enum(["warning", "critical"]),
  message: z.string(),
  value: z.number().openapi({ description: "A share of rates, MB of memory, 1 of a session" }),
  threshold: z.number(),
  since: isoTime,
  companyId: z.string().optional().openapi({ description: "Of those that are one company's" }),
}
const alert = z.object(shape).openapi("Alert")

const happened = z
  .object({
    id: z.string(),
    position: z.int(),
    type: z.enum(["alert.raised", "alert.resolved"]),
    timestamp: isoTime,
    data: z.looseObject({ alertId: z.string(), ...shape, repeat: z.int().optional() }),
  })
  .openapi("AlertEvent")

const PAGE = "expected a whole number from 1 to 200"
const CURSOR = "expected `nextCursor` of the page before"

export function mountRoutes({ current, thresholds }: Shown, context: Context): void {
  const { route, reject, clock, events, monitor } = context

  route({
    spec: {
      method: "get",
      path: "/api/whatsapp/metrics/alerts",
      scope: "operator",
      company: "none",
      summary: "Alerts that last",
      description: "Judged now, whether alerts are sent or not.",
      tag,
      responses: {
        200: {
          description: "What lasts",
          schema: z.object({
            success: z.literal(true),
            alerts: z.array(alert),
            thresholds: z.record(z.string(), z.number()),
            hasAlerts: z.boolean(),
            timestamp,
          }),
        },
      },
      errors: ["METRICS_DISABLED"],
    },
    handle() {
      if (!monitor.enabled) return reject("METRICS_DISABLED")
      const alerts = current()
      const hasAlerts = alerts.length > 0
      return { success: true, alerts, thresholds: thresholds(), hasAlerts, timestamp: clock.now() }
    },
  })

  route({
    spec: {
      method: "get",
      path: "/api/whatsapp/metrics/alerts/history",
      scope: "operator",
      company: "none",
      summary: "What alerts of the whole server have been raised and resolved",
      description: "Newest first. Those of a company are among its events.",
      tag,
      query: z.object({
        limit: z.coerce
          .number({ error: PAGE })
          .int({ error: PAGE })
          .min(1, { error: PAGE })
          .max(200, { error: PAGE })
          .default(50)
          .openapi({ description: "How many items one page holds" }),
        cursor: z.coerce
          .number({ error: CURSOR })
          .int({ error: CURSOR })
          .min(1, { error: CURSOR })
          .optional()
          .openapi({ description: "`nextCursor` of the page before" }),
      }),
      responses: {
        200: {
          description: "One page",
          schema: z.object({
            success: z.literal(true),
            data: z.array(happened),
            nextCursor: z.string().nullable().openapi({ description: "Asks for the next page; null on the last" }),
            timestamp,
          }),
        },
      },
      errors: ["METRICS_DISABLED", "STORAGE_UNAVAILABLE"],
    },
    async handle({ query: { limit, cursor } }) {
      if (!monitor.enabled) return reject("METRICS_DISABLED")
      const newest = await events.tail("")
      const last = Math.min(newest, cursor === undefined ? newest : cursor - 1)
      const from = Math.max(0, last - limit)
      const found = await events.read("", from, last - from)
      const data = found.reverse().map(({ id, position, type, timestamp: at, data: about }) => {
        return { id, position, type, timestamp: new Date(at).toISOString(), data: about }
      })
      return { success: true, data, nextCursor: from > 0 ? String(from + 1) : null, timestamp: clock.now() }
    },
  })
}
