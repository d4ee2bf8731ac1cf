/** Times of the day in a time zone, through every change of its offset. */
export interface LocalTime {
  /** The date as `2026-01-31`, and minutes since midnight as a clock on the wall shows them. */
  at(instant: number): { readonly date: string; readonly minutes: number }
  /**
   * The first moment after `after` at which the wall shows that time of that date; where the clock jumps over it, the
   * moment of the jump.
   */
  instantOf(date: string, minutes: number, after: number): number
  /** Start of the day that follows. */
  nextDay(instant: number): number
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** Throws a RangeError for a name that is no time zone. */
export function createLocalTime(timeZone: string): LocalTime {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "iso8601",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  })

  /** What the wall shows, as if it were UTC. */
  const wall = (instant: number): number => {
    const shown: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instant)) shown[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
    return Date.UTC(year, month - 1, day, hour, minute, second)
  }

  const dateOf = (shown: number): string => new Date(shown).toISOString().slice(0, 10)
  const dayAfter = (date: string): string => dateOf(Date.parse(date) + DAY_MS)

  const instantOf = (date: string, minutes: number, after: number): number => {
    const sought = Date.parse(date) + minutes * MINUTE_MS
    const offsets = [sought - DAY_MS, sought + DAY_MS].map((instant) => wall(instant) - instant)
    const meant = offsets.map((offset) => sought - offset).sort((a, b) => a - b)
    const [first = sought, last = sought] = meant
    const found = meant.find((instant) => instant > after && wall(instant) === sought)
    if (found !== undefined) return found
    let [before, reached] = [Math.max(first - MINUTE_MS, after), Math.max(last, after + MINUTE_MS)]
    while (reached - before > 1) {
      const middle = Math.floor((before + reached) / 2)
      if (wall(middle) >= sought) reached = middle
      else before = middle
    }
    return reached
  }

  return {
    at(instant) {
      const shown = wall(instant)
      return { date: dateOf(shown), minutes: Math.floor((shown - Date.parse(dateOf(shown))) / MINUTE_MS) }
    },
    instantOf,
    nextDay: (instant) => instantOf(dayAfter(dateOf(wall(instant))), 0, instant),
  }
}
