import { boundedList } from "./bounded.ts"

export interface JournalEntry {
  readonly at: number
  readonly event: string
  readonly line?: string
  readonly detail?: string
}

/** What happened, messages apart: connects, logins, pairings, faults that struck. The last ten thousand are kept. */
export interface Journal {
  note(event: string, line?: string, detail?: string): void
  entries(): readonly JournalEntry[]
  /** TCP connections that asked for an upgrade, and how many of those were refused. */
  upgrades: number
  upgradesRefused: number
  /** Clients that came without being linked, to be given a QR code. */
  registrations: number
  /** Stanzas and frames that the sandbox could not make sense of. */
  protocolErrors: number
}

const KEPT = 10_000

export function createJournal(): Journal {
  const list = boundedList<JournalEntry>(KEPT)
  return {
    upgrades: 0,
    upgradesRefused: 0,
    registrations: 0,
    protocolErrors: 0,
    note(event, line, detail) {
      list.push({
        at: Date.now(),
        event,
        ...(line === undefined ? {} : { line }),
        ...(detail === undefined ? {} : { detail }),
      })
    },
    entries: () => list.items(),
  }
}
