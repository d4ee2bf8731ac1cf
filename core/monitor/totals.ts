import type { Op } from "../ledger.ts"
import { ERROR_CLASSES, type ErrorClass, type Totals } from "../monitor.ts"

/** Counts of a company's whole life, written with what they count. */
export const TOTALS_TABLE = "totals"

export type TotalKey = Exclude<keyof Totals, "errors"> | `error:${ErrorClass}`

export const TOTAL_KEYS: readonly TotalKey[] = [
  ...([
    "sent",
    "received",
    "failed",
    "blocked",
    "connections",
    "disconnections",
    "mediaSent",
    "mediaReceived",
  ] as const),
  ...ERROR_CLASSES.map((name) => `error:${name}` as const),
]

/** What was counted while the company had no series of its own, beside the whole. */
const OTHERS = "@other"
/** The last start at which the company had series of its own: they go on in it after the next one. */
const SERIES = "@series"
const PLACES = new Map<string, number>(TOTAL_KEYS.map((key, at) => [key, at]))

/** What the ledger has of one company, by the places of `TOTAL_KEYS`. */
export interface Tally {
  readonly all: number[]
  /** Of these, what belongs to the series of all companies without one of their own. */
  readonly others: number[]
  series: number
}

export type Increment = Extract<Op, { op: "increment" }>

export function isCount(op: Op): op is Increment {
  return op.op === "increment" && op.table === TOTALS_TABLE
}

/** True for what is this server's own bookkeeping, and means nothing to another one. */
export const isBookkeeping = (key: string): boolean => key.includes("@")

export function emptyTally(): Tally {
  return { all: TOTAL_KEYS.map(() => 0), others: TOTAL_KEYS.map(() => 0), series: 0 }
}

/** From the numbers of a table. What is no total of ours is passed over. */
export function tallyOf(numbers: Readonly<Record<string, number>>): Tally {
  const at = (key: string): number => numbers[key] ?? 0
  return {
    all: TOTAL_KEYS.map(at),
    others: TOTAL_KEYS.map((key) => at(key + OTHERS)),
    series: at(SERIES),
  }
}

export const isEmptyTally = ({ all, others }: Tally): boolean => [...all, ...others].every((value) => value === 0)

/** Counts one, in the commit that it stands in. */
export const count = (key: TotalKey, by = 1): Op => increment(key, by)

const increment = (key: string, by: number): Increment => ({ op: "increment", table: TOTALS_TABLE, key, by })

/** The same counts once more, for the series of all others. */
export function forOthers(ops: readonly Op[]): Increment[] {
  return ops.filter(isCount).map(({ key, by }) => increment(key + OTHERS, by))
}

/** Adds each of these that is not 0. */
export function addAll(values: readonly number[], to: "all" | "others" = "all"): Increment[] {
  return TOTAL_KEYS.flatMap((key, at) => {
    const by = values[at] ?? 0
    return by === 0 ? [] : [increment(to === "all" ? key : key + OTHERS, by)]
  })
}

export const raiseSeries = (by: number): Increment => increment(SERIES, by)

/** Adds to a tally what a commit has written. */
export function noteIn(
  tally: Tally,
  ops: readonly Op[],
  noted: (at: number, by: number, others: boolean) => void,
): void {
  for (const op of ops) {
    if (!isCount(op)) continue
    const all = PLACES.get(op.key)
    if (all !== undefined) {
      tally.all[all] = (tally.all[all] ?? 0) + op.by
      noted(all, op.by, false)
      continue
    }
    if (op.key === SERIES) tally.series += op.by
    const others = op.key.endsWith(OTHERS) ? PLACES.get(op.key.slice(0, -OTHERS.length)) : undefined
    if (others === undefined) continue
    tally.others[others] = (tally.others[others] ?? 0) + op.by
    noted(others, op.by, true)
  }
}

export function totalsOf(values: readonly number[]): Totals {
  const at = (key: TotalKey): number => values[PLACES.get(key) ?? -1] ?? 0
  const errors = Object.fromEntries(ERROR_CLASSES.map((name) => [name, at(`error:${name}`)])) as Totals["errors"]
  return {
    sent: at("sent"),
    received: at("received"),
    failed: at("failed"),
    blocked: at("blocked"),
    connections: at("connections"),
    disconnections: at("disconnections"),
    mediaSent: at("mediaSent"),
    mediaReceived: at("mediaReceived"),
    errors,
  }
}
