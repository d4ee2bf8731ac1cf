import { appError } from "../errors.ts"
import type { Homes } from "../homes/homes.ts"
import type { Mover, MoveView } from "../homes/mover.ts"
import { isUnderWay } from "../homes/record.ts"
import type { DumpedRecord, Ledger } from "../ledger.ts"
import { refuseFaults } from "../refusal.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { Sessions } from "../sessions.ts"
import type { Call } from "../types.ts"
import { isHidden, PROXY_RULE, readProxy, shownProxy } from "./proxy-url.ts"
import type { Naming } from "./view.ts"

/** What a company has set for itself, as it is shown. */
export interface CompanyView {
  readonly companyId: string
  readonly name: string | null
  /** Without its name and password. */
  readonly proxy: string | null
  /** The store that holds the company's auth state. */
  readonly storage: string
  /** The last move from store to store, if there was one. */
  readonly move: MoveView | null
  readonly provider: string
}

/** A field left out stays as it is; null takes it away. */
export interface CompanyChange {
  readonly name?: string | null | undefined
  readonly proxy?: string | null | undefined
  /** Null: the standard store. */
  readonly storage?: string | null | undefined
}

export interface CompanySettings {
  /** The proxy of the company's line, with its credentials. Throws STORAGE_UNAVAILABLE rather than leave one out. */
  proxy(company: string): Promise<string | undefined>
  /** Throws NOT_FOUND for a company that does not exist. */
  get(company: string): Promise<CompanyView>
  exists(company: string): Promise<boolean>
  /**
   * Makes the company when there is none, which is for the operator alone. A line that is under way connects anew when
   * its proxy has changed; one whose store has changed is moved there. Throws FORBIDDEN, VALIDATION_ERROR,
   * STORE_OCCUPIED and MOVE_UNDER_WAY.
   */
  put(call: Call, change: CompanyChange): Promise<Put>
}

export interface Put {
  readonly view: CompanyView
  readonly made: boolean
  /** A move has begun. */
  readonly moving: boolean
}

export interface CompanySettingsDeps {
  readonly ledger: Ledger
  readonly sessions: Sessions
  readonly naming: Naming
  readonly homes: Homes
  readonly mover: Mover
  readonly storeNames: readonly string[]
  /** Asked before a company comes into being; throws while something of an earlier one of its id is still there. */
  readonly admit: (company: string) => Promise<void>
}

interface CompanyRow {
  readonly name: string | null
  readonly proxy: string | null
}

const TABLE = "company"
const KEY = "settings"
const NOTHING: CompanyRow = { name: null, proxy: null }

/** The record as whoever may not know secrets sees it: a proxy without its name and password. */
export function withoutSecrets(record: DumpedRecord): DumpedRecord {
  if (record.kind !== "row" || record.table !== TABLE || record.key !== KEY) return record
  const row = decodeRecord<CompanyRow>(record.value, "settings")
  return row.proxy === null ? record : { ...record, value: encodeRecord({ ...row, proxy: shownProxy(row.proxy) }) }
}

/** A record that was shown without secrets, fit to be kept: a proxy without its password is none. */
export function shownAgain(record: DumpedRecord): DumpedRecord {
  if (record.kind !== "row" || record.table !== TABLE || record.key !== KEY) return record
  const row = decodeRecord<CompanyRow>(record.value, "settings")
  const usable = row.proxy === null || (readProxy(row.proxy) !== undefined && !isHidden(row.proxy))
  return usable ? record : { ...record, value: encodeRecord({ ...row, proxy: null }) }
}

export function createCompanySettings(deps: CompanySettingsDeps): CompanySettings {
  const { ledger, sessions, naming, homes, mover, storeNames } = deps
  const load = async (company: string): Promise<CompanyRow | undefined> => {
    const [row] = await ledger.get(company, TABLE, [KEY])
    return row && decodeRecord<CompanyRow>(row.value, `settings of ${company}`)
  }

  /** A company may have come into being by a session alone, and its messages outlive the session. */
  const known = async (company: string): Promise<CompanyRow | undefined> => {
    const row = await load(company)
    if (row !== undefined) return row
    if (sessions.peek(company) !== undefined) return NOTHING
    // A page may be short of records that are not the company's own, with more behind it.
    const { records, next } = await ledger.dump(company, undefined, 1)
    return records.length > 0 || next !== null ? NOTHING : undefined
  }

  const view = async (company: string, { name, proxy }: CompanyRow): Promise<CompanyView> => {
    // Looked up first: it learns which store is in charge.
    const move = await mover.view(company)
    return {
      companyId: company,
      name,
      proxy: proxy === null ? null : shownProxy(proxy),
      storage: naming.storage(company),
      move,
      provider: naming.provider,
    }
  }

  const storeFault = (message: string): Error =>
    refuseFaults([{ path: "storage", code: "VALIDATION_ERROR", message }]).error

  /** The store to go to; undefined when there is nothing to do. */
  const destination = async (company: string, wanted: string | null | undefined): Promise<string | undefined> => {
    if (wanted === undefined) return undefined
    const to = wanted ?? homes.standard
    if (!storeNames.includes(to)) throw storeFault(`expected one of ${storeNames.join(", ")}`)
    const home = await homes.learn(company)
    if (home !== undefined) return home.store === to && !isUnderWay(home.move) ? undefined : to
    const seen = sessions.peek(company) !== undefined || (await sessions.companies.record(company)) !== undefined
    return seen && to === homes.standard ? undefined : to
  }

  const reconnect = async (company: string, requestId: string): Promise<void> => {
    const line = sessions.peek(company)
    if (line === undefined || !line.live) return
    line.actFor(requestId)
    const link = line.link ?? { method: "qr" }
    await sessions.start(line, () => line.restart(link, "proxy changed"))
  }

  return {
    proxy: async (company) => (await load(company))?.proxy ?? undefined,

    exists: async (company) => (await known(company)) !== undefined,

    async get(company) {
      const row = await known(company)
      if (row === undefined) throw appError("NOT_FOUND", { message: "This company does not exist" })
      return view(company, row)
    },

    put({ company, principal, requestId }, change) {
      const operator = principal.scopes.has("operator")
      return sessions.serial(company, async () => {
        const before = await known(company)
        if (before === undefined && !operator) {
          throw appError("FORBIDDEN", { message: "Only the admin key makes a company" })
        }
        if (before === undefined) await deps.admit(company)
        const row = before ?? NOTHING
        const proxy = nextProxy(row.proxy, change.proxy)
        if (proxy !== row.proxy && !operator) {
          // The server connects to it, in whatever network it stands.
          throw appError("FORBIDDEN", { message: "Only the admin key sets a proxy" })
        }
        const to = await destination(company, change.storage)
        if (to !== undefined) await mover.check(company, to)
        const next: CompanyRow = { name: change.name === undefined ? row.name : change.name, proxy }
        const value = encodeRecord(next)
        const done = await ledger.commit(company, [{ op: "put", table: TABLE, key: KEY, value }])
        if (!done.ok) throw appError("STORAGE_UNAVAILABLE")
        if (proxy !== row.proxy) await reconnect(company, requestId)
        const moving = to !== undefined && (await mover.begin(company, to)) !== undefined
        return { view: await view(company, next), made: before === undefined, moving }
      })
    },
  }
}

function nextProxy(before: string | null, given: string | null | undefined): string | null {
  if (given === undefined) return before
  if (given === null) return null
  // An answer that is sent back changes nothing.
  if (before !== null && given === shownProxy(before)) return before
  const proxy = readProxy(given)
  if (proxy === undefined) throw refuseFaults([{ path: "proxy", code: "VALIDATION_ERROR", message: PROXY_RULE }]).error
  if (!isHidden(proxy)) return proxy
  const message = "The credentials are hidden in answers; give the whole URL, or leave `proxy` out to keep it"
  throw refuseFaults([{ path: "proxy", code: "VALIDATION_ERROR", message }]).error
}
