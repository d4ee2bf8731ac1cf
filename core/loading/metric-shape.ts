/** What a plugin's declaration of metrics must be; see `core/metrics.ts`. */

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null
const isText = (value: unknown): value is string => typeof value === "string" && value !== ""

const KINDS = new Set(["counter", "gauge", "histogram"])
const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/
const LABEL = /^[a-z][a-z0-9_]*$/
/** Prometheus gives these a meaning of its own. */
const TAKEN_LABELS = new Set(["le", "quantile"])
const TAKEN_ENDINGS = ["_bucket", "_sum", "_count", "_created"]
/** Of one metric, companies aside. */
const MOST_SERIES = 500

/** How the names of a plugin's metrics may begin. */
const prefixes = (plugin: string): string[] => [
  "whatsapp_",
  `${plugin.replaceAll(/[^a-z0-9]+/g, "_").replace(/^_/, "")}_`,
]

/** One line for each thing that is wrong with `metrics`. */
export function metricFaults({ name: plugin, metrics }: Fields): string[] {
  if (metrics === undefined) return []
  if (!isObject(metrics)) return ["metrics must map names to { kind, help }"]
  return Object.entries(metrics).flatMap(([name, spec]) => {
    const faults = isObject(spec)
      ? [...nameFaults(name, spec.kind, isText(plugin) ? plugin : ""), ...specFaults(spec)]
      : ["must be { kind, help }"]
    return faults.map((fault) => `metrics: ${name} ${fault}`)
  })
}

function nameFaults(name: string, kind: unknown, plugin: string): string[] {
  const faults: string[] = []
  const begins = prefixes(plugin)
  if (!NAME.test(name)) faults.push("must be lower-case words joined by _")
  else if (!begins.some((prefix) => name.startsWith(prefix))) faults.push(`must begin with ${begins.join(" or ")}`)
  if (TAKEN_ENDINGS.some((ending) => name.endsWith(ending)))
    faults.push(`must not end with ${TAKEN_ENDINGS.join(", ")}`)
  if (name.endsWith("_total") !== (kind === "counter"))
    faults.push("must end with _total if it is a counter, and only then")
  return faults
}

function specFaults({ kind, help, labels, buckets }: Fields): string[] {
  const faults: string[] = []
  if (!isText(kind) || !KINDS.has(kind)) faults.push(`must have a kind: ${[...KINDS].join(", ")}`)
  if (!isText(help)) faults.push("must have help: a sentence")
  if (buckets !== undefined && (kind !== "histogram" || !isRising(buckets))) {
    faults.push("may have buckets if it is a histogram: rising numbers")
  }
  if (labels === undefined) return faults
  if (!isObject(labels)) return [...faults, "must map labels to lists of values"]
  for (const [label, values] of Object.entries(labels)) {
    if (!LABEL.test(label) || TAKEN_LABELS.has(label)) faults.push(`has a label that cannot be one: ${label}`)
    if (values === "company") {
      if (kind === "histogram") faults.push(`is a histogram, which has no series by company: ${label}`)
    } else if (!Array.isArray(values) || values.length === 0 || !values.every(isText)) {
      faults.push(`must list the values of the label ${label}, or say "company"`)
    }
  }
  const series = Object.values(labels).reduce<number>(
    (all, values) => all * (Array.isArray(values) ? values.length + 1 : 1),
    1,
  )
  if (series > MOST_SERIES) faults.push(`has more than ${MOST_SERIES} combinations of labels`)
  return faults
}

function isRising(bounds: unknown): boolean {
  if (!Array.isArray(bounds) || bounds.length === 0) return false
  return bounds.every((bound, at) => Number.isFinite(bound) && (at === 0 || bound > (bounds[at - 1] as number)))
}
