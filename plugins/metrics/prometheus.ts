import { type Metric, Registry } from "prom-client"
import type { Clock, MetricSnapshot } from "../../core/plugin.ts"
import { createPause } from "./pause.ts"

export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** Lines rendered at once. */
const LINES = 500

/** All instruments as Prometheus reads them; what takes long lets others go first in between. */
export async function prometheusText(snapshots: readonly MetricSnapshot[], clock: Clock): Promise<string> {
  const parts: string[] = []
  const pause = createPause(clock)
  for (const snapshot of snapshots) {
    const values = valuesOf(snapshot)
    for (let first = 0; first === 0 || first < values.length; first += LINES) {
      const text = await render(snapshot, values.slice(first, first + LINES))
      parts.push(first === 0 ? text : withoutHead(text))
      await pause()
    }
  }
  return `${parts.join("\n")}\n`
}

async function render(snapshot: MetricSnapshot, values: readonly Value[]): Promise<string> {
  const { name } = snapshot
  const registry = new Registry()
  // The library asks no more of a metric than what it says of itself.
  const said = { name, get: async () => ({ ...about(snapshot), values }) }
  registry.registerMetric(said as unknown as Metric)
  return registry.getSingleMetricAsString(name)
}

/** Without the lines HELP and TYPE, which stand once above all values. */
const withoutHead = (text: string): string => text.split("\n").slice(2).join("\n")

const about = ({ name, help, kind }: MetricSnapshot) => ({ name, help, type: kind })

interface Value {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  /** Where it differs from the metric's own. */
  readonly metricName?: string
}

function valuesOf(snapshot: MetricSnapshot): readonly Value[] {
  if (snapshot.kind !== "histogram") return snapshot.series
  const { name } = snapshot
  return snapshot.series.flatMap(({ labels, count, sum, buckets }) => [
    ...buckets.map(({ le, count: below }) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le },
      value: below,
    })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ])
}
