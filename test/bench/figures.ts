/** Least, middle and greatest of what the rounds gave. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** What a figure must reach (`least`) or must not exceed (`most`). */
export interface Bar {
  readonly kind: "least" | "most"
  readonly value: number
  /** What is judged, in the unit of the figure but for the ratio; the ratio when left out. */
  readonly of?: "difference" | "ours"
}

/** One line of the result: the same quantity of two subjects in each round, and how they compare. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly ours: Spread
  /** What ours is divided by. */
  readonly against: string
  readonly reference: Spread
  /** Of the rounds one by one, so that a disturbance that lasts longer than a round hits both sides of a ratio. */
  readonly ratio: Spread
  /** Ours less the reference, likewise. */
  readonly difference: Spread
  readonly bar: Bar | null
  readonly met: boolean | null
}

export interface FigureInput {
  readonly name: string
  readonly unit: string
  readonly against: string
  /** Of each round, in the order of the rounds. */
  readonly ours: readonly number[]
  readonly reference: readonly number[]
  readonly bar?: Bar | undefined
}

/** Throws on an empty list or a value that is no number: a figure made of those would look like one. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.ceil((sorted.length - 1) / 2)]
  const min = sorted[0]
  const max = sorted.at(-1)
  if (low === undefined || high === undefined || min === undefined || max === undefined) throw new Error("No rounds.")
  if (!sorted.every(Number.isFinite)) throw new Error(`Not a measurement: ${values.join(", ")}`)
  return { min, median: (low + high) / 2, max }
}

/** Pairs the rounds and judges the median of the ratios. Throws when the two sides have different numbers of rounds. */
export function figure(input: FigureInput): Figure {
  const { name, unit, against, ours, reference } = input
  if (ours.length !== reference.length) throw new Error(`${name}: ${ours.length} rounds against ${reference.length}.`)
  const spreads = {
    ours: spread(ours),
    reference: spread(reference),
    ratio: spread(ours.map((value, round) => value / (reference[round] ?? Number.NaN))),
    difference: spread(ours.map((value, round) => value - (reference[round] ?? Number.NaN))),
  }
  const bar = input.bar ?? null
  return {
    name,
    unit,
    against,
    ...spreads,
    bar,
    met: bar === null ? null : meets(bar, spreads[bar.of ?? "ratio"].median),
  }
}

export function meets(bar: Bar, value: number): boolean {
  return bar.kind === "least" ? value >= bar.value : value <= bar.value
}

/** By how much `y` grows with one more `x`, from each point to the next. Throws when two neighbours have the same `x`. */
export function slopes(points: readonly { readonly x: number; readonly y: number }[]): number[] {
  return points.slice(1).map((point, index) => {
    const before = points[index]
    if (before === undefined || before.x === point.x) throw new Error(`No slope at ${point.x}.`)
    return (point.y - before.y) / (point.x - before.x)
  })
}
