import type { Changes, Company, Figures } from "./figures.ts"
import { type Order, ORDERS, silenceOf, worst } from "./ranking.ts"
import { cut, fit, safe, widthOf } from "./width.ts"
import { bytes, count, duration, latency, rate, time } from "./words.ts"

/** A piece of a line: what it says, and how it is to be seen where there are colours. */
export interface Piece {
  readonly text: string
  readonly tone?: Tone
}
export type Tone = "good" | "bad" | "warn" | "faint" | "strong" | "heading"
export type Line = readonly Piece[]

/** What there is to be shown now. */
export interface Scene {
  /** Where the server is. */
  readonly url: string
  readonly now: number
  readonly figures: Figures | undefined
  /** By our own clock, which need not be the server's. */
  readonly takenAt: number | undefined
  readonly changes: Changes | undefined
  /** Why there are no newer figures, when there are none. */
  readonly away: { readonly since: number; readonly message: string } | undefined
}

const LABEL = 11
const ASKING: Line = [{ text: "Asking the server …", tone: "faint" }]
const GOOD_STATES: ReadonlySet<string> = new Set(["connected"])
const BAD_STATES: ReadonlySet<string> = new Set(["failed", "logged-out", "replaced", "outdated", "qr-expired"])

/** Everything but the companies. */
export function summary(scene: Scene): Line[] {
  const { url, figures, changes, away } = scene
  const head: Line = [{ text: "Switchboard ", tone: "strong" }, { text: safe(url) }, ...statusOf(figures)]
  const trouble: Line[] = away === undefined ? [] : [[{ text: awayText(away, scene), tone: "bad" }]]
  if (figures === undefined) return [head, ...(away === undefined ? [ASKING] : trouble)]
  const { totals, errors, queue, latency: waits, perMinute, faults, alerts, notes } = figures
  return [
    head,
    ...trouble,
    ...notes.map((note): Line => [{ text: safe(note), tone: "warn" }]),
    row("Lines", linesOf(figures)),
    ...(totals === undefined
      ? []
      : [
          row("Messages", [
            { text: `sent ${count(totals.sent)} (${rate(changes?.sent)})  ` },
            { text: `received ${count(totals.received)} (${rate(changes?.received)})` },
            ...(perMinute === undefined ? [] : [{ text: `  last minute ${count(perMinute)}`, tone: "faint" } as const]),
          ]),
        ]),
    ...(errors === undefined
      ? []
      : [
          row("Errors", [
            {
              text: `${count(errors.total)} (${rate(changes?.errors)})  ${safe(errors.rate)}`,
              ...tone(errors.total, 1),
            },
            ...Object.entries(errors.breakdown)
              .filter(([, value]) => value > 0)
              .map(([name, value]): Piece => ({ text: `  ${safe(name)} ${count(value)}`, tone: "faint" })),
          ]),
        ]),
    ...(queue === undefined
      ? []
      : [
          row("Queue", [
            { text: `${count(queue.depth)} waiting` },
            ...(queue.age === undefined || queue.depth === 0
              ? []
              : [{ text: `, the oldest for ${duration(queue.age * 1_000)}` }]),
          ]),
        ]),
    ...(waits === undefined || waits.samples === 0
      ? []
      : [
          row("Latency", [
            { text: `p50 ${latency(waits.p50)}  p99 ${latency(waits.p99)}` },
            { text: `  of ${count(waits.samples)} sends`, tone: "faint" },
          ]),
        ]),
    ...machineRow(figures),
    ...faults.map(({ name, detail }) =>
      row("Check", [{ text: `${safe(name)}${detail === undefined ? "" : `: ${safe(detail)}`}`, tone: "bad" }]),
    ),
    ...alerts.map(({ severity, type, message, since }) =>
      row("Alert", [
        { text: `${safe(severity)} ${safe(type)}: ${safe(message)}`, tone: "bad" },
        ...(since === undefined ? [] : [{ text: `  for ${duration(figures.at - since)}`, tone: "faint" } as const]),
      ]),
    ),
  ]
}

/** One line for each of the worst companies, under their heading, in so many columns. */
export function table(scene: Scene, order: Order, rows: number, columns: number): Line[] {
  const { figures, changes } = scene
  if (figures === undefined || changes === undefined || rows < 2) return []
  const named = worst(figures, changes, order).slice(0, rows - 1)
  if (named.length === 0) return [[{ text: `No company stands out by ${order}`, tone: "faint" }]]
  const cells = CELLS.filter(({ least }) => columns >= least)
  const taken = cells.reduce((sum, { width }) => sum + width + 2, 0)
  const longest = Math.max(...named.map(({ id }) => widthOf(safe(id))), 12)
  const name = Math.max(8, Math.min(longest, columns - taken))
  const heading = cells.map(({ title, width }) => fit(title, width, "right")).join("  ")
  return [
    [{ text: `${fit("WORST", name)}  ${heading}`, tone: "heading" }],
    ...named.map((company): Line => {
      const shown = cells.map(({ width, show }) => fit(show(company, scene, changes), width, "right")).join("  ")
      return [{ text: `${fit(safe(company.id), name)}  ${shown}` }]
    }),
  ]
}

/** The worst by each order, in one line each: for where there is no screen. */
export function rankings(scene: Scene, most: number): Line[] {
  const { figures, changes } = scene
  if (figures === undefined || changes === undefined) return []
  return ORDERS.flatMap((order) => {
    const named = worst(figures, changes, order).slice(0, most)
    if (named.length === 0) return []
    const what = named.map((company) => `${safe(company.id)} ${measure(company, order, scene, changes)}`).join(", ")
    return [row(`By ${order}`, [{ text: what }])]
  })
}

function measure(company: Company, order: Order, { figures }: Scene, changes: Changes): string {
  if (order === "queue") return count(company.queued ?? 0)
  if (order === "silence") return silence(company, figures?.at ?? 0)
  const fresh = changes.newErrors(company.id)
  return `${count(company.errors ?? 0)}${fresh > 0 ? ` (+${count(fresh)})` : ""}`
}

interface Cell {
  readonly title: string
  readonly width: number
  /** Columns that the terminal must have for it. */
  readonly least: number
  show(company: Company, scene: Scene, changes: Changes): string
}

const known = (value: number | undefined): string => (value === undefined ? "–" : count(value))

const CELLS: readonly Cell[] = [
  { title: "STATE", width: 12, least: 30, show: ({ state }) => safe(state ?? "–") },
  { title: "ERRORS", width: 8, least: 42, show: ({ errors }) => known(errors) },
  { title: "NEW", width: 6, least: 92, show: ({ id }, _, changes) => count(changes.newErrors(id)) },
  { title: "RATE", width: 7, least: 76, show: ({ errorRate }) => safe(errorRate ?? "–") },
  { title: "QUEUE", width: 7, least: 54, show: ({ queued }) => known(queued) },
  { title: "SENT", width: 10, least: 104, show: ({ sent }) => known(sent) },
  { title: "RECEIVED", width: 10, least: 116, show: ({ received }) => known(received) },
  { title: "SILENT", width: 10, least: 66, show: (company, { figures }) => silence(company, figures?.at ?? 0) },
]

function silence(company: Company, at: number): string {
  const ms = silenceOf(company, at)
  return ms === undefined ? "–" : ms === Infinity ? "ever" : duration(ms)
}

function statusOf(figures: Figures | undefined): Piece[] {
  if (figures === undefined) return []
  const { status, uptime, at } = figures
  return [
    ...(status === undefined
      ? []
      : [{ text: `  ${safe(status)}`, tone: status === "healthy" ? "good" : "bad" } as const]),
    ...(uptime === undefined ? [] : [{ text: `  up ${duration(uptime)}` }]),
    { text: `  ${time(at)}`, tone: "faint" },
  ]
}

function awayText(away: NonNullable<Scene["away"]>, { takenAt, now }: Scene): string {
  const age = takenAt === undefined ? "" : `; these figures are ${duration(now - takenAt)} old`
  return `No figures for ${duration(now - away.since)}: ${safe(away.message)}${age}. Still trying`
}

function linesOf({ states }: Figures): Piece[] {
  const sorted = Object.entries(states).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const total = sorted.reduce((sum, [, value]) => sum + value, 0)
  return [
    { text: count(total), tone: "strong" },
    ...sorted.map(([state, value]): Piece => {
      const text = `  ${safe(state)} ${count(value)}`
      if (GOOD_STATES.has(state)) return { text, tone: "good" }
      return BAD_STATES.has(state) ? { text, tone: "bad" } : { text }
    }),
  ]
}

function machineRow({ machine }: Figures): Line[] {
  const { memory, heap, cpu, loopDelay, disk } = machine
  const parts = [
    ...(memory === undefined ? [] : [`memory ${bytes(memory)}${heap === undefined ? "" : ` (heap ${bytes(heap)})`}`]),
    ...(cpu === undefined ? [] : [`CPU ${cpu.toFixed(cpu < 10 ? 1 : 0)}%`]),
    ...(loopDelay === undefined ? [] : [`loop ${latency(loopDelay)}`]),
    ...(disk === undefined ? [] : [`disk ${bytes(disk.free)} free`]),
  ]
  return parts.length === 0 ? [] : [row("Process", [{ text: parts.join("  ") }])]
}

const row = (label: string, pieces: readonly Piece[]): Line => [{ text: fit(label, LABEL), tone: "faint" }, ...pieces]
const tone = (value: number, from: number): { tone?: Tone } => (value >= from ? { tone: "warn" } : {})

/** The line in at most so many columns. */
export function cutLine(line: Line, columns: number): Line {
  const kept: Piece[] = []
  let left = columns
  for (const piece of line) {
    if (left <= 0) break
    const text = cut(piece.text, left)
    kept.push({ ...piece, text })
    left -= text === piece.text ? widthOf(text) : left
  }
  return kept
}

export const plain = (line: Line): string =>
  line
    .map(({ text }) => text)
    .join("")
    .trimEnd()
