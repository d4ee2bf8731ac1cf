import type { LocalTime } from "./local-time.ts"

/** A span of the day in minutes since midnight; it may go over midnight. */
export interface QuietHours {
  readonly from: number
  readonly to: number
}

const FORM = /^\s*([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-3]):([0-5]\d)\s*$/

/** Reads `22:00-08:00`; undefined for anything else, and for a span without a length. */
export function readQuietHours(text: string): QuietHours | undefined {
  const [, ...parts] = FORM.exec(text) ?? []
  if (parts.length === 0) return undefined
  const [h1 = 0, m1 = 0, h2 = 0, m2 = 0] = parts.map(Number)
  const hours = { from: h1 * 60 + m1, to: h2 * 60 + m2 }
  return hours.from === hours.to ? undefined : hours
}

/** When the quiet hours end that hold at `now`; undefined when none do. */
export function quietUntil({ from, to }: QuietHours, time: LocalTime, now: number): number | undefined {
  const { date, minutes } = time.at(now)
  const overMidnight = from > to
  const quiet = overMidnight ? minutes >= from || minutes < to : minutes >= from && minutes < to
  if (!quiet) return undefined
  const ends = overMidnight && minutes >= from ? time.at(time.nextDay(now)).date : date
  return time.instantOf(ends, to, now)
}
