import type { Metrics, MetricSnapshot, MetricSpec, MetricSpecs, NumberSeries } from "../metrics.ts"
import { createSlots, OTHER, type Slots } from "../monitor/slots.ts"

/** Every instrument of a house. */
export interface Instruments {
  /** Makes a plugin's instruments. Throws for a name that is taken. */
  declare(plugin: string, specs: MetricSpecs): void
  /** What a counter or gauge shows is kept elsewhere. */
  show(plugin: string, name: string, series: () => readonly NumberSeries[]): void
  /** One series, found once, for whoever adds to it with every message: it takes numbers from 0, and checks nothing. */
  bind(plugin: string, name: string, labels?: Readonly<Record<string, string>>): (value: number) => void
  /** How that plugin uses them, and no others. */
  of(plugin: string): Metrics
  snapshot(): readonly MetricSnapshot[]
  /** What was counted for the company is counted as `other` from now on, and its place is free. */
  forget(company: string): void
}

export interface InstrumentsOptions {
  /** How many companies have series of their own. */
  readonly companies: number
  /** Which of them, where others decide it as well. */
  readonly slots?: Slots
}

type Given = Readonly<Record<string, unknown>>

interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** Of a counter or gauge; the sum of a histogram. */
  value: number
  count: number
  /** By bucket, not yet added up. */
  readonly counts: number[]
}

interface Instrument {
  readonly name: string
  readonly owner: string
  readonly spec: MetricSpec
  readonly labels: readonly string[]
  readonly buckets: readonly number[]
  readonly series: Map<string, Series>
  /** In the place of `series`. */
  shown: (() => readonly NumberSeries[]) | undefined
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createInstruments({ companies, slots = createSlots(companies) }: InstrumentsOptions): Instruments {
  const instruments = new Map<string, Instrument>()
  const collecting: (() => void)[] = []

  const find = (plugin: string, name: string, kind: MetricSpec["kind"]): Instrument => {
    const found = instruments.get(name)
    if (found?.owner !== plugin) throw new Error(`Plugin ${plugin}: ${name} is not among its metrics`)
    if (found.spec.kind !== kind) throw new Error(`Plugin ${plugin}: ${name} is a ${found.spec.kind}`)
    return found
  }

  const seriesAt = (instrument: Instrument, values: readonly string[]): Series => {
    const key = values.join("\n")
    let series = instrument.series.get(key)
    if (series === undefined) {
      const labels = Object.fromEntries(instrument.labels.map((label, at) => [label, values[at] as string]))
      series = { labels, value: 0, count: 0, counts: instrument.buckets.map(() => 0) }
      instrument.series.set(key, series)
    }
    return series
  }

  const seriesOf = (instrument: Instrument, given: Given = {}): Series => {
    const { name, owner, labels, spec } = instrument
    const all = labels.every((label) => typeof given[label] === "string")
    if (!all || Object.keys(given).length !== labels.length) {
      throw new Error(`Plugin ${owner}: ${name} takes ${labels.length === 0 ? "no labels" : labels.join(", ")}`)
    }
    const values = labels.map((label) => {
      const value = given[label] as string
      const allowed = spec.labels?.[label] ?? []
      if (allowed === "company") return slots.claim(value)
      return allowed.includes(value) ? value : OTHER
    })
    return seriesAt(instrument, values)
  }

  const number = ({ name, owner, spec }: Instrument, value: unknown): number => {
    if (typeof value === "number" && Number.isFinite(value) && (value >= 0 || spec.kind !== "counter")) return value
    const wanted = spec.kind === "counter" ? "a number from 0" : "a number"
    throw new Error(`Plugin ${owner}: ${name} takes ${wanted}`)
  }

  const snapshot = (): readonly MetricSnapshot[] => {
    for (const task of collecting) task()
    return [...instruments.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(read)
  }

  return {
    declare(owner, specs) {
      for (const [name, spec] of Object.entries(specs)) {
        if (instruments.has(name)) throw new Error(`Plugin ${owner}: the metric ${name} has an owner already`)
        const labels = Object.keys(spec.labels ?? {})
        const buckets = spec.kind === "histogram" ? (spec.buckets ?? SECONDS) : []
        const instrument: Instrument = { name, owner, spec, labels, buckets, series: new Map(), shown: undefined }
        instruments.set(name, instrument)
        // What has not happened yet counts 0; what a gauge would show is not known yet.
        if (labels.length === 0 && spec.kind !== "gauge") seriesAt(instrument, [])
      }
    },

    show(owner, name, series) {
      const instrument = instruments.get(name)
      if (instrument?.owner !== owner) throw new Error(`Plugin ${owner}: ${name} is not among its metrics`)
      instrument.shown = series
    },

    bind(owner, name, labels) {
      const instrument = instruments.get(name)
      if (instrument?.owner !== owner) throw new Error(`Plugin ${owner}: ${name} is not among its metrics`)
      const series = seriesOf(instrument, labels)
      if (instrument.spec.kind === "histogram") return (value) => measure(instrument, series, value)
      return (by) => {
        series.value += by
      }
    },

    of(plugin) {
      const metrics = {
        count(name: string, labels?: Given, by: unknown = 1) {
          const counter = find(plugin, name, "counter")
          const step = number(counter, by)
          seriesOf(counter, labels).value += step
        },
        set(name: string, value: unknown, labels?: Given) {
          const gauge = find(plugin, name, "gauge")
          const shows = number(gauge, value)
          seriesOf(gauge, labels).value = shows
        },
        observe(name: string, value: unknown, labels?: Given) {
          const histogram = find(plugin, name, "histogram")
          const measured = number(histogram, value)
          measure(histogram, seriesOf(histogram, labels), measured)
        },
        collect: (task: () => void) => void collecting.push(task),
        snapshot,
      }
      // The names of a plugin's own metrics are known to its types alone.
      return metrics as Metrics
    },

    snapshot,

    forget(company) {
      if (!slots.forget(company)) return
      for (const instrument of instruments.values()) {
        const { spec, labels, series } = instrument
        const at = labels.find((label) => spec.labels?.[label] === "company")
        if (at === undefined) continue
        for (const [key, gone] of series) {
          if (gone.labels[at] !== company) continue
          series.delete(key)
          if (spec.kind !== "counter") continue
          const rest = labels.map((label) => (label === at ? OTHER : (gone.labels[label] as string)))
          seriesAt(instrument, rest).value += gone.value
        }
      }
    },
  }
}

function measure({ buckets }: Instrument, series: Series, value: number): void {
  let at = 0
  while (at < buckets.length && value > (buckets[at] ?? 0)) at++
  if (at < buckets.length) series.counts[at] = (series.counts[at] ?? 0) + 1
  series.count++
  series.value += value
}

function read({ name, owner, spec, labels, buckets, series, shown }: Instrument): MetricSnapshot {
  const { kind, help } = spec
  const about = { name, owner, help, labels: [...labels] }
  if (kind !== "histogram") {
    if (shown !== undefined) return { ...about, kind, series: shown() }
    return {
      ...about,
      kind,
      series: [...series.values()].map(({ labels, value }) => ({ labels: { ...labels }, value })),
    }
  }
  return {
    ...about,
    kind,
    series: [...series.values()].map((one) => {
      let below = 0
      const rising = buckets.map((le, at) => ({ le, count: (below += one.counts[at] ?? 0) }))
      return { labels: { ...one.labels }, count: one.count, sum: one.value, buckets: rising }
    }),
  }
}
