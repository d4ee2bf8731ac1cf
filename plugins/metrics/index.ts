import { definePlugin, ms, z } from "../../core/plugin.ts"
import { createFigures } from "./figures.ts"
import { type Alerts, mountDisabled, mountRoutes } from "./routes.ts"
import { startSampling } from "./sampling.ts"
import { createZero } from "./zero.ts"

export default definePlugin({
  name: "metrics",
  description: "Shows what is counted and measured: as JSON, over time, and to Prometheus.",
  config: z.object({
    intervalMs: ms.default(60_000).describe("Sampling period of the time series (ms)"),
  }),
  env: { WHATSAPP_METRICS_INTERVAL: "intervalMs" },
  provides: ["figures"],
  wants: ["alerts"],

  async setup(context) {
    const { config, monitor, provide, want } = context
    const zero = createZero(context)
    const figures = createFigures(zero, context)
    provide("figures", { report: figures.report })
    if (!monitor.enabled) {
      mountDisabled(context)
      return undefined
    }
    await zero.load()
    const sampling = await startSampling(config.intervalMs, figures, zero, context)
    mountRoutes({ figures, sampling, zero, alerts: want<Alerts>("alerts") }, context)
    return () => sampling.stop()
  },
})
