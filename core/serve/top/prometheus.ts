/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g

/** Samples of the metrics named; a line that is none is passed over, as is a value that is no number. */
export function readSamples(text: string, names: ReadonlySet<string>): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split("\n")) {
    // Most lines are of others; to read them would cost more than to skip them.
    if (line.startsWith("#") || !names.has(/^[\w:]*/.exec(line)?.[0] ?? "")) continue
    const [, name = "", inside = "", number = ""] = LINE.exec(line) ?? []
    const value = Number(number)
    if (name === "" || !Number.isFinite(value)) continue
    const labels = [...inside.matchAll(LABEL)].map(([, key = "", quoted = ""]) => [key, unquote(quoted)] as const)
    samples.push({ name, labels: Object.fromEntries(labels), value })
  }
  return samples
}

function unquote(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign))
}
