import { bool, definePlugin, ms, NO_PROOF, z } from "../../core/plugin.ts"
import { startChecks } from "./checks.ts"
import { mountDiagnose } from "./diagnose.ts"
import { createMachine } from "./machine.ts"
import { mountOverview } from "./overview.ts"
import { startProofs } from "./proofs.ts"
import { mountHealth } from "./routes.ts"
import { createVitals } from "./vitals.ts"

export default definePlugin({
  name: "health",
  description:
    "Tells whether the server is alive and well, heals dead lines, and says why a message would not get through.",
  config: z.object({
    enabled: bool.default(true).describe("Enable active health checks"),
    intervalMs: ms.default(30_000).describe("Period of the active health checks (ms)"),
  }),
  env: {
    WHATSAPP_HEALTH_CHECK_ENABLED: "enabled",
    WHATSAPP_HEALTH_CHECK_INTERVAL: "intervalMs",
  },
  metrics: {
    whatsapp_sessions_healed_total: {
      kind: "counter",
      help: "Connections that were ended because WhatsApp did not answer on them any more",
    },
    whatsapp_disk_bytes: {
      kind: "gauge",
      help: "Size of the disk of the data folder, and what is free on it, as of the latest check",
      labels: { kind: ["free", "total"] },
    },
  },
  wants: ["figures", "alerts"],

  setup(context) {
    const { config, on, log, metrics } = context
    const { enabled, intervalMs } = config
    const machine = createMachine(context)
    const checks = enabled ? startChecks(intervalMs, machine, context) : undefined
    if (enabled) startProofs(intervalMs, context)
    let closing = false
    on("app:closing", () => {
      closing = true
    })
    // Whoever was the first to find it: the line itself asks as well, by the keep-alive interval.
    on("session:status", ({ session: { companyId }, cause }) => {
      if (cause !== NO_PROOF) return
      metrics.count("whatsapp_sessions_healed_total")
      log.warn({ company: companyId }, "A line was connected and did not answer; it connects anew")
    })

    metrics.collect(() => {
      const { disk } = machine.usage
      if (disk === null) return
      metrics.set("whatsapp_disk_bytes", disk.free, { kind: "free" })
      metrics.set("whatsapp_disk_bytes", disk.total, { kind: "total" })
    })

    const vitals = createVitals(intervalMs, checks, context)
    const stores = (): boolean => checks?.results.storage?.ok !== false
    mountHealth(context, vitals, { isClosing: () => closing, stores })
    mountOverview(context, vitals, machine, enabled)
    mountDiagnose(context)
    return () => machine.stop()
  },
})
