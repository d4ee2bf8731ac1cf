import type { Clock } from "../clock.ts"
import type { Deliver } from "../deliver.ts"
import { toError } from "../errors.ts"
import type { Events } from "../events.ts"
import type { Homes } from "../homes/homes.ts"
import type { Hooks } from "../hooks.ts"
import type { Inbound } from "../inbound.ts"
import type { Ledger } from "../ledger.ts"
import type { CompanySettings } from "../line/company-settings.ts"
import type { Naming } from "../line/view.ts"
import type { Logger } from "../log.ts"
import { createBatchRows } from "../message/batch-rows.ts"
import type { Chats } from "../message/chats.ts"
import type { Outbox } from "../message/outbox.ts"
import type { Pairs } from "../message/pairs.ts"
import type { TotalsBook } from "../monitor/totals-book.ts"
import type { Settlement } from "../message/settle.ts"
import type { AuthRecord } from "../records/auth-records.ts"
import type { Provider } from "../provider.ts"
import type { Sessions } from "../sessions.ts"
import type { CoreSettings } from "../settings.ts"
import type { Digest } from "../system.ts"
import type { SessionState } from "../types.ts"
import { within } from "../within.ts"
import { createErasure, type Erasure } from "./erasure.ts"
import { createExporter, type Exporter } from "./export.ts"
import type { Guard } from "./guard.ts"
import { createImporter, type Importer } from "./import.ts"

/** All that concerns a company as a whole: which there are, everything one has, and its end. */
export interface CompanyData {
  /** Companies in the order of their ids, above `after`; all of them, or one. */
  list(page: CompanyPage): Promise<{ readonly companies: readonly CompanyEntry[]; readonly next: string | null }>
  readonly exporter: Exporter
  readonly erasure: Erasure
  readonly importer: Importer
}

export interface CompanyPage {
  readonly only: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

export interface CompanyEntry {
  readonly companyId: string
  readonly name: string | null
  readonly storage: string
  readonly provider: string
  readonly status: SessionState
  /** Epoch ms. */
  readonly lastActivity: number | null
}

export interface CompanyDataDeps {
  /** Unguarded. */
  readonly ledger: Ledger
  readonly guard: Guard
  readonly totals?: TotalsBook["ends"] | undefined
  readonly settings: Pick<CoreSettings, "authStateTtlMs">
  readonly provider: Provider
  readonly homes: Homes
  readonly sessions: Sessions
  readonly companySettings: CompanySettings
  readonly naming: Naming
  readonly outbox: Outbox
  readonly inbound: Inbound
  readonly settlement: Settlement
  readonly chats: Chats
  readonly pairs: Pairs
  readonly events: Events
  readonly deliver: Pick<Deliver, "forget">
  readonly hooks: Hooks
  readonly clock: Clock
  readonly log: Logger
  readonly openSha256: () => Digest
}

/** What was under way for an erased company gets this long to come to its end. */
const SILENCE_MS = 5_000

export function createCompanyData(deps: CompanyDataDeps): CompanyData {
  const { ledger, guard, homes, sessions, companySettings, naming, events, hooks, clock, log } = deps

  const silence = async (company: string, logout: boolean): Promise<boolean> => {
    const line = sessions.peek(company)
    const unlinked = logout && line !== undefined ? await line.logout("deleted") : false
    if (!logout) await line?.stop("closing", "replaced by an import")
    line?.abandon()
    deps.outbox.closed(company)
    deps.pairs.forget(company)
    deps.deliver.forget(company)
    events.end(company)
    const works = [deps.outbox, deps.inbound, deps.settlement]
    await within(clock, SILENCE_MS, Promise.all(works.map((work) => work.drained(company))))
    return unlinked
  }

  const forget = (company: string): void => {
    sessions.drop(company)
    sessions.leftAt.delete(company)
    sessions.companies.remove(company)
    deps.chats.forget(company)
    homes.forget(company)
    hooks.observe("company:erased", { company })
  }

  /** The line rests meanwhile: its records are then those of one moment, and none is still on its way to the store. */
  const authRecords = (company: string): Promise<readonly AuthRecord[]> =>
    sessions.serial(company, async () => {
      const line = sessions.peek(company)
      const rests = line?.live === true ? { link: line.link } : undefined
      if (rests !== undefined) await line?.pause("export")
      const records: AuthRecord[] = []
      try {
        await homes.tend(company, async (store) => {
          for await (const some of store.all()) records.push(...some)
        })
      } finally {
        if (rests !== undefined && line?.live === false) {
          // The export is good all the same; the line's state says that it is idle, and a send starts it.
          await sessions
            .start(line, () => line.start(rests.link, "exported"))
            .catch((thrown: unknown) => {
              log.warn({ company, error: toError(thrown).message }, "A line did not come back after its export")
            })
        }
      }
      return records
    })

  const entry = async (company: string): Promise<CompanyEntry> => {
    const [{ name, storage, provider }, session] = await Promise.all([
      companySettings.get(company),
      sessions.look(company),
    ])
    const { status = "idle", lastActivity = null } = session ?? {}
    return { companyId: company, name, storage, provider, status, lastActivity }
  }

  const erasure = createErasure({
    ledger,
    guard,
    totals: deps.totals,
    homes,
    clock,
    log,
    exists: companySettings.exists,
    serial: sessions.serial,
    silence,
    forget,
    traces: createBatchRows(ledger).traces,
  })

  return {
    async list({ only, after, limit }) {
      const known = only === undefined ? (await ledger.companies()).sort() : [only]
      const found: CompanyEntry[] = []
      for (const company of known) {
        if ((after !== undefined && company <= after) || !(await companySettings.exists(company))) continue
        if (found.length === limit) return { companies: found, next: found.at(-1)?.companyId ?? null }
        found.push(await entry(company))
      }
      return { companies: found, next: null }
    },

    exporter: createExporter({
      ledger,
      events,
      clock,
      log,
      openSha256: deps.openSha256,
      generation: guard.generation,
      naming: async (company) => {
        await homes.learn(company)
        return { provider: naming.provider, storage: naming.storage(company) }
      },
      authRecords,
    }),

    erasure,
    importer: createImporter({
      ...deps,
      erasure,
      exists: companySettings.exists,
      unfinishedKeptMs: deps.settings.authStateTtlMs,
    }),
  }
}
