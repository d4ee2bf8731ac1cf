import type { Finding } from "../../core/plugin.ts"
import type { Day } from "./counts.ts"
import type { Policy } from "./policy.ts"

/** A reason to wait. All that wait for the same, but for the time to one chat, stand in one line. */
export interface Wait {
  /** Epoch ms. */
  readonly until: number
  readonly reason: "quiet-hours" | "daily-cap" | "first-contacts" | "recipient-spacing" | "pace"
}

const WHY: Readonly<Record<Wait["reason"], string>> = {
  "quiet-hours": "These are quiet hours",
  "daily-cap": "The day's messages are used up",
  "first-contacts": "The day's first contacts are used up, and nobody has written in this chat yet",
  "recipient-spacing": "A message has just gone to this chat",
  pace: "A message of the company has just gone",
}

/** What is said of a message that would go out now, without counting it: `day` as it is, `longest` what it would wait for. */
export function paceFinding(policy: Policy, day: Day | undefined, longest: Wait | undefined): Finding {
  const check = "pace"
  if (longest === undefined) return { check, ok: true, detail: `Nothing holds a message back${leftOf(policy, day)}` }
  const { until, reason } = longest
  const at = new Date(until).toISOString()
  return { check, ok: false, detail: `${WHY[reason]}: a message would be held back until ${at}`, waitsUntil: until }
}

export const unpaced: Finding = { check: "pace", ok: true, detail: "Pacing is off" }
export const answering: Finding = {
  check: "pace",
  ok: true,
  detail: "They have written lately: an answer is not held back",
}

function leftOf({ dailyCap, firstContacts }: Policy, day: Day | undefined): string {
  if (day === undefined) return ""
  const left = [
    ...(dailyCap > 0 ? [`${dailyCap - day.sent} of ${dailyCap} messages`] : []),
    ...(firstContacts > 0 ? [`${firstContacts - day.begun} of ${firstContacts} first contacts`] : []),
  ]
  return `; left today: ${left.join(" and ")}`
}
