import type { Latencies, PluginContext, SessionStatus } from "../../core/plugin.ts"
import { type ActivityContext, createActivity } from "./activity.ts"
import { type Counts, errorsIn, NOTHING } from "./counts.ts"
import { percent } from "./percent.ts"
import type { Zero } from "./zero.ts"

/** What the JSON routes show of the counts, as the guide has it. */
export interface Figures {
  /** All of it. */
  report(): Report
  global(): GlobalFigures
  /** Undefined for a company that nothing is known of here. */
  company(company: string): CompanyFigures | undefined
  /** Of a company that exists without anything having been counted for it. */
  uncounted(company: string): CompanyFigures
  companies(): Readonly<Record<string, CompanyFigures>>
  performance(): Latencies
}

export interface Report {
  /** Milliseconds. */
  readonly uptime: number
  readonly global: GlobalFigures
  readonly companies: Readonly<Record<string, CompanyFigures>>
}

export interface GlobalFigures {
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly sessions: SessionCounts
  readonly errors: ErrorCounts
}

export interface CompanyFigures {
  readonly companyId: string
  /** Milliseconds. */
  readonly uptime: number
  readonly messages: { readonly sent: number; readonly received: number; readonly failed: number }
  readonly errors: ErrorCounts
  readonly sessions: SessionCounts
  readonly media: { readonly sent: number; readonly received: number }
  /** ISO 8601. */
  readonly lastActivity: string | null
}

interface SessionCounts {
  readonly active: number
  readonly connections: number
  readonly disconnections: number
}

interface ErrorCounts {
  readonly total: number
  readonly rate: string
  readonly breakdown: Counts["errors"]
}

export type FiguresContext = ActivityContext & Pick<PluginContext<unknown, never>, "monitor" | "clock">

export function createFigures(zero: Pick<Zero, "house" | "company">, context: FiguresContext): Figures {
  const { monitor, sessions, clock } = context
  const started = clock.monotonic()
  const activity = createActivity(context)

  const inMemory = (): readonly SessionStatus[] => {
    const list = sessions.list()
    activity.note(list)
    return list
  }

  const globalOf = (lines: readonly SessionStatus[]): GlobalFigures => {
    const counts = zero.house(monitor.totals())
    const { sent, received, connections, disconnections } = counts
    const active = lines.filter(({ connected }) => connected).length
    return {
      messagesSent: sent,
      messagesReceived: received,
      sessions: { active, connections, disconnections },
      errors: errorCounts(counts, sent + received),
    }
  }

  const shown = (company: string, counts: Counts, session: SessionStatus | undefined): CompanyFigures => {
    const { sent, received, failed, connections, disconnections, mediaSent, mediaReceived } = counts
    const connectedAt = session?.connected === true ? session.connectedAt : null
    const lastActivity = activity.of(company, session)
    return {
      companyId: company,
      // A clock that was set back must not make it less than nothing.
      uptime: connectedAt === null ? 0 : Math.max(0, Math.round(clock.now() - connectedAt)),
      messages: { sent, received, failed },
      errors: errorCounts(counts, sent),
      sessions: { active: session?.connected === true ? 1 : 0, connections, disconnections },
      media: { sent: mediaSent, received: mediaReceived },
      lastActivity: lastActivity === null ? null : new Date(lastActivity).toISOString(),
    }
  }

  const companiesOf = (list: readonly SessionStatus[]): Readonly<Record<string, CompanyFigures>> => {
    const lines = new Map(list.map((session) => [session.companyId, session]))
    // Names of companies must never be taken for what every object has.
    const all: Record<string, CompanyFigures> = Object.create(null)
    for (const company of [...monitor.companies()].sort()) {
      const totals = monitor.of(company)
      if (totals !== undefined) all[company] = shown(company, zero.company(company, totals), lines.get(company))
    }
    return all
  }

  return {
    global: () => globalOf(inMemory()),
    companies: () => companiesOf(inMemory()),
    report() {
      const lines = inMemory()
      return {
        uptime: Math.round(clock.monotonic() - started),
        global: globalOf(lines),
        companies: companiesOf(lines),
      }
    },
    company(company) {
      const totals = monitor.of(company)
      return totals && shown(company, zero.company(company, totals), sessions.get(company))
    },
    performance: monitor.latencies,
    uncounted: (company) => shown(company, NOTHING, sessions.get(company)),
  }
}

function errorCounts(counts: Counts, whole: number): ErrorCounts {
  const total = errorsIn(counts)
  return { total, rate: percent(total, whole), breakdown: { ...counts.errors } }
}
