/** What the view shows. Whatever the server does not tell is undefined. */
export interface Figures {
  /** When the server said so, in ms since the epoch. */
  readonly at: number
  readonly status: string | undefined
  /** Checks that have failed, by name, with what they say. */
  readonly faults: readonly Fault[]
  /** Milliseconds. */
  readonly uptime: number | undefined
  /** How many lines are in each state. */
  readonly states: Readonly<Record<string, number>>
  readonly totals: Totals | undefined
  readonly errors: Errors | undefined
  /** Messages sent and received in the last minute, as the server counts them. */
  readonly perMinute: number | undefined
  /** Of sends, in ms. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly samples: number } | undefined
  readonly queue: Queue | undefined
  readonly machine: Machine
  readonly alerts: readonly Alert[]
  readonly companies: readonly Company[]
  /** What is not shown, and why. */
  readonly notes: readonly string[]
}

export interface Fault {
  readonly name: string
  readonly detail: string | undefined
}

export interface Totals {
  readonly sent: number
  readonly received: number
  readonly disconnections: number
}

export interface Errors {
  readonly total: number
  /** As the server writes it: `0.4%`. */
  readonly rate: string
  readonly breakdown: Readonly<Record<string, number>>
}

export interface Queue {
  readonly depth: number
  /** Of the oldest message that waits, in seconds. */
  readonly age: number | undefined
}

export interface Machine {
  /** Bytes. */
  readonly memory: number | undefined
  readonly heap: number | undefined
  /** Percent of one core. */
  readonly cpu: number | undefined
  /** Milliseconds. */
  readonly loopDelay: number | undefined
  /** Bytes. */
  readonly disk: { readonly free: number; readonly total: number } | undefined
}

export interface Alert {
  readonly type: string
  readonly severity: string
  readonly message: string
  /** In ms since the epoch. */
  readonly since: number | undefined
}

export interface Company {
  readonly id: string
  readonly state: string | undefined
  readonly connected: boolean
  readonly sent: number | undefined
  readonly received: number | undefined
  readonly errors: number | undefined
  readonly errorRate: string | undefined
  /** Messages that wait. */
  readonly queued: number | undefined
  /** In ms since the epoch; null for one that never did anything. */
  readonly lastActivity: number | null | undefined
}

/** What has changed from look to look. */
export interface Changes {
  /** Per minute, over the last minute or as long as somebody has looked; undefined at the first look. */
  readonly sent: number | undefined
  readonly received: number | undefined
  readonly errors: number | undefined
  /** Errors of a company since the first look. */
  newErrors(company: string): number
}

export interface Tracker {
  /** Takes a look into account, and says what has changed until then. */
  note(figures: Figures): Changes
}

const WINDOW_MS = 60_000

interface Sample {
  readonly at: number
  readonly sent: number
  readonly received: number
  readonly errors: number
}

export function createTracker(): Tracker {
  let samples: Sample[] = []
  const first = new Map<string, number>()

  return {
    note(figures) {
      const { at, totals, errors, companies } = figures
      const fresh = new Map<string, number>()
      for (const { id, errors: count = 0 } of companies) {
        const begin = Math.min(first.get(id) ?? count, count)
        first.set(id, begin)
        fresh.set(id, count - begin)
      }
      const newErrors = (id: string): number => fresh.get(id) ?? 0
      if (totals === undefined) return { sent: undefined, received: undefined, errors: undefined, newErrors }
      const now: Sample = { at, sent: totals.sent, received: totals.received, errors: errors?.total ?? 0 }
      const last = samples.at(-1)
      // Counts that have gone back were set to zero by somebody, and a clock may have been set.
      if (last !== undefined && (now.sent < last.sent || now.received < last.received || now.at < last.at)) samples = []
      samples.push(now)
      // The youngest that is a whole window old stays, so that the window is never shorter than it has to be.
      while (samples.length > 2 && at - (samples[1]?.at ?? at) >= WINDOW_MS) samples.shift()
      const [begin = now] = samples
      const minutes = (at - begin.at) / 60_000
      const rate = (from: number, to: number): number | undefined =>
        minutes > 0 ? Math.max(0, to - from) / minutes : undefined
      return {
        sent: rate(begin.sent, now.sent),
        received: rate(begin.received, now.received),
        errors: rate(begin.errors, now.errors),
        newErrors,
      }
    },
  }
}
