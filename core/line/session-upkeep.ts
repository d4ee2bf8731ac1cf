import type { Clock } from "../clock.ts"
import { toError } from "../errors.ts"
import type { Homes } from "../homes/homes.ts"
import type { Ledger } from "../ledger.ts"
import { SESSION_TABLE } from "./record.ts"
import { isOwnedElsewhere, type Line } from "./line.ts"
import type { Logger } from "../log.ts"
import { LOGIN_EVERY_MS, type Sessions } from "../sessions.ts"
import type { CoreSettings } from "../settings.ts"

/** What keeps the lines in order while nobody asks for anything. */
export interface SessionUpkeep {
  /** Brings back what was connected before, the most recently active first. */
  restore(signal: AbortSignal): Promise<void>
  /** Lets go of what has been idle for its time. */
  sweep(): Promise<void>
}

export interface UpkeepDeps {
  readonly sessions: Sessions
  readonly ledger: Ledger
  readonly settings: CoreSettings
  readonly clock: Clock
  readonly log: Logger
  readonly homes: Pick<Homes, "evict" | "forget" | "learn">
}

const DUE_AT_ONCE = 100
const FLUSH_MS = 5_000
const RETRY_MS = 2_000

export function createSessionUpkeep({ sessions, ledger, settings, clock, log, homes }: UpkeepDeps): SessionUpkeep {
  /** Worthless credentials whose erasing has failed before; beside the others, since their store may still hang. */
  const eraseAgain = (company: string): void => {
    const erased = sessions.serial(company, async () => (await sessions.line(company, false)).eraseCredentials())
    erased.catch((thrown: unknown) => {
      log.warn({ company, error: toError(thrown).message }, "Worthless credentials are still to be erased")
    })
  }

  /** Companies to bring back, the most recently active first. */
  const readWanted = async (): Promise<{ company: string; at: number }[]> => {
    const wanted: { company: string; at: number }[] = []
    for (const company of await sessions.companies.all()) {
      const record = await sessions.companies.record(company)
      // A pairing may have been finished by the provider in the moment before the process ended.
      if (record?.erase === true) eraseAgain(company)
      if (record === undefined || !(record.wanted || record.pairingSince !== null)) continue
      wanted.push({ company, at: record.lastActivity ?? 0 })
    }
    return wanted.sort((a, b) => b.at - a.at)
  }

  /** Tries until the ledger can be read, or the house stops. */
  const insist = async (signal: AbortSignal): Promise<{ company: string }[]> => {
    for (;;) {
      if (signal.aborted) return []
      try {
        return await readWanted()
      } catch (thrown) {
        log.error({ error: toError(thrown).message }, "The sessions to restore cannot be read; trying again")
        // Ends early only at shutdown, which the loop sees.
        await clock.sleep(RETRY_MS, signal).catch(() => undefined)
      }
    }
  }

  const restore = async (signal: AbortSignal): Promise<void> => {
    const wanted = await insist(signal)
    let left = 0
    for (const { company } of wanted) {
      if (signal.aborted) return
      try {
        const line = await sessions.line(company, false)
        if (line.live || (line.gate === "none" && line.record.pairingSince === null)) continue
        if (!sessions.hasRoom(line)) {
          left++
          continue
        }
        await sessions.start(line, () => line.start(undefined, "restore"))
      } catch (thrown) {
        log.warn({ company, error: toError(thrown).message }, "A session was not restored")
      }
      // Ends early only at shutdown, which the loop sees.
      await clock.sleep(LOGIN_EVERY_MS, signal).catch(() => undefined)
    }
    if (left > 0)
      log.warn({ left, maxSessions: settings.maxSessions }, "Sessions stay idle: WHATSAPP_MAX_SESSIONS is reached")
  }

  /** Another process had it, and may have ended since. */
  const claimAgain = (line: Line): void => {
    const started = sessions.start(line, () => line.start(undefined, "claim again"))
    started.catch((thrown: unknown) => {
      log.warn({ company: line.company, error: toError(thrown).message }, "A line was not claimed")
    })
  }

  const sweep = async (): Promise<void> => {
    const now = clock.now()
    for (const line of sessions.all()) {
      if (line.record.erase && !line.live) eraseAgain(line.company)
      if (isOwnedElsewhere(line)) claimAgain(line)
      if (line.live || now - (line.record.lastActivity ?? 0) < settings.sessionTtlMs) continue
      await line.flush(FLUSH_MS)
      if (!line.live && sessions.peek(line.company) === line) sessions.drop(line.company)
    }
    for (const [company, at] of sessions.leftAt) {
      if (now - at < settings.authStateTtlMs) continue
      sessions.leftAt.delete(company)
      await homes.learn(company)
      await homes.evict(company)
      if (sessions.peek(company) === undefined) homes.forget(company)
    }
    for (const { company } of await ledger.due(SESSION_TABLE, now, DUE_AT_ONCE)) {
      // Beside the others: a store that hangs holds up its own company alone.
      const abandoned = sessions.serial(company, async () => (await sessions.line(company, false)).abandonPairing())
      abandoned.catch((thrown: unknown) => {
        log.warn({ company, error: toError(thrown).message }, "An unfinished pairing is still to be removed")
      })
    }
  }

  return { restore, sweep }
}
