import { type PluginContext, type SessionStatus, z } from "../../core/plugin.ts"
import type { Machine } from "./machine.ts"
import { checks, health, tag } from "./routes.ts"
import type { Vitals } from "./vitals.ts"

/** What other plugins know, by the names of their services. */
export interface Figures {
  report(): object
}
export interface Alerts {
  current(): readonly object[]
}

const bytes = z.int().openapi({ description: "Bytes" })
const overview = z.object({
  success: z.literal(true),
  status: health,
  checks,
  sessions: z
    .record(
      z.string(),
      z.object({ status: z.string(), connected: z.boolean(), lastProofAt: z.iso.datetime().nullable() }),
    )
    .openapi({ description: "By company: every one that has or has had a session here" }),
  metrics: z
    .looseObject({})
    .nullable()
    .openapi({ description: "As in `GET /api/whatsapp/metrics`; null while metrics are off" }),
  alerts: z
    .array(z.looseObject({ type: z.string(), severity: z.string(), message: z.string() }))
    .nullable()
    .openapi({ description: "As in `GET /api/whatsapp/metrics/alerts`; null where nobody computes any" }),
  system: z.object({
    uptime: z.int().openapi({ description: "Milliseconds" }),
    memory: z.object({ rss: bytes, heapUsed: bytes }),
    cpu: z.number().openapi({ description: "Percent of one core over the last period" }),
    eventLoopDelay: z
      .number()
      .openapi({ description: "Milliseconds by which 99 of 100 turns of the last period were late at most" }),
    disk: z
      .object({ free: bytes, total: bytes })
      .nullable()
      .openapi({ description: "Of the data folder's disk; null where it cannot be told" }),
  }),
  timestamp: z.int().openapi({ description: "Milliseconds since the epoch" }),
})

type Context = Pick<PluginContext<unknown, never>, "route" | "want" | "monitor" | "sessions" | "clock" | "system">

/** `active`: the machine is looked at by the checks; without them the route itself looks. */
export function mountOverview(context: Context, vitals: Vitals, machine: Machine, active: boolean): void {
  const { route, want, monitor, sessions, clock, system } = context

  route({
    spec: {
      method: "get",
      path: "/api/whatsapp/health/metrics",
      scope: "operator",
      company: "none",
      summary: "Health with metrics",
      description:
        "Everything at a glance: checks, the session of each company, figures, alerts, and what the process uses.",
      tag,
      responses: {
        200: { description: "How everything is; `degraded` is told in the body", schema: overview },
        503: { description: "The same, while the server is `unhealthy`", schema: overview },
      },
      errors: ["STORAGE_UNAVAILABLE"],
    },
    async handle() {
      if (!active) await machine.look()
      const all = await known(sessions)
      const { status, checks: results } = vitals.read()
      const { rss, heapUsed } = system.resources()
      const body = {
        success: true,
        status,
        checks: results,
        sessions: byCompany(all),
        metrics: monitor.enabled ? (want<Figures>("figures")?.report() ?? null) : null,
        alerts: want<Alerts>("alerts")?.current() ?? null,
        system: { uptime: vitals.uptime(), memory: { rss, heapUsed }, ...machine.usage },
        timestamp: clock.now(),
      }
      return status === "unhealthy" ? Response.json(body, { status: 503 }) : body
    },
  })
}

/** Also of lines at rest, as long as their records can be read: where storage fails, this is the page that says so. */
function known(sessions: Context["sessions"]): Promise<readonly SessionStatus[]> {
  return sessions.all().catch(() => sessions.list())
}

function byCompany(all: readonly SessionStatus[]): Record<string, object> {
  // Names of companies must never be taken for what every object has.
  const sessions: Record<string, object> = Object.create(null)
  for (const { companyId, status, connected, lastProofAt } of all) {
    const at = lastProofAt === null ? null : new Date(lastProofAt).toISOString()
    sessions[companyId] = { status, connected, lastProofAt: at }
  }
  return sessions
}
