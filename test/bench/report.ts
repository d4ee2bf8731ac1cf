import type { Bar, Figure, Spread } from "./figures.ts"

export type Settings = Readonly<Record<string, string>>

/** The result as a person reads it: a table, then what it was measured with. */
export function render(figures: readonly Figure[], settings: Settings): string {
  const rows = figures.map((one) => [
    one.name,
    spreadText(one.ours),
    spreadText(one.reference),
    spreadText(one.ratio),
    spreadText(one.difference),
    one.bar === null ? "" : barText(one.bar),
    one.met === null ? "" : one.met ? "met" : "MISSED",
    `${one.unit}; against ${one.against}`,
  ])
  const head = ["figure", "ours: min median max", "reference", "ratio", "difference", "bar", "", "unit"]
  const table = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  )
  const notes = Object.entries(settings).map(([name, value]) => `  ${name}: ${value}`)
  return [...lines, "", "measured with", ...notes, ""].join("\n")
}

function barText({ kind, value, of }: Bar): string {
  const limit = `${kind === "least" ? "≥" : "≤"} ${value}`
  return of === undefined ? limit : `${of} ${limit}`
}

function spreadText({ min, median, max }: Spread): string {
  return [min, median, max].map(rounded).join(" ")
}

/** Three digits that count, more only where they stand before the point. */
export function rounded(value: number): string {
  if (value === 0) return "0"
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(places)
}
