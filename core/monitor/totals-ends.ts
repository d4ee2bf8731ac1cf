import type { Ledger } from "../ledger.ts"
import { dropHeld, type Held, putHeld, readHeld } from "./held.ts"
import type { Book, Shelf } from "./shelf.ts"
import { addAll, emptyTally, isEmptyTally, raiseSeries, tallyOf, type Tally, TOTALS_TABLE } from "./totals.ts"

/**
 * What becomes of a company's counts at its end: they go to a number of the house that names nobody, so that no sum goes
 * back. Where an import takes the place of what there was, the company keeps its series, and the house the greater count.
 */
export interface TotalsEnds {
  /** What was interrupted when the process ended. Rejects when the ledger fails. */
  open(): Promise<ReadonlyMap<string, Held>>
  /** The company's counts stay as they are, whatever is written, until `keep` or `drop`. */
  hold(company: string): Promise<void>
  /** What has been written counts from now on. */
  keep(company: string): Promise<void>
  /** It was not to be, and what has been written will be erased; nothing after `keep`. */
  drop(company: string): void
  isHeld(company: string): boolean
  erase(company: string): Promise<void>
}

export interface TotalsEndsDeps {
  readonly ledger: Ledger
  readonly shelf: Shelf
  /** Resolves when nothing that counts is under way for the company. */
  readonly quiet: (book: Book) => Promise<void>
}

const HOUSE = ""

export function createTotalsEnds({ ledger, shelf, quiet }: TotalsEndsDeps): TotalsEnds {
  /** On record with the house. */
  const onRecord = new Map<string, Held>()
  /** Being replaced just now. */
  const replacing = new Set<string>()

  const read = async (company: string): Promise<Tally> => {
    const book = shelf.find(company)
    if (book !== undefined) await quiet(book)
    return tallyOf(await ledger.numbers(company, TOTALS_TABLE))
  }

  const put = async (company: string, held: Held): Promise<void> => {
    await ledger.commit(HOUSE, [putHeld(company, held)])
    onRecord.set(company, held)
  }

  const bury = async (company: string, { all }: Tally): Promise<void> => {
    await ledger.commit(HOUSE, [dropHeld(company), ...addAll(all)])
    onRecord.delete(company)
    shelf.bury(company)
  }

  return {
    async open() {
      const companies = new Set(await ledger.companies())
      for (const [company, held] of await readHeld(ledger)) {
        if (companies.has(company)) onRecord.set(company, held)
        else await bury(company, held.tally)
      }
      return onRecord
    },

    isHeld: (company) => replacing.has(company),

    async hold(company) {
      const tally = await read(company)
      shelf.put(shelf.at(company), tally)
      await put(company, { tally, replaced: true })
      replacing.add(company)
    },

    async keep(company) {
      const { tally: before = emptyTally() } = onRecord.get(company) ?? {}
      const now = tallyOf(await ledger.numbers(company, TOTALS_TABLE))
      // The company's own series go on as they were; whatever was counted elsewhere belongs to those of all others.
      const own = before.all.map((value, at) => value - (before.others[at] ?? 0))
      const others = now.all.map((value, at) => value - (own[at] ?? 0))
      const { series } = before
      await ledger.commit(company, [...addAll(others, "others"), ...(series === 0 ? [] : [raiseSeries(series)])])
      const lost = before.all.map((value, at) => Math.max(0, value - (now.all[at] ?? 0)))
      await ledger.commit(HOUSE, [dropHeld(company), ...addAll(lost)])
      onRecord.delete(company)
      replacing.delete(company)
      shelf.put(shelf.at(company), { all: now.all, others, series })
      shelf.addBuried(lost)
    },

    drop(company) {
      if (!replacing.delete(company)) return
      // Its counts are still there until what is left of it has been erased.
      const book = shelf.find(company)
      if (book !== undefined) book.exists = false
    },

    async erase(company) {
      if (replacing.has(company)) return ledger.erase(company)
      let held = onRecord.get(company)
      if (held?.replaced !== true) {
        const tally = await read(company)
        if (!isEmptyTally(tally)) {
          shelf.put(shelf.at(company), tally)
          held = { tally, replaced: false }
          await put(company, held)
        }
      }
      await ledger.erase(company)
      if (held === undefined) shelf.bury(company)
      else await bury(company, held.tally)
    },
  }
}
