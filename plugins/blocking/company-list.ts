import type { Call, CompaniesView } from "../../core/plugin.ts"
import { entriesIn, type Given, MOST_ENTRIES, withEntries, withoutEntry } from "./listing.ts"

/** A company's own list, which is its setting `blockedNumbers` and nothing beside it. */
export interface CompanyList {
  exists(company: string): Promise<boolean>
  entries(company: string): Promise<readonly string[]>
  /** Puts all of them on the list, or tells what that would do. Undefined, with nothing changed, when they do not fit. */
  add(call: Call, given: Given, dryRun: boolean): Promise<Added | undefined>
  remove(call: Call, entry: string): Promise<Removed>
}

export interface Added {
  readonly added: number
  /** On the list already, or given twice. */
  readonly duplicates: number
  /** On the list afterwards. */
  readonly total: number
}

export interface Removed {
  readonly removed: number
  readonly total: number
}

type Settings = Readonly<Record<string, unknown>>

export function createCompanyList(companies: CompaniesView): CompanyList {
  return {
    exists: companies.exists,

    entries: async (company) => entriesIn(await companies.settings(company)),

    async add(call, { entries, repeated }, dryRun) {
      let outcome: Added | undefined
      const change = (now: Settings): Settings => {
        const before = entriesIn(now)
        const { list, added } = withEntries(before, entries)
        if (list.length > MOST_ENTRIES && added > 0) return {}
        outcome = { added, duplicates: repeated + entries.length - added, total: list.length }
        return added === 0 ? {} : { blockedNumbers: list }
      }
      if (dryRun) change(await companies.settings(call.company))
      else await companies.change(call, change)
      return outcome
    },

    async remove(call, entry) {
      let outcome: Removed = { removed: 0, total: 0 }
      await companies.change(call, (now) => {
        const before = entriesIn(now)
        const left = withoutEntry(before, entry)
        outcome = { removed: before.length - left.length, total: left.length }
        return outcome.removed === 0 ? {} : { blockedNumbers: left }
      })
      return outcome
    },
  }
}
