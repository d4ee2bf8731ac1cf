import { type Metric, Registry } from "prom-client"
import type { Clock, MetricSnapshot } from "../../core/plugin.ts"

export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

/** How long a scrape may hold up everything else. */
const SLICE_MS = 10

/** All instruments as Prometheus reads them; what takes long lets others go first in between. */
export async function prometheusText(snapshots: readonly MetricSnapshot[], clock: Clock): Promise<string> {
  const registry = new Registry()
  const parts: string[] = []
  let begun = clock.monotonic()
  for (const snapshot of snapshots) {
    // The library asks no more of a metric than what it says of itself.
    const said = { name: snapshot.name, get: async () => ({ ...about(snapshot), values: valuesOf(snapshot) }) }
    registry.registerMetric(said as unknown as Metric)
    parts.push(await registry.getSingleMetricAsString(snapshot.name))
    if (clock.monotonic() - begun < SLICE_MS) continue
    await clock.sleep(0)
    begun = clock.monotonic()
  }
  return `${parts.join("\n\n")}\n`
}

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
