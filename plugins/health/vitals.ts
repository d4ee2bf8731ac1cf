import type { HealthItem, PluginContext, SessionStatus } from "../../core/plugin.ts"
import { type Checks, shown } from "./checks.ts"
import { type Health, judge, judgeSessions } from "./judge.ts"

/** How the server is, from what is known now. */
export interface Vitals {
  /** Of one company's line alone where one is named: how many lines others have is not for its key to know. */
  read(company?: string): Reading
  /** Ms since the start. */
  uptime(): number
}

export interface Reading {
  readonly status: Health
  /** Empty without active checks. */
  readonly checks: Readonly<Record<string, HealthItem>>
  readonly lines: readonly SessionStatus[]
}

/** Beyond two rounds of checks: what a round takes, and an answer's way. */
const GRACE_MS = 30_000

type Needs = Pick<PluginContext<unknown, never>, "clock" | "sessions">

export function createVitals(intervalMs: number, checks: Checks | undefined, { clock, sessions }: Needs): Vitals {
  const started = clock.monotonic()
  return {
    uptime: () => Math.round(clock.monotonic() - started),
    read(company) {
      const lines = sessions.list().filter(({ companyId }) => companyId === (company ?? companyId))
      const together = judgeSessions(lines, clock.now() - 2 * intervalMs - GRACE_MS)
      const results = checks?.results ?? {}
      return {
        status: judge(together, results),
        checks: checks === undefined ? {} : shown({ ...results, sessions: together }),
        lines,
      }
    },
  }
}
