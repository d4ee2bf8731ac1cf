import { bool, definePlugin, type HealthItem, ms, z } from "../../core/plugin.ts"
import { startChecks } from "./checks.ts"
import { judge, judgeSessions } from "./judge.ts"

/** Beyond two rounds of checks: what a round takes, and an answer's way. */
const GRACE_MS = 30_000

const alive = z.object({ success: z.literal(true), data: z.object({ status: z.string() }) })
const item = z.object({ ok: z.boolean(), detail: z.string().optional() })
const report = z.object({
  success: z.literal(true),
  data: z.object({
    status: z.enum(["healthy", "degraded", "unhealthy"]),
    provider: z.string(),
    totalSessions: z.int(),
    connectedSessions: z.int(),
    uptime: z.int().openapi({ description: "Milliseconds" }),
    checks: z.record(z.string(), item),
  }),
})

export default definePlugin({
  name: "health",
  description: "Tells whether the server is alive, able to serve, and how its lines are.",
  config: z.object({
    enabled: bool.default(true).describe("Enable active health checks"),
    intervalMs: ms.default(30_000).describe("Period of the active health checks (ms)"),
  }),
  env: {
    WHATSAPP_HEALTH_CHECK_ENABLED: "enabled",
    WHATSAPP_HEALTH_CHECK_INTERVAL: "intervalMs",
  },

  setup(context) {
    const { config, on, reject, route, clock, sessions } = context
    const started = clock.monotonic()
    const checks = config.enabled ? startChecks(config.intervalMs, context) : undefined
    let closing = false
    on("app:closing", () => {
      closing = true
    })

    route({
      spec: {
        method: "get",
        path: "/healthz",
        scope: "none",
        company: "none",
        summary: "Alive",
        tag: "Health",
        responses: { 200: { description: "The process answers", schema: alive } },
      },
      handle: () => ({ success: true, data: { status: "alive" } }),
    })

    route({
      spec: {
        method: "get",
        path: "/readyz",
        scope: "none",
        company: "none",
        summary: "Able to serve",
        description:
          "Storage is open and no shutdown has begun. Sessions that are still coming back do not hold it back.",
        tag: "Health",
        responses: { 200: { description: "Calls are served", schema: alive } },
        errors: ["STORAGE_UNAVAILABLE", "SHUTTING_DOWN"],
      },
      handle() {
        if (closing) return reject("SHUTTING_DOWN")
        if (checks?.results.storage?.ok === false) return reject("STORAGE_UNAVAILABLE")
        return { success: true, data: { status: "ready" } }
      },
    })

    route({
      spec: {
        method: "get",
        path: "/api/whatsapp/health",
        scope: "read",
        company: "none",
        summary: "Health",
        description: "A company's key sees its own line.",
        tag: "Health",
        responses: { 200: { description: "How the server and its lines are", schema: report } },
      },
      handle({ principal }) {
        // How many lines others have is not for a company's key to know.
        const lines = sessions.list().filter(({ companyId }) => companyId === (principal.company ?? companyId))
        const together = judgeSessions(lines, clock.now() - 2 * config.intervalMs - GRACE_MS)
        const results: Readonly<Record<string, HealthItem>> = checks?.results ?? {}
        return {
          success: true,
          data: {
            status: judge(together, results),
            provider: context.provider,
            totalSessions: lines.length,
            connectedSessions: lines.filter(({ connected }) => connected).length,
            uptime: Math.round(clock.monotonic() - started),
            checks: checks === undefined ? {} : { ...results, sessions: together },
          },
        }
      },
    })
  },
})
