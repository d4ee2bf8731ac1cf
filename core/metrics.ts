/**
 * Port: figures that plugins count, for whoever shows them. Core keeps the instruments, so that no label can grow without
 * bounds and nothing that names a person, a message or a path can become one.
 */

export type MetricKind = "counter" | "gauge" | "histogram"

/**
 * What a label may say: the values listed, any other counting as `other`; or companies, of which the first
 * WHATSAPP_METRICS_COMPANIES have series of their own and keep them, all others counting as `other`.
 */
export type LabelValues = readonly string[] | "company"

export interface MetricSpec {
  readonly kind: MetricKind
  /** One sentence for the documentation and for Prometheus. */
  readonly help: string
  readonly labels?: Readonly<Record<string, LabelValues>>
  /** Upper bounds of a histogram, rising; without them those for seconds, from 5 ms to 10 s. */
  readonly buckets?: readonly number[]
}

/** By name: `whatsapp_…` for the house, `<plugin>_…` for others; counters end with `_total`. */
export type MetricSpecs = Readonly<Record<string, MetricSpec>>

type NamesOf<M extends MetricSpecs, K extends MetricKind> = {
  [N in keyof M & string]: M[N]["kind"] extends K ? N : never
}[keyof M & string]

type LabelsOf<L> = { readonly [K in keyof L]: L[K] extends readonly (infer V extends string)[] ? V : string }
type Labels<S> = S extends { readonly labels: infer L } ? readonly [labels: LabelsOf<L>] : readonly [labels?: undefined]

/**
 * The instruments of one plugin. A name, label or number that cannot be counted throws, since only a mistake in the
 * plugin brings it about; so does an instrument used as another kind.
 */
export interface Metrics<M extends MetricSpecs = MetricSpecs> {
  /** Adds to a counter: 1, or any number from 0. */
  count<N extends NamesOf<M, "counter">>(name: N, ...rest: readonly [...Labels<M[N]>, by?: number]): void
  /** What a gauge shows from now on. */
  set<N extends NamesOf<M, "gauge">>(name: N, value: number, ...rest: Labels<M[N]>): void
  /** One measurement of a histogram, seconds where its buckets are not its own. */
  observe<N extends NamesOf<M, "histogram">>(name: N, value: number, ...rest: Labels<M[N]>): void
  /** Runs before each snapshot, for gauges that are only known when they are looked at. A throw fails the snapshot. */
  collect(task: () => void): void
  /** All instruments of the house as they are now, by name. */
  snapshot(): readonly MetricSnapshot[]
}

interface Snapshot {
  readonly name: string
  /** The plugin. */
  readonly owner: string
  readonly help: string
  readonly labels: readonly string[]
}

/** Plain values, and nothing that changes later. */
export type MetricSnapshot =
  | (Snapshot & { readonly kind: "counter" | "gauge"; readonly series: readonly NumberSeries[] })
  | (Snapshot & { readonly kind: "histogram"; readonly series: readonly HistogramSeries[] })

export interface NumberSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly count: number
  readonly sum: number
  /** How many were at most `le`, rising; those above the last bound are in `count` alone. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
}
