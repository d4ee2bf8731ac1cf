import type { Totals } from "../../core/plugin.ts"

/** Those of the totals that are shown, since the last reset. */
export type Counts = Pick<Totals, (typeof SHOWN)[number] | "errors">

export const SHOWN = [
  "sent",
  "received",
  "failed",
  "connections",
  "disconnections",
  "mediaSent",
  "mediaReceived",
] as const satisfies readonly (keyof Totals)[]

export const CLASSES = ["TIMEOUT", "NETWORK", "AUTH", "OTHER"] as const satisfies readonly (keyof Totals["errors"])[]

/** One number for each of `SHOWN` and of `CLASSES`. */
export function countsOf(at: (name: (typeof SHOWN)[number] | (typeof CLASSES)[number]) => number): Counts {
  const [sent, received, failed, connections, disconnections, mediaSent, mediaReceived] = SHOWN.map(at) as Seven
  const [TIMEOUT, NETWORK, AUTH, OTHER] = CLASSES.map(at) as Four
  const errors = { TIMEOUT, NETWORK, AUTH, OTHER }
  return { sent, received, failed, connections, disconnections, mediaSent, mediaReceived, errors }
}

type Seven = [number, number, number, number, number, number, number]
type Four = [number, number, number, number]

export const NOTHING: Counts = countsOf(() => 0)

/** What has been counted since `zero`; without one, all of it. */
export function since(zero: Counts | undefined, now: Counts): Counts {
  if (zero === undefined) return now
  return countsOf((name) => Math.max(0, valueOf(now, name) - valueOf(zero, name)))
}

/** False when something was counted at `zero` that is not counted `now`: those are not the same company's. */
export function isLater(zero: Counts, now: Counts): boolean {
  return [...SHOWN, ...CLASSES].every((name) => valueOf(now, name) >= valueOf(zero, name))
}

/** Adds up to the failed messages. */
export function errorsIn({ errors }: Counts): number {
  return CLASSES.reduce((sum, name) => sum + errors[name], 0)
}

export function valueOf(counts: Counts, name: (typeof SHOWN)[number] | (typeof CLASSES)[number]): number {
  return name in counts.errors ? counts.errors[name as keyof Totals["errors"]] : counts[name as (typeof SHOWN)[number]]
}
