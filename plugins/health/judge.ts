import type { HealthItem, SessionStatus } from "../../core/plugin.ts"

export type Health = "healthy" | "degraded" | "unhealthy"

/** What a check has found. */
export interface Judged extends HealthItem {
  /** Nothing can be accepted. */
  readonly grave?: boolean
}

/** States of a line that should be connected and is not. */
const DOWN: ReadonlySet<SessionStatus["status"]> = new Set(["reconnecting", "outdated"])

/** What the lines say together; a sign of life counts from `since` (epoch ms) on. Names no company: whoever may read the health may not know them all. */
export function judgeSessions(sessions: readonly SessionStatus[], since: number): HealthItem {
  const silent = sessions.filter(({ connected, lastProofAt }) => connected && (lastProofAt ?? 0) < since).length
  const down = sessions.filter(({ status }) => DOWN.has(status)).length
  if (silent === 0 && down === 0) return { ok: true }
  const parts = [
    ...(silent > 0 ? [`${silent} connected without a recent sign of life`] : []),
    ...(down > 0 ? [`${down} not connected and trying`] : []),
  ]
  return { ok: false, detail: parts.join(", ") }
}

const MIB = 2 ** 20
const GIB = 2 ** 30
/** The ledger grows in steps of some megabytes, and a commit that finds no room fails: nothing is accepted any more. */
const NO_ROOM = 64 * MIB
/** Of a small disk a twentieth, of a large one a gibibyte: days of traffic, so that there is time to act. */
const LITTLE_ROOM = { share: 0.05, bytes: GIB }

/** `disk` in bytes; null where it cannot be told. */
export function judgeDisk(disk: { readonly free: number; readonly total: number } | null): Judged {
  if (disk === null) return { ok: true, detail: "How much room the disk of the data folder has cannot be told here" }
  const { free, total } = disk
  if (free < NO_ROOM) {
    const detail = "The disk of the data folder is full: nothing more can be stored until there is room on it"
    return { ok: false, grave: true, detail }
  }
  if (free >= Math.min(LITTLE_ROOM.share * total, LITTLE_ROOM.bytes)) return { ok: true }
  const detail = "The disk of the data folder is nearly full: make room on it, or messages will be refused soon"
  return { ok: false, detail }
}

/** Far above what busy servers show, and long before WhatsApp or callers give up on answers. */
const SLOW_LOOP_MS = 500

/** `delay`: the 99th percentile of a period, ms. */
export function judgeLoop(delay: number): Judged {
  if (delay <= SLOW_LOOP_MS) return { ok: true }
  const detail = "The process is overloaded, and every answer comes late: give it more CPU, or fewer lines and messages"
  return { ok: false, detail }
}

/** Without storage nothing can be accepted; anything else at fault still leaves some calls served. */
export function judge(sessions: HealthItem, checks: Readonly<Record<string, Judged>>): Health {
  const all = Object.values(checks)
  if (all.some(({ ok, grave }) => !ok && grave === true)) return "unhealthy"
  return sessions.ok && all.every(({ ok }) => ok) ? "healthy" : "degraded"
}
