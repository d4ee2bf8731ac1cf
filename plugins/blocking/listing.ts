import { keyOf, readNumber } from "./numbers.ts"

/** A company's list as it changes: entries, and what callers give to be put on it. */

export const MOST_ENTRIES = 10_000

/** Something given that is no number: where it stood, from 1 on. */
export interface BadLine {
  readonly line: number
  readonly message: string
}

export interface Given {
  /** In the order given, each once. */
  readonly entries: readonly string[]
  /** How many were given again, in whatever spelling. */
  readonly repeated: number
  readonly bad: readonly BadLine[]
}

/** What is given, as entries. Numbers in several spellings count as one. */
export function createReader() {
  const entries = new Map<string, string>()
  const bad: BadLine[] = []
  let repeated = 0
  return {
    read(value: unknown, line: number): void {
      const reading = readNumber(value)
      if ("fault" in reading) return void bad.push({ line, message: reading.fault })
      const key = keyOf(reading.entry)
      if (entries.has(key)) repeated++
      else entries.set(key, reading.entry)
    },
    end: (): Given => ({ entries: [...entries.values()], repeated, bad }),
  }
}

export function readNumbers(values: readonly unknown[]): Given {
  const reader = createReader()
  for (const [index, value] of values.entries()) reader.read(value, index + 1)
  return reader.end()
}

/** The list with these on it as well, and how many of them were not. */
export function withEntries(
  now: readonly string[],
  given: readonly string[],
): { readonly list: readonly string[]; readonly added: number } {
  const known = new Set(now.map(keyOf))
  const added = given.filter((entry) => !known.has(keyOf(entry)))
  return { list: [...now, ...added], added: added.length }
}

/** The list without an entry, in whatever spelling it stands there. */
export function withoutEntry(now: readonly string[], entry: string): readonly string[] {
  const key = keyOf(entry)
  return now.filter((one) => keyOf(one) !== key)
}

/** The value of the setting, as a list. */
export function entriesIn(settings: Readonly<Record<string, unknown>>): readonly string[] {
  const { blockedNumbers } = settings
  return Array.isArray(blockedNumbers) ? blockedNumbers.filter((entry) => typeof entry === "string") : []
}

/** One number a line; in a table (`text/csv`) it stands in the first column. A first line without a digit is its heading. */
export function linesOf(text: string, table: boolean): readonly { readonly line: number; readonly value: string }[] {
  return text.split(/\r\n|\n|\r/).flatMap((whole, index) => {
    const value = (table ? firstCell(whole) : whole).trim()
    const heading = index === 0 && !/\d/.test(value)
    return value === "" || heading ? [] : [{ line: index + 1, value }]
  })
}

function firstCell(line: string): string {
  const quoted = /^\s*"([^"]*)"/.exec(line)
  return quoted === null ? (line.split(/[,;\t]/, 1)[0] ?? "") : (quoted[1] ?? "")
}
