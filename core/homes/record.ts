import type { Ledger, Placement } from "../ledger.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { FaultInfo } from "../types.ts"

/** Which store is in charge of a company's auth state, and what has become of the last move. One row, one truth. */
export interface HomeRecord {
  readonly store: string
  readonly move: MoveRecord | null
}

export type MoveState =
  /** Decided; the line may still be sending. */
  | "waiting"
  /** The line rests, its sends queue; `from` is in charge. */
  | "copying"
  /** `to` is in charge, and the old copy is still to be removed. */
  | "removing"
  /** It failed, `from` has stayed in charge, and what was copied is still to be removed. */
  | "undoing"
  | "done"
  /** `from` has stayed in charge. */
  | "failed"

export interface MoveRecord {
  readonly from: string
  readonly to: string
  readonly state: MoveState
  readonly startedAt: number
  readonly endedAt: number | null
  readonly error: FaultInfo | null
}

export const HOME_TABLE = "home"
const KEY = "home"

export async function loadHome(ledger: Ledger, company: string): Promise<HomeRecord | undefined> {
  const [row] = await ledger.get(company, HOME_TABLE, [KEY])
  return row && decodeRecord<HomeRecord>(row.value, `home of ${company}`)
}

/** A row with work left to do is due at once, so that a start finds it. */
export function placeHome(home: HomeRecord): Placement {
  const placement = { table: HOME_TABLE, key: KEY, value: encodeRecord(home) }
  return isUnderWay(home.move) ? { ...placement, due: 0 } : placement
}

export function isUnderWay(move: MoveRecord | null): move is MoveRecord {
  return move !== null && move.state !== "done" && move.state !== "failed"
}
