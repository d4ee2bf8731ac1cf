import type { Op } from "../ledger.ts"
import { emptyTally, noteIn, type Tally } from "./totals.ts"

/** What is in memory of the totals of all companies. */
export interface Shelf {
  find(company: string): Book | undefined
  /** Of a company that is not known yet, one that does not exist. */
  at(company: string): Book
  all(): Iterable<readonly [company: string, Book]>
  /** What has been written. */
  note(book: Book, ops: readonly Op[]): void
  /** What the ledger says. */
  put(book: Book, tally: Tally): void
  /** Its counts go to those of all others that are gone. */
  bury(company: string): void
  /** Counts of companies that are gone. */
  addBuried(values: readonly number[]): void
  /** Of all companies there are and have been. */
  readonly sum: readonly number[]
  /** Of these, what belongs to companies without series of their own. */
  readonly others: readonly number[]
}

export interface Book {
  tally: Tally
  /** It has something in the ledger. */
  exists: boolean
  /** Commits under way that count. */
  flying: number
  /** One of them seemed to fail, and may have got through. */
  doubtful: boolean
  mending: Promise<void> | undefined
  /** Called once nothing is under way. */
  landed: (() => void)[]
}

export function createShelf(): Shelf {
  const books = new Map<string, Book>()
  const { all: sum, others } = emptyTally()

  const addTo = (sums: number[], values: readonly number[], sign: 1 | -1): void => {
    for (const [at, value] of values.entries()) sums[at] = (sums[at] ?? 0) + sign * value
  }
  const add = (at: number, by: number, toOthers: boolean): void => {
    const sums = toOthers ? others : sum
    sums[at] = (sums[at] ?? 0) + by
  }

  return {
    sum,
    others,
    find: (company) => books.get(company),
    at(company) {
      let book = books.get(company)
      if (book === undefined) {
        book = { tally: emptyTally(), exists: false, flying: 0, doubtful: false, mending: undefined, landed: [] }
        books.set(company, book)
      }
      return book
    },
    all: () => books,
    note(book, ops) {
      book.exists = true
      noteIn(book.tally, ops, add)
    },
    put(book, tally) {
      addTo(sum, book.tally.all, -1)
      addTo(others, book.tally.others, -1)
      addTo(sum, tally.all, 1)
      addTo(others, tally.others, 1)
      Object.assign(book, { tally, exists: true })
    },
    bury(company) {
      const tally = books.get(company)?.tally
      if (tally === undefined) return
      addTo(others, tally.others, -1)
      addTo(others, tally.all, 1)
      books.delete(company)
    },
    addBuried(values) {
      addTo(sum, values, 1)
      addTo(others, values, 1)
    },
  }
}
