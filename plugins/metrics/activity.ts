import type { PluginContext, SessionStatus } from "../../core/plugin.ts"

/** When each line last did something, also after it has left memory. */
export interface Activity {
  /** Epoch ms; null for a line that never did. `session`: as it is in memory now. */
  of(company: string, session: SessionStatus | undefined): number | null
  /** Looks at the lines in memory. */
  note(sessions: readonly SessionStatus[]): void
}

export type ActivityContext = Pick<PluginContext<unknown, never>, "sessions" | "log" | "on" | "background">

export function createActivity({ sessions, log, on, background }: ActivityContext): Activity {
  const latest = new Map<string, number>()

  const note = (seen: readonly SessionStatus[]): void => {
    for (const { companyId, lastActivity } of seen) {
      if (lastActivity !== null && lastActivity > (latest.get(companyId) ?? 0)) latest.set(companyId, lastActivity)
    }
  }

  on("app:ready", () =>
    background("last activity", async () => {
      try {
        note(await sessions.all())
      } catch (error) {
        // Lines that come back are seen then; only of those that rest is it not known.
        log.warn({ error }, "When lines that are not in memory were last active cannot be read")
      }
    }),
  )
  on("company:erased", ({ company }) => void latest.delete(company))

  return { note, of: (company, session) => session?.lastActivity ?? latest.get(company) ?? null }
}
