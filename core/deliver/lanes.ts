/** The endpoints for which something waits, and whose turn it is. Nothing of a delivery itself is held in memory. */

export interface Lane {
  readonly company: string
  /** Channel and endpoint. */
  readonly name: string
  readonly channel: string
  /** Keys of the deliveries that are being tried. */
  readonly running: Set<string>
  /** What waits, those being tried among it. */
  waiting: number
  /** When there is something to try; infinite while that is known of none. */
  dueAt: number
  /** Nothing is tried before; asked for by the receiver, or because the ledger fails. */
  restsUntil: number
  /** The last try failed. */
  struggling: boolean
  /** Its rows are being read. */
  reading: boolean
  /** Grows with whatever comes for it. */
  news: number
}

export interface LaneLimits {
  /** Tries at once in all. */
  readonly total: number
  /** Of one endpoint. */
  readonly each: number
  /** Of all endpoints together whose last try failed; such a one has but one at a time. */
  readonly struggling: number
}

export interface Lanes {
  get(company: string, name: string): Lane | undefined
  open(company: string, name: string, waiting: number): Lane
  /** Something has come that is due now. */
  wake(lane: Lane): void
  drop(lane: Lane): void
  /** Those of a company that has been erased. */
  of(company: string): readonly Lane[]
  /** The next one that may be read, and for how many tries; undefined when there is none. */
  next(now: number): { readonly lane: Lane; readonly room: number } | undefined
  /** When one that rests will have something to do, after `now`; undefined when none will. */
  nextTime(now: number): number | undefined
  began(lane: Lane, key: string): void
  ended(lane: Lane, key: string, well: boolean | undefined): void
  readonly running: number
  waiting(): number
}

const keyOf = (company: string, name: string): string => `${company}\n${name}`

export function createLanes({ total, each, struggling: hard }: LaneLimits): Lanes {
  const lanes = new Map<string, Lane>()
  let running = 0
  let struggling = 0

  const roomOf = (lane: Lane): number => {
    const free = total - running
    if (!lane.struggling) return Math.min(free, each - lane.running.size)
    return Math.min(free, hard - struggling, 1 - lane.running.size)
  }
  const timeOf = (lane: Lane): number => Math.max(lane.dueAt, lane.restsUntil)

  return {
    get: (company, name) => lanes.get(keyOf(company, name)),
    open(company, name, waiting) {
      const channel = name.slice(0, name.indexOf("\n"))
      const at = { dueAt: 0, restsUntil: 0, struggling: false, reading: false, news: 0 }
      const lane: Lane = { company, name, channel, running: new Set(), waiting, ...at }
      lanes.set(keyOf(company, name), lane)
      return lane
    },
    wake(lane) {
      lane.dueAt = 0
      lane.news++
    },
    drop(lane) {
      const key = keyOf(lane.company, lane.name)
      if (lanes.get(key) === lane) lanes.delete(key)
    },
    of: (company) => [...lanes.values()].filter((lane) => lane.company === company),

    next(now) {
      let first: Lane | undefined
      for (const lane of lanes.values()) {
        if (lane.reading || timeOf(lane) > now || roomOf(lane) <= 0) continue
        // Whoever waited longest; those that have just been served stand behind.
        if (first === undefined || timeOf(lane) < timeOf(first)) first = lane
      }
      return first && { lane: first, room: roomOf(first) }
    },
    nextTime(now) {
      let time: number | undefined
      for (const lane of lanes.values()) {
        const at = timeOf(lane)
        if (at > now && at < Number.POSITIVE_INFINITY && (time === undefined || at < time)) time = at
      }
      return time
    },

    began(lane, key) {
      lane.running.add(key)
      running++
      if (lane.struggling) struggling++
    },
    ended(lane, key, well) {
      if (!lane.running.delete(key)) return
      running--
      if (lane.struggling) struggling--
      if (well === undefined || well !== lane.struggling) return
      struggling += well ? -lane.running.size : lane.running.size
      lane.struggling = !well
    },
    get running() {
      return running
    },
    waiting() {
      let sum = 0
      for (const lane of lanes.values()) sum += lane.waiting
      return sum
    },
  }
}
