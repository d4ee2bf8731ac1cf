import type { HealthItem, SessionStatus } from "../../core/plugin.ts"

export type Health = "healthy" | "degraded" | "unhealthy"

/** States of a line that should be connected and is not. */
const DOWN: ReadonlySet<SessionStatus["status"]> = new Set(["reconnecting", "outdated"])

/** Connected lines without a sign of life from WhatsApp since `since` (epoch ms). */
export function withoutProof(sessions: readonly SessionStatus[], since: number): SessionStatus[] {
  return sessions.filter(({ connected, lastProofAt }) => connected && (lastProofAt ?? 0) < since)
}

/** What the lines say together. Names no company: whoever may read the health may not know them all. */
export function judgeSessions(sessions: readonly SessionStatus[], since: number): HealthItem {
  const silent = withoutProof(sessions, since).length
  const down = sessions.filter(({ status }) => DOWN.has(status)).length
  if (silent === 0 && down === 0) return { ok: true }
  const parts = [
    ...(silent > 0 ? [`${silent} connected without a recent sign of life`] : []),
    ...(down > 0 ? [`${down} not connected and trying`] : []),
  ]
  return { ok: false, detail: parts.join(", ") }
}

/** Without storage nothing can be accepted; anything else at fault still leaves some calls served. */
export function judge(sessions: HealthItem, checks: Readonly<Record<string, HealthItem>>): Health {
  if (checks.storage?.ok === false) return "unhealthy"
  const sound = sessions.ok && Object.values(checks).every(({ ok }) => ok)
  return sound ? "healthy" : "degraded"
}
