import type { LineRecord } from "./record.ts"
import type { Restriction } from "../types.ts"

/** A restriction whose end is not known is put to the test again after this. */
const RETRY_RESTRICTION_MS = 60 * 60 * 1000

/** The restriction of a line as it holds at `now`; null when there is none, or it may be over. */
export function restrictionAt({ restriction }: Pick<LineRecord, "restriction">, now: number): Restriction | null {
  if (restriction === null) return null
  const until = restriction.until ?? restriction.since + RETRY_RESTRICTION_MS
  return until > now ? { kind: restriction.kind, until: restriction.until } : null
}
