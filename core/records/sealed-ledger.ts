import type { DueRow, DumpedRecord, Ledger, Op, Page, PageQuery, Row } from "../ledger.ts"
import { renameRows, resealRows } from "./ledger/reseal-rows.ts"
import { ruleOf, VAULT_KEY, VAULT_TABLE } from "./ledger/names.ts"
import { createSealedCompany, type SealedCompany } from "./ledger/sealed-company.ts"
import { openLogRows, openRows, storedIndex, storedKeys } from "./ledger/sealed-rows.ts"
import { toError } from "../errors.ts"
import { andThen, type MaybePromise, type Sealer } from "./sealer.ts"
import { damaged } from "./values.ts"
import { destroyedVault, type Vault } from "./vault.ts"

/** A ledger whose values are sealed on the way in and opened on the way out, for every company but the house itself. */
export interface SealedLedger extends Ledger {
  /** Seals under the newest key what a company has under others, or plain. Lines may go on meanwhile. */
  reseal(company: string, signal: AbortSignal, wrote: (records: number) => void): Promise<void>
}

export interface SealedLedgerDeps {
  /** Undefined while, and as long as, nobody seals: then the ledger is as it is. */
  readonly sealer: () => Sealer | undefined
  /** Rows that were due and could not be opened, which must not hold up those of other companies. */
  readonly onUnreadable: (company: string, thrown: unknown) => void
}

const HOUSE = ""
/** Companies whose salt is at hand, and how many more there may be before room is made. */
const REMEMBERED = 2_000
const SLACK = 200

export function openSealedLedger(ledger: Ledger, { sealer, onUnreadable }: SealedLedgerDeps): SealedLedger {
  const companies = new Map<string, SealedCompany>()

  /** Some kilobytes each: of many companies, those that came first and rest are let go of. */
  const makeRoom = (): void => {
    for (const [company, self] of companies) {
      if (companies.size <= REMEMBERED) return
      if (self.resting) companies.delete(company)
    }
  }

  const make = (company: string, by: Sealer, after?: Promise<unknown>): SealedCompany => {
    const made = createSealedCompany({
      ledger,
      company,
      sealer: by,
      after,
      rename: (vault) => renameRows(ledger, company, by, vault),
    })
    companies.set(company, made)
    if (companies.size > REMEMBERED + SLACK) makeRoom()
    return made
  }

  const of = (company: string): SealedCompany | undefined => {
    if (company === HOUSE) return undefined
    const known = companies.get(company)
    if (known !== undefined) return known
    const by = sealer()
    return by && make(company, by)
  }

  /** With what the company's rows are opened; undefined when none of them is sealed. */
  const openerOf = (company: string): MaybePromise<Opener | undefined> => {
    const self = of(company)
    const by = sealer()
    if (self === undefined || by === undefined) return undefined
    return andThen(self.vault(), (vault) => vault && { sealer: by, vault })
  }

  /** At once where it is known; `use` may throw, and the caller gets a promise all the same. */
  const withOpener = <T>(company: string, use: (by: Opener | undefined) => Promise<T>): Promise<T> => {
    try {
      const by = openerOf(company)
      return by instanceof Promise ? by.then(use) : use(by)
    } catch (thrown) {
      return Promise.reject(toError(thrown))
    }
  }

  return {
    commit(company, ops) {
      const self = of(company)
      return self === undefined ? ledger.commit(company, ops) : self.commit(ops)
    },

    get: (company, table, keys) =>
      withOpener(company, (by) => {
        if (by === undefined) return ledger.get(company, table, keys)
        const names = storedKeys(by.sealer, by.vault, table, keys)
        const read = (stored: readonly string[]): Promise<(Row | undefined)[]> => ledger.get(company, table, stored)
        const rows = names instanceof Promise ? names.then(read) : read(names)
        return rows.then((found) => openFound(by, table, keys, found))
      }),

    async page(company, table, query) {
      const by = await openerOf(company)
      if (by === undefined) return ledger.page(company, table, query)
      const { rows, next } = await readPage(ledger, company, by, table, query)
      return { rows: await openRows(by.sealer, by.vault, table, rows), next }
    },

    async log(company, table, after, limit) {
      const by = await openerOf(company)
      const rows = await ledger.log(company, table, after, limit)
      return by === undefined ? rows : [...(await openLogRows(by.sealer, by.vault, table, rows))]
    },

    async due(table, now, limit) {
      const rows = await ledger.due(table, now, limit)
      const open = new Map<DueRow, DueRow>()
      for (const [company, some] of byCompany(rows)) {
        try {
          const by = await openerOf(company)
          const found = by === undefined ? some : await openRows(by.sealer, by.vault, table, some)
          for (const [index, row] of some.entries()) open.set(row, found[index] ?? row)
        } catch (thrown) {
          onUnreadable(company, thrown)
        }
      }
      return rows.flatMap((row) => open.get(row) ?? [])
    },

    async dump(company, after, limit) {
      const by = await openerOf(company)
      const page = await ledger.dump(company, after, limit)
      const records: DumpedRecord[] = []
      for (const record of page.records) {
        if (by === undefined || record.kind === "number") records.push(record)
        else if (record.kind === "log")
          records.push(...(await openLogRows(by.sealer, by.vault, record.table, [record])))
        else if (record.table !== VAULT_TABLE)
          records.push(...(await openRows(by.sealer, by.vault, record.table, [record])))
      }
      const last = by !== undefined && page.next !== null && (await isVaultAlone(ledger, company, page.next))
      return { records, next: last ? null : page.next }
    },

    async erase(company) {
      const self = of(company)
      const by = sealer()
      if (self === undefined || by === undefined) return ledger.erase(company)
      const erasing = self.idle().then(async () => {
        const [row] = await ledger.get(company, VAULT_TABLE, [VAULT_KEY])
        const salt: Op = { op: "put", table: VAULT_TABLE, key: VAULT_KEY, value: destroyedVault }
        // The salt first and by itself: what a crash leaves of the rest can be opened by nobody.
        if (row !== undefined) await ledger.commit(company, [salt])
        await ledger.erase(company)
      })
      // Whoever comes meanwhile begins anew behind it, or finishes what it could not do.
      const ended = erasing.catch(() => undefined)
      const next = make(company, by, ended)
      void ended.then(() => {
        if (next.resting && companies.get(company) === next) companies.delete(company)
      })
      await erasing
    },

    async reseal(company, signal, wrote) {
      const self = of(company)
      const by = sealer()
      if (self !== undefined && by !== undefined) await resealRows(ledger, company, self, by, signal, wrote)
    },

    tail: (company, table) => ledger.tail(company, table),
    numbers: (company, table) => ledger.numbers(company, table),
    companies: () => ledger.companies(),
    async close() {
      await Promise.all([...companies.values()].map((company) => company.idle()))
      await ledger.close()
    },
  }
}

/** True when only the row that is shown to nobody is left. */
async function isVaultAlone(ledger: Ledger, company: string, after: string): Promise<boolean> {
  const { records, next } = await ledger.dump(company, after, 1)
  return next === null && records.every((record) => record.table === VAULT_TABLE)
}

/** What was found under some keys, as callers know it. */
function openFound(
  { sealer, vault }: Opener,
  table: string,
  keys: readonly string[],
  found: readonly (Row | undefined)[],
): MaybePromise<(Row | undefined)[]> {
  const there = found.filter((row) => row !== undefined)
  return andThen(openRows(sealer, vault, table, there), (open) => {
    let at = 0
    return found.map((row, index) => {
      const one = row && open[at++]
      if (one !== undefined && one.key !== keys[index]) throw damaged(`${table} ${keys[index]}`, "it is another row")
      return one
    })
  })
}

interface Opener {
  readonly sealer: Sealer
  readonly vault: Vault
}

function byCompany(rows: readonly DueRow[]): Map<string, DueRow[]> {
  const groups = new Map<string, DueRow[]>()
  for (const row of rows) {
    const group = groups.get(row.company)
    if (group === undefined) groups.set(row.company, [row])
    else group.push(row)
  }
  return groups
}

/** A page as it is stored. Names are looked up whole: nothing can be said of how the texts behind them are ordered. */
async function readPage(
  ledger: Ledger,
  company: string,
  { sealer, vault }: Opener,
  table: string,
  query: PageQuery,
): Promise<Page> {
  const { index, prefix, from, to, limit } = query
  const named = index === undefined ? ruleOf(table).key : ruleOf(table).index.includes(index)
  if (!named) return ledger.page(company, table, query)
  if (from !== undefined || to !== undefined || (index === undefined && prefix !== undefined)) {
    throw new TypeError(`Rows of ${table} are not in the order of their texts here`)
  }
  if (index === undefined || prefix === undefined) return ledger.page(company, table, query)
  const name = await storedIndex(sealer, vault, table, index, prefix)
  const page = await ledger.page(company, table, { ...query, prefix: name })
  if (vault.done || page.rows.length >= limit) return page
  // Rows from before may still stand under the text itself.
  const before = await ledger.page(company, table, { ...query, limit: limit - page.rows.length })
  return { rows: [...page.rows, ...before.rows], next: before.next }
}
