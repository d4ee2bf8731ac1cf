import type { PluginContext, SessionStatus } from "../../core/plugin.ts"

type Needs = Pick<PluginContext<unknown, never>, "clock" | "sessions" | "background">

/** A line that does not answer in this time has not given proof of life, however long the interval is. */
const LONGEST_PROOF_MS = 10_000
/** How often in an interval silent lines are looked for: they are asked soon after it has gone by, and not all at once. */
const LOOKS = 40
const SHORTEST_LOOK_MS = 50
/** Of the connected lines, which part is asked at one look at most: all of them within a fifth of the interval. */
const PART = 8

/**
 * Asks every connected line from which nothing has been heard for `intervalMs`, and ends the connection of one that does
 * not answer, so that it reconnects. A line is asked within 1.25 intervals of its last sign of life and has half of one to
 * answer: a dead one is found before the second is over. Lines do not wait for each other, and none is asked twice at a time.
 */
export function startProofs(intervalMs: number, { clock, sessions, background }: Needs): void {
  const patience = Math.min(LONGEST_PROOF_MS, intervalMs / 2)
  const pause = Math.max(SHORTEST_LOOK_MS, intervalMs / LOOKS)
  /** When each was asked, monotonic ms; infinite as long as there is no answer. */
  const asked = new Map<string, number>()

  const ask = async (company: string, signal: AbortSignal): Promise<void> => {
    const now = clock.monotonic()
    asked.set(company, Number.POSITIVE_INFINITY)
    try {
      await sessions.prove(company, patience)
    } catch {
      // It may also have been closed meanwhile, or have been heard of: healing looks at that.
      if (!signal.aborted) sessions.heal(company)
    } finally {
      asked.set(company, now)
    }
  }

  const isDue = ({ companyId, lastProofAt }: SessionStatus): boolean => {
    const since = clock.now() - (lastProofAt ?? 0)
    // A sign of life from the future comes from a clock that was set back, and says nothing.
    const silent = since >= intervalMs || since < -intervalMs
    return silent && clock.monotonic() - (asked.get(companyId) ?? Number.NEGATIVE_INFINITY) >= intervalMs
  }

  const look = (signal: AbortSignal): void => {
    const lines = sessions.list().filter(({ connected }) => connected)
    const due = lines.filter(isDue).sort((a, b) => (a.lastProofAt ?? 0) - (b.lastProofAt ?? 0))
    for (const { companyId } of due.slice(0, Math.ceil(lines.length / PART))) void ask(companyId, signal)
    if (asked.size <= 2 * lines.length) return
    const there = new Set(lines.map(({ companyId }) => companyId))
    for (const company of asked.keys()) if (!there.has(company)) asked.delete(company)
  }

  background("proof of life", async (signal) => {
    while (!signal.aborted) {
      look(signal)
      await clock.sleep(pause, signal)
    }
  })
}
