import type { CommitResult, Ledger, Op } from "../ledger.ts"
import { ERROR_CLASSES, type ErrorClass, type Totals } from "../monitor.ts"

/** Counts of a company's whole life, written with what they count. */
export const TOTALS_TABLE = "totals"

export type TotalKey = Exclude<keyof Totals, "errors"> | `error:${ErrorClass}`

/** Counts one, in the commit that it stands in. */
export function count(key: TotalKey, by = 1): Op {
  return { op: "increment", table: TOTALS_TABLE, key, by }
}

/** The totals of every company, read once and followed from then on, so that to show them costs no reading. */
export interface TotalsBook {
  /** Everything that counts is written through this ledger. */
  readonly ledger: Ledger
  /** Reads what was counted before. Rejects when the ledger fails. */
  open(): Promise<void>
  of(company: string): Totals | undefined
  /** Of all companies together. */
  sum(): Totals
  companies(): readonly string[]
}

type Counts = Map<string, number>

const HOUSE = ""

export function createTotalsBook(ledger: Ledger, { enabled }: { readonly enabled: boolean }): TotalsBook {
  const books = new Map<string, Counts>()

  const bookOf = (company: string): Counts => {
    let book = books.get(company)
    if (book === undefined) {
      book = new Map()
      books.set(company, book)
    }
    return book
  }

  const note = (company: string, ops: readonly Op[]): void => {
    if (company === HOUSE) return
    let book: Counts | undefined
    for (const op of ops) {
      if (op.op !== "increment" || op.table !== TOTALS_TABLE) continue
      book ??= bookOf(company)
      book.set(op.key, (book.get(op.key) ?? 0) + op.by)
    }
    if (book === undefined) bookOf(company)
  }

  const counted: Ledger = {
    ...ledger,
    commit: (company, ops) => {
      const kept = enabled ? ops : ops.map((op) => (counts(op) ? { ...op, by: 0 } : op))
      return ledger.commit(company, kept).then((result: CommitResult) => {
        if (result.ok) note(company, kept)
        return result
      })
    },
    async erase(company) {
      await ledger.erase(company)
      books.delete(company)
    },
  }

  return {
    ledger: counted,
    async open() {
      for (const company of await ledger.companies()) {
        const numbers = await ledger.numbers(company, TOTALS_TABLE)
        books.set(company, new Map(Object.entries(numbers)))
      }
    },
    of: (company) => {
      const book = books.get(company)
      return book && totalsOf((key) => book.get(key) ?? 0)
    },
    sum: () =>
      totalsOf((key) => {
        let sum = 0
        for (const book of books.values()) sum += book.get(key) ?? 0
        return sum
      }),
    companies: () => [...books.keys()],
  }
}

function counts(op: Op): op is Extract<Op, { op: "increment" }> {
  return op.op === "increment" && op.table === TOTALS_TABLE
}

function totalsOf(at: (key: TotalKey) => number): Totals {
  const errors = Object.fromEntries(ERROR_CLASSES.map((name) => [name, at(`error:${name}`)])) as Totals["errors"]
  return {
    sent: at("sent"),
    received: at("received"),
    failed: at("failed"),
    blocked: at("blocked"),
    connections: at("connections"),
    disconnections: at("disconnections"),
    mediaSent: at("mediaSent"),
    mediaReceived: at("mediaReceived"),
    errors,
  }
}
