/**
 * Port: ordered records with indexes and transactions: messages, outbox, events, idempotency keys, totals.
 *
 * Keys and index values are text compared by UTF-8 bytes, any characters, up to 4,096 bytes (an engine with shorter keys
 * hashes the tail itself, and orders by the beginning then). Values are bytes the ledger never looks into. No callbacks: a commit is data, so that no user
 * code runs inside a transaction.
 *
 * The company `""` is the house itself: its records belong to no company, and `companies` leaves it out. Names of tables
 * and indexes come from code, never from callers, and have at most 100 bytes.
 */

export interface Placement {
  readonly table: string
  readonly key: string
  readonly value: Uint8Array
  /** Index name → text to sort by. Entries follow the row when it is replaced or deleted. */
  readonly index?: Readonly<Record<string, string>>
  /** Epoch ms at which `due` reports the row. */
  readonly due?: number
}

/** The operations of a commit see what those before them have written. An absent row has version 0. */
export type Op =
  | ({ readonly op: "put" } & Placement)
  | ({ readonly op: "putIfAbsent" } & Placement)
  | ({ readonly op: "putIfVersion"; readonly version: number } & Placement)
  | { readonly op: "delete"; readonly table: string; readonly key: string; readonly version?: number }
  /** Adds to a whole number (absent counts as 0). */
  | { readonly op: "increment"; readonly table: string; readonly key: string; readonly by: number }
  /** A row that is there, in other bytes for what it says: it keeps its version, which is a condition. */
  | ({ readonly op: "recode"; readonly version: number } & Placement)
  /**
   * Appends to a log: the row's position is the next whole number of this company and table, from 1, without gaps. A
   * position that is given is a condition.
   */
  | { readonly op: "append"; readonly table: string; readonly value: Uint8Array; readonly position?: number }
  /** Replaces a log row that is there; a condition like those above, for one that is not. */
  | { readonly op: "rewrite"; readonly table: string; readonly position: number; readonly value: Uint8Array }

export type CommitResult =
  /** `positions` has one entry for each append of the commit, in order. */
  | { readonly ok: true; readonly positions: readonly number[] }
  /** Nothing was written; `op` is the index of the first operation whose condition did not hold. */
  | { readonly ok: false; readonly op: number }

export interface Row {
  readonly key: string
  readonly value: Uint8Array
  /** Grows with each write of the row, from 1; begins again when the row has been deleted. */
  readonly version: number
}

export interface LogRow {
  readonly position: number
  readonly value: Uint8Array
}

export interface PageQuery {
  /** Sort and select by this index; by key when left out. */
  readonly index?: string
  /** Only entries whose sort text begins with this. */
  readonly prefix?: string
  /** Sort texts from this one on. */
  readonly from?: string
  /** Sort texts below this one. */
  readonly to?: string
  /** Exclusive bounds: the cursor text of a page. Any other text is refused with VALIDATION_ERROR. */
  readonly after?: string
  readonly before?: string
  readonly limit: number
  readonly reverse?: boolean
}

export interface Page {
  readonly rows: readonly Row[]
  /** Hand back as `after` (or `before` when reversed) for the next page; null at the end. */
  readonly next: string | null
}

/** One record of a company as `dump` gives it: all that a commit needs to make it again. */
export type DumpedRecord =
  | ({ readonly kind: "row"; readonly version: number } & Placement)
  | { readonly kind: "log"; readonly table: string; readonly position: number; readonly value: Uint8Array }
  | { readonly kind: "number"; readonly table: string; readonly key: string; readonly value: number }

export interface DumpPage {
  /** Rows first, then logs by position, then numbers; each table together. */
  readonly records: readonly DumpedRecord[]
  /** Hand back as `after` for the next page; null at the end. */
  readonly next: string | null
}

export interface DueRow extends Row {
  readonly company: string
  readonly due: number
}

export interface Ledger {
  /** All or nothing, durable when it resolves. A full disk or a closed ledger rejects with STORAGE_UNAVAILABLE. */
  commit(company: string, ops: readonly Op[]): Promise<CommitResult>
  get(company: string, table: string, keys: readonly string[]): Promise<(Row | undefined)[]>
  /** One page from its own snapshot; nothing stays open. */
  page(company: string, table: string, query: PageQuery): Promise<Page>
  /** Log rows with a position above `after`, oldest first. */
  log(company: string, table: string, after: number, limit: number): Promise<LogRow[]>
  /** The last position of a log, 0 when it is empty. */
  tail(company: string, table: string): Promise<number>
  /** Numbers kept by `increment`, by key, for a table of one company. */
  numbers(company: string, table: string): Promise<Record<string, number>>
  /** What is to be done next in a table, over all companies, earliest first. */
  due(table: string, now: number, limit: number): Promise<DueRow[]>
  /**
   * Everything of a company, page by page, each page from its own snapshot: what was there all the time comes exactly
   * once. A text that an engine keeps only as a hash comes as the row gives it.
   */
  dump(company: string, after: string | undefined, limit: number): Promise<DumpPage>
  companies(): Promise<string[]>
  erase(company: string): Promise<void>
  close(): Promise<void>
}

export interface LedgerAdapter {
  readonly name: string
  open(options: { readonly folder: string }): Promise<Ledger>
}
