import type { WASocket } from "@whiskeysockets/baileys"
import type { Clock, Timer } from "../../../core/clock.ts"

const SWEEP_MS = 30_000
const WAITING = "TAG:"

/**
 * Ends questions that WhatsApp leaves unanswered, after 30 to 60 s, the way the library's own timers would: with no answer.
 * One timer for the line instead of one for each question. A question that hung for ever would hold the library's mutexes.
 */
export function sweepQueries(ws: WASocket["ws"], clock: Clock): Timer {
  let before = new Set<string>()
  return clock.every(SWEEP_MS, () => {
    const open = ws.eventNames().filter((event) => typeof event === "string" && event.startsWith(WAITING))
    const names = new Set(open.map(String))
    for (const event of names) if (before.has(event)) ws.emit(event, undefined)
    before = names
  })
}
