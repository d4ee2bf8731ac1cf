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
  /** False: more may wait than that, which an earlier process has left. */
  counted: boolean
  /** When there is something to try; infinite while that is known of none. */
  dueAt: number
  /** Nothing is tried before: the ledger failed. */
  restsUntil: number
  readonly place: Place
  /** Its rows are being read. */
  reading: boolean
  /** Grows with whatever comes for it. */
  news: number
}

/** Where deliveries go. Lanes of several companies may lead to one. */
export interface Place {
  readonly key: string
  lanes: number
  running: number
  /** Nothing is tried before; the receiver has asked for it. */
  restsUntil: number
  /** The last try failed. */
  struggling: boolean
}

export interface LaneLimits {
  /** Tries at once in all. */
  readonly total: number
  /** At one place. */
  readonly each: number
  /** At all places together whose last try failed; such a one has but one at a time. */
  readonly struggling: number
}

export interface Lanes {
  get(company: string, name: string): Lane | undefined
  /** `shared`: an endpoint of that name is one place for all companies. */
  open(company: string, name: string, waiting: number, shared: boolean): Lane
  /** Something has come that is due now. */
  wake(lane: Lane): void
  drop(lane: Lane): void
  /** Those of a company that has been erased. */
  of(company: string): readonly Lane[]
  /** The next one that may be read, and for how many tries, which count from here on; undefined when there is none. */
  next(now: number): { readonly lane: Lane; readonly room: number } | undefined
  /** So many of them are not needed after all. */
  giveBack(lane: Lane, tries: number): void
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
  const places = new Map<string, Place>()
  let running = 0
  let struggling = 0

  const roomAt = (place: Place): number => {
    const free = total - running
    if (!place.struggling) return Math.min(free, each - place.running)
    return Math.min(free, hard - struggling, 1 - place.running)
  }
  const count = (place: Place, tries: number): void => {
    place.running += tries
    running += tries
    if (place.struggling) struggling += tries
  }
  const timeOf = ({ dueAt, restsUntil, place }: Lane): number => Math.max(dueAt, restsUntil, place.restsUntil)

  const placeAt = (key: string): Place => {
    const place = places.get(key) ?? { key, lanes: 0, running: 0, restsUntil: 0, struggling: false }
    places.set(key, place)
    place.lanes++
    return place
  }

  return {
    get: (company, name) => lanes.get(keyOf(company, name)),
    open(company, name, waiting, shared) {
      const channel = name.slice(0, name.indexOf("\n"))
      const place = placeAt(shared ? name : keyOf(company, name))
      const at = { place, counted: false, dueAt: 0, restsUntil: 0, reading: false, news: 0 }
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
      if (lanes.get(key) !== lane) return
      lanes.delete(key)
      if (--lane.place.lanes === 0) places.delete(lane.place.key)
    },
    of: (company) => [...lanes.values()].filter((lane) => lane.company === company),

    next(now) {
      let first: Lane | undefined
      for (const lane of lanes.values()) {
        if (lane.reading || timeOf(lane) > now || roomAt(lane.place) <= 0) continue
        // Whoever waited longest; those that have just been served stand behind.
        if (first === undefined || timeOf(lane) < timeOf(first)) first = lane
      }
      if (first === undefined) return undefined
      const room = roomAt(first.place)
      count(first.place, room)
      return { lane: first, room }
    },
    giveBack: ({ place }, tries) => count(place, -tries),
    nextTime(now) {
      let time: number | undefined
      for (const lane of lanes.values()) {
        const at = timeOf(lane)
        if (at > now && at < Number.POSITIVE_INFINITY && (time === undefined || at < time)) time = at
      }
      return time
    },

    began: (lane, key) => void lane.running.add(key),
    ended({ running: keys, place }, key, well) {
      if (!keys.delete(key)) return
      count(place, -1)
      if (well === undefined || well !== place.struggling) return
      struggling += well ? -place.running : place.running
      place.struggling = !well
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
