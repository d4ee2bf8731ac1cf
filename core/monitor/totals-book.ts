import type { CommitResult, Ledger, Op } from "../ledger.ts"
import type { NumberSeries } from "../metrics.ts"
import type { Totals } from "../monitor.ts"
import { type Book, createShelf } from "./shelf.ts"
import { createSlots, OTHER, type Slots } from "./slots.ts"
import {
  forOthers,
  isCount,
  raiseSeries,
  tallyOf,
  TOTAL_KEYS,
  type TotalKey,
  TOTALS_TABLE,
  totalsOf,
} from "./totals.ts"
import { createTotalsEnds, type TotalsEnds } from "./totals-ends.ts"

/** The totals of every company, read once and followed from then on, so that to show them costs no reading. */
export interface TotalsBook {
  /** Everything that counts is written through this ledger. */
  readonly ledger: Ledger
  /** Reads what was counted before. Rejects when the ledger fails. */
  open(): Promise<void>
  of(company: string): Totals | undefined
  /** Of all companies together, erased ones among them. */
  sum(): Totals
  companies(): readonly string[]
  /** One total by company, as far as companies have series of their own; each count belongs to one series for ever. */
  series(key: TotalKey): NumberSeries[]
  /** For whoever puts an import in the place of a company's records. */
  readonly ends: Pick<TotalsEnds, "hold" | "keep" | "drop">
}

export interface TotalsBookOptions {
  readonly enabled: boolean
  /** Those of the instruments; without them every company has series of its own. */
  readonly slots?: Slots
}

const HOUSE = ""

export function createTotalsBook(ledger: Ledger, options: TotalsBookOptions): TotalsBook {
  const { enabled, slots = createSlots(Number.POSITIVE_INFINITY) } = options
  const shelf = createShelf()
  /** Counts of these may be behind the ledger. */
  const doubtful = new Set<Book>()
  const companyOf = new WeakMap<Book, string>()
  let start = 1

  const quiet = async (book: Book): Promise<void> => {
    while (book.flying > 0) await new Promise<void>((resolve) => book.landed.push(resolve))
  }
  const ends = createTotalsEnds({ ledger, shelf, quiet })

  const mend = (company: string, book: Book): Promise<void> => {
    book.mending ??= ledger
      .numbers(company, TOTALS_TABLE)
      .then((numbers) => {
        const known = shelf.find(company) === book
        if (known && (book.flying > 0 || ends.isHeld(company))) return
        if (known) shelf.put(book, tallyOf(numbers))
        book.doubtful = false
        doubtful.delete(book)
      })
      // Whoever comes next tries again.
      .catch(() => undefined)
      .finally(() => {
        book.mending = undefined
      })
    return book.mending
  }

  const mendAll = (): void => {
    for (const book of doubtful) {
      const company = companyOf.get(book)
      if (company !== undefined && book.flying === 0) void mend(company, book)
    }
  }

  const land = (company: string, book: Book): void => {
    if (--book.flying > 0) return
    for (const landed of book.landed.splice(0)) landed()
    if (book.doubtful) void mend(company, book)
  }

  const counted = async (company: string, given: readonly Op[]): Promise<CommitResult> => {
    const book = shelf.at(company)
    if (book.doubtful && book.flying === 0) await mend(company, book)
    let ops = given
    const { series } = book.tally
    const own = slots.claim(company) !== OTHER
    if (!own) ops = [...given, ...forOthers(given)]
    else if (series !== start) {
      ops = [...given, raiseSeries(start - series)]
      // At once: what is counted meanwhile must not raise it again.
      book.tally.series = start
    }
    book.flying++
    try {
      const result = await ledger.commit(company, ops)
      if (!result.ok && own) book.tally.series = series
      if (result.ok) shelf.note(book, own ? given : ops)
      return result
    } catch (thrown) {
      book.doubtful = true
      doubtful.add(book)
      companyOf.set(book, company)
      throw thrown
    } finally {
      land(company, book)
    }
  }

  /** Counts are left out; what a condition is that did not hold is told by its place among all operations. */
  const uncounted = async (company: string, ops: readonly Op[]): Promise<CommitResult> => {
    const kept = ops.filter((op) => !isCount(op))
    if (kept.length === 0) return { ok: true, positions: [] }
    const result = await ledger.commit(company, kept)
    return result.ok ? result : { ok: false, op: ops.indexOf(kept[result.op] as Op) }
  }

  const known = async (company: string, ops: readonly Op[]): Promise<CommitResult> => {
    const result = await ledger.commit(company, ops)
    if (result.ok) shelf.at(company).exists = true
    return result
  }

  const counting: Ledger = {
    ...ledger,
    commit(company, ops) {
      if (company === HOUSE || ends.isHeld(company)) return ledger.commit(company, ops)
      if (ops.some(isCount)) return enabled ? counted(company, ops) : uncounted(company, ops)
      return shelf.find(company)?.exists === true ? ledger.commit(company, ops) : known(company, ops)
    },
    erase: ends.erase,
  }

  const readAll = async (): Promise<void> => {
    const held = await ends.open()
    const before: { readonly company: string; readonly series: number }[] = []
    for (const company of await ledger.companies()) {
      const book = shelf.at(company)
      book.exists = true
      if (!enabled) continue
      const tally = held.get(company)?.tally ?? tallyOf(await ledger.numbers(company, TOTALS_TABLE))
      shelf.put(book, tally)
      if (tally.series > 0) before.push({ company, series: tally.series })
      start = Math.max(start, tally.series + 1)
    }
    if (!enabled) return
    shelf.addBuried(tallyOf(await ledger.numbers(HOUSE, TOTALS_TABLE)).all)
    before.sort((a, b) => b.series - a.series || (a.company < b.company ? -1 : 1))
    slots.seat(before.map(({ company }) => company))
  }

  return {
    ledger: counting,
    ends,
    open: readAll,
    of(company) {
      mendAll()
      const book = shelf.find(company)
      return book?.exists === true ? totalsOf(enabled ? book.tally.all : []) : undefined
    },
    sum() {
      mendAll()
      return totalsOf(enabled ? shelf.sum : [])
    },
    companies: () => [...shelf.all()].flatMap(([company, { exists }]) => (exists ? [company] : [])),
    series(key) {
      mendAll()
      const at = TOTAL_KEYS.indexOf(key)
      const own = slots.names().flatMap((company): NumberSeries[] => {
        const tally = shelf.find(company)?.tally
        if (tally === undefined) return []
        return [{ labels: { company }, value: (tally.all[at] ?? 0) - (tally.others[at] ?? 0) }]
      })
      return [...own, { labels: { company: OTHER }, value: shelf.others[at] ?? 0 }]
    },
  }
}
