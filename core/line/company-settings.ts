import type { Egress } from "../egress.ts"
import { appError } from "../errors.ts"
import type { Homes } from "../homes/homes.ts"
import type { Mover, MoveView } from "../homes/mover.ts"
import { isUnderWay } from "../homes/record.ts"
import type { Guard } from "../company/guard.ts"
import { createLru } from "../records/lru.ts"
import { refuseFaults } from "../refusal.ts"
import type { Sessions } from "../sessions.ts"
import type { Call } from "../types.ts"
import { operatorsChange, shownFields, valuesOf, withValues } from "./company-fields.ts"
import {
  COMPANY_KEYS,
  COMPANY_TABLE,
  type CompanyRow,
  EMPTY_ROW,
  type Fields,
  placeCompany,
  readCompany,
} from "./company-row.ts"
import { shownProxy } from "./proxy-url.ts"
import { checkProxy, type CompanyProxy, nextProxy } from "./proxy-way.ts"
import type { CompanyFields } from "../views.ts"
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
  /** The settings that plugins declare; null where nothing is set, secrets hidden. */
  readonly fields: Fields
}

/** A field left out stays as it is; null takes it away. */
export interface CompanyChange {
  readonly name?: string | null | undefined
  readonly proxy?: string | null | undefined
  /** Null: the standard store. */
  readonly storage?: string | null | undefined
  /** Settings that plugins declare, checked. */
  readonly fields?: Fields
}

export interface CompanySettings {
  /** The proxy of the company's line, with its credentials. Throws STORAGE_UNAVAILABLE rather than leave one out. */
  proxy(company: string): Promise<CompanyProxy | undefined>
  /** Throws NOT_FOUND for a company that does not exist. */
  get(company: string): Promise<CompanyView>
  /**
   * The settings that plugins declare, secrets among them, as one object that stays the same until one of them changes;
   * at once when it is remembered. Throws STORAGE_UNAVAILABLE.
   */
  fields(company: string): Fields | Promise<Fields>
  exists(company: string): Promise<boolean>
  /**
   * Makes the company when there is none, which is for the operator alone. A line that is under way connects anew when
   * its proxy has changed; one whose store has changed is moved there. Throws FORBIDDEN, VALIDATION_ERROR,
   * STORE_OCCUPIED and MOVE_UNDER_WAY.
   */
  put(call: Call, change: CompanyChange | ((fields: Fields) => CompanyChange)): Promise<Put>
}

export interface Put {
  readonly view: CompanyView
  readonly made: boolean
  /** A move has begun. */
  readonly moving: boolean
}

export interface CompanySettingsDeps {
  readonly guard: Guard
  /** Settings that plugins declare. */
  readonly declared: CompanyFields
  readonly sessions: Sessions
  readonly naming: Naming
  readonly homes: Homes
  readonly mover: Mover
  readonly storeNames: readonly string[]
  readonly egress: Egress
  /** Asked before a company comes into being; throws while something of an earlier one of its id is still there. */
  readonly admit: (company: string) => Promise<void>
}

/** Companies whose settings are kept in memory. */
const REMEMBERED = 2_000

export function createCompanySettings(deps: CompanySettingsDeps): CompanySettings {
  const { guard, declared, sessions, naming, homes, mover, storeNames, egress } = deps
  const { ledger } = guard
  const remembered = createLru<{ readonly generation: number; readonly fields: Fields }>(REMEMBERED)
  /** How often a company's settings were written: what was read before is then not remembered. */
  let writes = 0

  const load = async (company: string): Promise<CompanyRow | undefined> => {
    const [row] = await ledger.get(company, COMPANY_TABLE, COMPANY_KEYS)
    return row && readCompany(row, company)
  }

  /** Of a company that is being erased, or filled again, nothing is remembered. */
  const remember = (company: string, fields: Fields, generation: number): Fields => {
    const same = generation === guard.generation(company) && !guard.isClosed(company)
    if (same) remembered.set(company, { generation, fields })
    return fields
  }

  const readFields = async (company: string): Promise<Fields> => {
    const generation = guard.generation(company)
    const before = writes
    const fields = valuesOf((await load(company)) ?? EMPTY_ROW)
    return before === writes ? remember(company, fields, generation) : fields
  }

  /** A company may have come into being by a session alone, and its messages outlive the session. */
  const known = async (company: string): Promise<CompanyRow | undefined> => {
    const row = await load(company)
    if (row !== undefined) return row
    if (sessions.peek(company) !== undefined) return EMPTY_ROW
    // A page may be short of records that are not the company's own, with more behind it.
    const { records, next } = await ledger.dump(company, undefined, 1)
    return records.length > 0 || next !== null ? EMPTY_ROW : undefined
  }

  const view = async (company: string, row: CompanyRow): Promise<CompanyView> => {
    const { name, proxy } = row
    // Looked up first: it learns which store is in charge.
    const move = await mover.view(company)
    return {
      companyId: company,
      name,
      proxy: proxy === null ? null : shownProxy(proxy),
      storage: naming.storage(company),
      move,
      provider: naming.provider,
      fields: shownFields(declared, row),
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
    async proxy(company) {
      const { proxy, proxySetBy } = (await load(company)) ?? EMPTY_ROW
      return proxy === null ? undefined : { url: proxy, trusted: proxySetBy === "operator" }
    },

    exists: async (company) => (await known(company)) !== undefined,

    async get(company) {
      const row = await known(company)
      if (row === undefined) throw appError("NOT_FOUND", { message: "This company does not exist" })
      return view(company, row)
    },

    fields(company) {
      const found = remembered.get(company)
      const same = found?.generation === guard.generation(company) && !guard.isClosed(company)
      return found !== undefined && same ? found.fields : readFields(company)
    },

    put({ company, principal, requestId }, wanted) {
      const operator = principal.scopes.has("operator")
      return sessions.serial(company, async () => {
        const before = await known(company)
        if (before === undefined && !operator) {
          throw appError("FORBIDDEN", { message: "Only the admin key makes a company" })
        }
        if (before === undefined) await deps.admit(company)
        const row = before ?? EMPTY_ROW
        const change = typeof wanted === "function" ? wanted(valuesOf(row)) : wanted
        const proxy = nextProxy(row.proxy, change.proxy)
        const rerouted = proxy !== row.proxy
        if (rerouted && !operator && row.proxy !== null && row.proxySetBy === "operator") {
          throw appError("FORBIDDEN", { message: "The proxy was set with the admin key, which alone changes it" })
        }
        if (rerouted && proxy !== null) await checkProxy(egress, { url: proxy, trusted: operator })
        const proxySetBy = rerouted ? (operator ? "operator" : "company") : row.proxySetBy
        const to = await destination(company, change.storage)
        if (to !== undefined) await mover.check(company, to)
        const own = { name: change.name === undefined ? row.name : change.name, proxy, proxySetBy } as const
        const next = withValues(declared, { ...row, ...own }, change.fields ?? {})
        const kept = operator ? undefined : operatorsChange(declared, row, next)
        if (kept !== undefined) throw appError("FORBIDDEN", { message: `Only the admin key sets ${kept}` })
        try {
          const { ok } = await ledger.commit(company, [{ op: "put", ...placeCompany(next) }])
          if (!ok) throw appError("STORAGE_UNAVAILABLE")
        } finally {
          // Also after a failure: the commit may have got through.
          writes++
          remembered.delete(company)
        }
        if (rerouted) await reconnect(company, requestId)
        const moving = to !== undefined && (await mover.begin(company, to)) !== undefined
        return { view: await view(company, next), made: before === undefined, moving }
      })
    },
  }
}
