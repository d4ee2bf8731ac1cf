import type { Order } from "./ranking.ts"
import { cutLine, type Line, plain, rankings, type Scene, summary, table, type Tone } from "./view.ts"
import { time } from "./words.ts"

export interface Size {
  readonly columns: number
  readonly rows: number
}

const KEYS = "q quit   e errors   w waiting   s silence"
/** Of each order, where there is no screen. */
const MOST_RANKED = 5

/** A full screen: exactly as many lines as there are rows, none wider than the screen. */
export function screenLines(scene: Scene, order: Order, { columns, rows }: Size): Line[] {
  const top = summary(scene)
  const room = rows - 1
  const body = [...top, [], ...table(scene, order, room - top.length - 1, columns)].slice(0, Math.max(0, room))
  const space: Line[] = Array.from({ length: Math.max(0, room - body.length) }, () => [])
  const footer: Line = [{ text: `${KEYS}   (by ${order})`, tone: "faint" }]
  return [...body, ...space, footer].map((line) => cutLine(line, columns))
}

/** A block of text, for a file or another program to read. */
export function plainBlock(scene: Scene): string {
  const lines = [...summary(scene), ...rankings(scene, MOST_RANKED)].map(plain)
  return `${lines.join("\n")}\n`
}

/** What happens between blocks. */
export function plainTrouble({ now, away, takenAt }: Scene): string {
  const age = takenAt === undefined ? "" : `; the last figures are of ${time(takenAt)}`
  return `${time(now)} No figures: ${away?.message ?? ""}${age}\n`
}

const CODES: Readonly<Record<Tone, string>> = {
  good: "32",
  bad: "31",
  warn: "33",
  faint: "2",
  strong: "1",
  heading: "7",
}

export function paint(line: Line, colours: boolean): string {
  if (!colours) return plain(line)
  return line.map(({ text, tone }) => (tone === undefined ? text : `\u001b[${CODES[tone]}m${text}\u001b[0m`)).join("")
}
