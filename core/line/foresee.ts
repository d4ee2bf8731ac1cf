import type { LineForesight } from "../foresight.ts"
import { isOwnedElsewhere, type Line } from "./line.ts"
import type { LineRecord } from "./record.ts"
import { restrictionAt } from "./restriction.ts"
import { atRest } from "./view.ts"
import { gateOf } from "../session.ts"
import type { Restriction } from "../types.ts"

export interface LineBooks {
  peek(company: string): Line | undefined
  readonly companies: { record(company: string): Promise<LineRecord | undefined> }
  /** Whether one more may be live. */
  hasRoom(line: Line | undefined): boolean
}

/** What a send would hear from the company's line, which is neither started nor brought into memory for it. */
export async function foreseeLine(
  { peek, companies, hasRoom }: LineBooks,
  company: string,
  now: number,
): Promise<{ readonly line: LineForesight; readonly restriction: Restriction | null }> {
  const line = peek(company)
  const record = line?.record ?? (await companies.record(company))
  if (record === undefined) return { line: { gate: "none", refusal: "NO_ACTIVE_SESSION" }, restriction: null }
  const rest = line === undefined ? atRest(record) : record
  const gate = line?.gate ?? gateOf(rest.state, rest.linked, false)
  return { line: { gate, refusal: refusalOf(gate, line, hasRoom(line)) }, restriction: restrictionAt(record, now) }
}

function refusalOf(gate: LineForesight["gate"], line: Line | undefined, room: boolean): LineForesight["refusal"] {
  if (gate === "none") return "NO_ACTIVE_SESSION"
  if (gate === "connected" || line?.live === true) return null
  if (!room) return "SESSION_LIMIT_REACHED"
  return line !== undefined && isOwnedElsewhere(line) ? "SESSION_OWNED_ELSEWHERE" : null
}
