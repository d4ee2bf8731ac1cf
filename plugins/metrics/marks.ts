/** How many messages there had been in all at recent moments, oldest first; the time is that of a clock that never goes back. */
export interface Marks {
  /** Not before the last one. */
  note(at: number, total: number): void
  /** How many there had been by then, between two marks in proportion; undefined before the first that is kept. */
  at(moment: number): number | undefined
}

/** Once a second, for an hour. */
const KEPT = 3_601

export function createMarks(kept = KEPT): Marks {
  const times = new Float64Array(kept)
  const totals = new Float64Array(kept)
  let noted = 0

  const slot = (index: number): number => index % kept
  const timeAt = (index: number): number => times[slot(index)] ?? 0
  const totalAt = (index: number): number => totals[slot(index)] ?? 0

  return {
    note(at, total) {
      times[slot(noted)] = at
      totals[slot(noted)] = total
      noted++
    },

    at(moment) {
      let low = Math.max(0, noted - kept)
      if (noted === 0 || timeAt(low) > moment) return undefined
      let high = noted - 1
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        if (timeAt(middle) <= moment) low = middle
        else high = middle - 1
      }
      if (low === noted - 1) return totalAt(low)
      return between(moment, timeAt(low), totalAt(low), timeAt(low + 1), totalAt(low + 1))
    },
  }
}

/** What lies between two known points, in proportion. */
export function between(moment: number, from: number, first: number, to: number, last: number): number {
  return to <= from ? last : first + ((last - first) * (moment - from)) / (to - from)
}
