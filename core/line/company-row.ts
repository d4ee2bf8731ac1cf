import type { DumpedRecord, Placement, Row } from "../ledger.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import { isHidden, readProxy, shownProxy } from "./proxy-url.ts"

/** What a company has set for itself, as it is kept. */
export interface CompanyRow {
  readonly name: string | null
  readonly proxy: string | null
  /** Whose word the proxy is. */
  readonly proxySetBy: "operator" | "company"
  /** Values of the fields that plugins declare. */
  readonly fields: Fields
  /** Those of them that are secrets. */
  readonly secrets: Fields
}

export type Fields = Readonly<Record<string, unknown>>

export const COMPANY_TABLE = "company"
const KEY = "settings"
const NO_FIELDS: Fields = Object.freeze(Object.create(null) as Record<string, unknown>)
/** Companies could set no proxy before it was kept who did. */
export const EMPTY_ROW: CompanyRow = {
  name: null,
  proxy: null,
  proxySetBy: "operator",
  fields: NO_FIELDS,
  secrets: NO_FIELDS,
}
export const COMPANY_KEYS = [KEY] as const

export function placeCompany(row: CompanyRow): Placement {
  return { table: COMPANY_TABLE, key: KEY, value: encodeRecord(row) }
}

/** Rows written before plugins could declare fields have none. */
export function readCompany({ value }: Pick<Row, "value">, company: string): CompanyRow {
  return { ...EMPTY_ROW, ...decodeRecord<Partial<CompanyRow>>(value, `settings of ${company}`) }
}

/** The record as whoever may not know secrets sees it: a proxy without its name and password, and no secret field. */
export function withoutSecrets(record: DumpedRecord): DumpedRecord {
  if (record.kind !== "row" || record.table !== COMPANY_TABLE || record.key !== KEY) return record
  const row = readCompany(record, "a company")
  const proxy = row.proxy === null ? null : shownProxy(row.proxy)
  return { ...record, value: encodeRecord({ ...row, proxy, secrets: NO_FIELDS }) }
}

/** A record that was shown without secrets, fit to be kept: a proxy without its password is none. */
export function shownAgain(record: DumpedRecord): DumpedRecord {
  if (record.kind !== "row" || record.table !== COMPANY_TABLE || record.key !== KEY) return record
  const row = readCompany(record, "a company")
  const usable = row.proxy === null || (readProxy(row.proxy) !== undefined && !isHidden(row.proxy))
  return usable ? record : { ...record, value: encodeRecord({ ...row, proxy: null }) }
}
