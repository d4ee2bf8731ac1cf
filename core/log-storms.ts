import type { Clock, Timer } from "./clock.ts"
import type { LogFields, LogLevel } from "./log.ts"
import { LOG_FIELDS } from "./log-fields.ts"

/**
 * Keeps a storm of equal lines from filling the disk and hiding everything else: the first of them comes at once, and what
 * follows as one line with a count, now and then and when the storm is over.
 *
 * Equal are lines of the same level and sentence, but for the numbers in it, about the same company, plugin, code and so on, with an error of the same
 * wording but for its numbers. So one company's storm does not hide another's first error; but where the same sentence comes
 * about more than a few of them at a time, the rest is counted together.
 */
export interface Storms {
  /** False for a line that is counted instead of written. `bound` are fields that it has from its logger. */
  passes(level: LogLevel, bound: LogFields, fields: LogFields, sentence: string): boolean
  /** Writes what is still to be told; from then on every line passes. */
  close(): void
}

export interface StormsOptions {
  readonly clock: Clock
  readonly write: (level: LogLevel, fields: LogFields, sentence: string) => void
}

/** Between two lines about a storm that goes on, and how long it must be quiet to be over. */
export const STORM_MS = 30_000
/** Storms of one sentence that are told apart. */
export const TOLD_APART = 20
const MOST_STORMS = 2_000
/** Companies of which it is remembered that a storm has come to them, all storms taken together. */
const MOST_COMPANIES = 10_000
const MOST_WORDS = 80
/** Numbers, and what was left out. */
const NUMBERS = /[\d…]+/g
const TOO_MANY = "More kinds of lines than can be told apart"

/** A line of which there may be one for each request or change, and each is looked for: what it is about is in it. */
const ONE_EACH = ["method", "cause"] as const
const NAMES = Object.entries(LOG_FIELDS).flatMap(([name, kind]) => (kind === "name" || kind === "code" ? [name] : []))
const WORDS = Object.entries(LOG_FIELDS).flatMap(([name, kind]) => (kind === "words" ? [name] : []))

interface Storm {
  readonly level: LogLevel
  readonly sentence: string
  /** What the lines have in common. */
  readonly fields: LogFields
  /** The storm of its sentence that it is part of. */
  readonly whole: Storm | undefined
  /** Lines since the last one that was written. */
  count: number
  /** Of these lines, where several companies are counted together. */
  companies: Set<string> | undefined
  /** Parts that are told apart. */
  parts: number
  until: number
}

export function createStorms({ clock, write }: StormsOptions): Storms {
  const storms = new Map<string, Storm>()
  let remembered = 0
  let timer: Timer | undefined
  let closed = false

  const tell = (storm: Storm): void => {
    const { level, sentence, fields, count, companies } = storm
    const more = companies === undefined ? {} : { companies: companies.size }
    remembered -= companies?.size ?? 0
    storm.count = 0
    storm.companies = undefined
    write(level, { ...fields, repeated: count, ...more }, sentence)
  }

  const look = (): void => {
    const now = clock.monotonic()
    let next = Number.POSITIVE_INFINITY
    for (const [key, storm] of storms) {
      if (storm.until <= now) {
        if (storm.count > 0) tell(storm)
        else if (storm.parts === 0) {
          storms.delete(key)
          if (storm.whole !== undefined) storm.whole.parts--
          continue
        }
        storm.until = now + STORM_MS
      }
      next = Math.min(next, storm.until)
    }
    timer = storms.size === 0 ? undefined : clock.after(Math.max(1, next - now), look)
  }

  const begin = (key: string, level: LogLevel, sentence: string, fields: LogFields, whole?: Storm): Storm => {
    const until = clock.monotonic() + STORM_MS
    const storm: Storm = { level, sentence, fields, whole, count: 0, companies: undefined, parts: 0, until }
    storms.set(key, storm)
    if (whole !== undefined) whole.parts++
    timer ??= clock.after(STORM_MS, look)
    return storm
  }

  const among = (storm: Storm, company: unknown): false => {
    storm.count++
    if (typeof company === "string" && remembered < MOST_COMPANIES) {
      storm.companies ??= new Set()
      remembered -= storm.companies.size
      remembered += storm.companies.add(company).size
    }
    return false
  }

  return {
    passes(level, bound, fields, sentence) {
      if (closed || level === "fatal" || ONE_EACH.some((name) => fields[name] !== undefined)) return true
      const has = (name: string): unknown => fields[name] ?? bound[name]
      const company = has("company")
      const { names, words } = likeness(has)
      const wholeKey = `${level}\n${text(has("plugin"))}\n${sentence.replace(NUMBERS, "")}`
      const key = `${wholeKey}\n${text(company)}\n${names.join("\n")}\n${words}`
      const known = storms.get(key)
      if (known !== undefined) {
        known.count++
        return false
      }
      let whole = storms.get(wholeKey)
      if (whole === undefined) {
        if (storms.size >= MOST_STORMS) return among(storms.get(level) ?? begin(level, level, TOO_MANY, {}), company)
        const plugin = has("plugin")
        whole = begin(wholeKey, level, sentence, plugin === undefined ? {} : { plugin })
      }
      if (whole.parts >= TOLD_APART || storms.size >= MOST_STORMS) return among(whole, company)
      const common: Record<string, unknown> = {}
      for (const name of ["company", ...NAMES]) {
        const value = has(name)
        if (value !== undefined) common[name] = value
      }
      begin(key, level, sentence, common, whole)
      return true
    },

    close() {
      closed = true
      timer?.cancel()
      timer = undefined
      for (const storm of storms.values()) if (storm.count > 0) tell(storm)
      storms.clear()
    },
  }
}

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "")

/** What tells two lines of one sentence apart. */
function likeness(has: (name: string) => unknown): { readonly names: readonly string[]; readonly words: string } {
  return { names: NAMES.map((name) => text(has(name))), words: WORDS.map((name) => wording(has(name))).join("\n") }
}

/** An error's wording without what may be another each time. */
function wording(value: unknown): string {
  if (typeof value === "string")
    return value
      .slice(0, 2 * MOST_WORDS)
      .replace(NUMBERS, "")
      .slice(0, MOST_WORDS)
  if (typeof value !== "object" || value === null) return ""
  const { type, code, message }: { readonly type?: unknown; readonly code?: unknown; readonly message?: unknown } =
    value
  return `${text(type)} ${text(code)} ${wording(message)}`
}
