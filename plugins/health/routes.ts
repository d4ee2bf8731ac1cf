import { type PluginContext, z } from "../../core/plugin.ts"
import type { Vitals } from "./vitals.ts"

export const tag = "Health"

const alive = z.object({ success: z.literal(true), data: z.object({ status: z.string() }) })
export const health = z.enum(["healthy", "degraded", "unhealthy"])
export const checks = z
  .record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() }))
  .openapi({ description: "The last results, by name; empty without active checks" })

const report = z.object({
  success: z.literal(true),
  data: z.object({
    status: health,
    provider: z.string(),
    totalSessions: z.int(),
    connectedSessions: z.int(),
    uptime: z.int().openapi({ description: "Milliseconds" }),
    checks,
  }),
})

type Context = Pick<PluginContext<unknown, "SHUTTING_DOWN" | "STORAGE_UNAVAILABLE">, "route" | "reject" | "provider">

export interface Readiness {
  isClosing(): boolean
  /** False once storage has been seen to fail. */
  stores(): boolean
}

/** Whether it is alive, able to serve, and well. */
export function mountHealth({ route, reject, provider }: Context, vitals: Vitals, ready: Readiness): void {
  route({
    spec: {
      method: "get",
      path: "/healthz",
      scope: "none",
      company: "none",
      summary: "Alive",
      tag,
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
      tag,
      responses: { 200: { description: "Calls are served", schema: alive } },
      errors: ["STORAGE_UNAVAILABLE", "SHUTTING_DOWN"],
    },
    handle() {
      if (ready.isClosing()) return reject("SHUTTING_DOWN")
      if (!ready.stores()) return reject("STORAGE_UNAVAILABLE")
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
      tag,
      responses: { 200: { description: "How the server and its lines are", schema: report } },
    },
    handle({ principal }) {
      const { status, checks: results, lines } = vitals.read(principal.company)
      return {
        success: true,
        data: {
          status,
          provider,
          totalSessions: lines.length,
          connectedSessions: lines.filter(({ connected }) => connected).length,
          uptime: vitals.uptime(),
          checks: results,
        },
      }
    },
  })
}
