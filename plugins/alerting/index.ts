import { bool, count, definePlugin, share, z } from "../../core/plugin.ts"
import { targetOf } from "./address.ts"
import type { Alert } from "./course.ts"
import { type AlertType, createReadings } from "./readings.ts"
import { mountRoutes } from "./routes.ts"
import { CHANNEL, createWatch } from "./watch.ts"

/** What other plugins may know of the alerts. */
export interface Alerts {
  current(): readonly Alert[]
  thresholds(): Readonly<Record<string, number>>
}

/** What whoever signs says of itself. */
interface Signing {
  /** There is a secret of the server's. */
  readonly ofServer: boolean
}

const CHECK_MS = 15_000
const TYPES: readonly AlertType[] = ["HIGH_ERROR_RATE", "HIGH_DISCONNECT_RATE", "HIGH_MEMORY", "SESSION_FAILED"]
const url = z.url({ protocol: /^https?$/, error: "expected an http or https URL" })

export default definePlugin({
  name: "alerting",
  description: "Tells the operator when errors, disconnections or memory pass a threshold, and when a session fails.",
  config: z.object({
    enabled: bool.default(false).describe("Send alerts, and write them into the event logs"),
    webhook: url.optional().describe("Where alerts are sent"),
    errorRate: share.default(0.1).describe("Share of errors that raises an alert"),
    disconnectRate: share.default(0.2).describe("Share of disconnections that raises an alert"),
    memoryMb: count.default(500).describe("Resident memory that raises an alert (MB)"),
  }),
  env: {
    WHATSAPP_ALERTING_ENABLED: "enabled",
    // Whoever knows such a URL may post to it.
    WHATSAPP_ALERT_WEBHOOK: { key: "webhook", secret: true },
    WHATSAPP_ALERT_ERROR_RATE: "errorRate",
    WHATSAPP_ALERT_DISCONNECT_RATE: "disconnectRate",
    WHATSAPP_ALERT_MEMORY_MB: "memoryMb",
  },
  metrics: {
    alerting_active: {
      kind: "gauge",
      help: "Alerts that last.",
      labels: { type: ["HIGH_ERROR_RATE", "HIGH_DISCONNECT_RATE", "HIGH_MEMORY", "SESSION_FAILED"] },
    },
  },
  provides: ["alerts"],
  wants: ["signing"],

  setup(context) {
    const { config, on, provide, want, deliveries, background, clock, log, monitor, metrics } = context
    const { enabled: telling, webhook, ...thresholds } = config
    const target = webhook === undefined ? undefined : targetOf(webhook)
    const sending = telling && target !== undefined
    const readings = createReadings({ ...context, thresholds })
    const watch = createWatch({ ...context, readings, telling, sending })
    const alerts: Alerts = { current: watch.current, thresholds: () => ({ ...thresholds }) }

    if (telling && !monitor.enabled) {
      log.warn({}, "WHATSAPP_METRICS_ENABLED is off: alerts tell of memory and failed sessions alone, not of rates")
    }
    if (telling && !sending) {
      log.warn({}, "WHATSAPP_ALERT_WEBHOOK is not set: alerts are in the event logs alone")
    }
    if (sending && want<Signing>("signing")?.ofServer !== true) {
      log.warn({}, "Alerts go out unsigned: set WHATSAPP_WEBHOOK_SECRET")
    }

    deliveries.channel(CHANNEL, {
      shared: true,
      target: () => (telling ? target : undefined),
      ended({ id: deliveryId }, why) {
        const said = {
          gone: "The URL of WHATSAPP_ALERT_WEBHOOK is gone (410)",
          "given-up": "WHATSAPP_ALERT_WEBHOOK has not taken an alert for three days",
        }
        log.error({ deliveryId }, said[why])
      },
    })
    on("company:erased", ({ company }) => watch.forget(company))
    on("company:imported", ({ company }) => watch.reload(company))
    metrics.collect(() => {
      const all = watch.current()
      for (const type of TYPES) metrics.set("alerting_active", all.filter((one) => one.type === type).length, { type })
    })
    mountRoutes(alerts, context)
    provide("alerts", alerts)
    // Not before: records cannot be opened while the house is being put together.
    on("app:ready", () =>
      background("checks", async (signal) => {
        while (!signal.aborted) {
          await watch.look()
          await clock.sleep(CHECK_MS, signal)
        }
      }),
    )
  },
})
