import type { MetricSpecs } from "../metrics.ts"

export const deliveryMetrics = {
  whatsapp_deliveries_total: {
    kind: "counter",
    help: "Tries of outgoing webhooks and alerts, by what came of them.",
    labels: { outcome: ["delivered", "retried", "gone", "given-up", "cancelled"] },
  },
  whatsapp_deliveries_pending: { kind: "gauge", help: "Outgoing webhooks and alerts that have not arrived yet." },
} as const satisfies MetricSpecs
