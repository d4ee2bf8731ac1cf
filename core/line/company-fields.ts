import type { Plugin } from "../plugin.ts"
import type { CompanyField, CompanyFields } from "../views.ts"
import { type CompanyRow, type Fields } from "./company-row.ts"

/** Stands for a secret wherever a company is shown; sent back, it changes nothing. */
export const HIDDEN = "***"

/** Every field that a plugin of this house declares, and one line for each that has two owners. */
export function companyFieldsOf(
  plugins: readonly Plugin[],
  own: readonly string[],
): { readonly fields: CompanyFields; readonly problems: readonly string[] } {
  const fields: Record<string, CompanyField> = Object.create(null)
  const problems: string[] = []
  for (const plugin of plugins) {
    for (const [name, field] of Object.entries(plugin.companySettings ?? {})) {
      if (own.includes(name) || Object.hasOwn(fields, name)) {
        problems.push(`Plugin ${plugin.name}: the company setting ${name} has an owner already`)
      } else fields[name] = field
    }
  }
  return { fields, problems }
}

/** The values as they are shown: null for what is not set. */
export function shownFields(fields: CompanyFields, row: CompanyRow): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [name, { secret }] of Object.entries(fields)) {
    const value = secret === true ? row.secrets[name] : row.fields[name]
    if (value === undefined || value === null) shown[name] = null
    else shown[name] = secret === true ? HIDDEN : value
  }
  return shown
}

/** All values, secrets among them, for the plugins that declared them. */
export function valuesOf({ fields, secrets }: CompanyRow): Fields {
  return Object.freeze({ ...fields, ...secrets })
}

/** A field that only the operator sets, and that is another one after the change; undefined without one. */
export function operatorsChange(fields: CompanyFields, before: CompanyRow, after: CompanyRow): string | undefined {
  const [was, is] = [valuesOf(before), valuesOf(after)]
  return Object.keys(fields).find(
    (name) => fields[name]?.operatorSets === true && JSON.stringify(was[name]) !== JSON.stringify(is[name]),
  )
}

/** The row with some values changed: undefined leaves one as it is, null takes it away. */
export function withValues(fields: CompanyFields, row: CompanyRow, change: Fields): CompanyRow {
  const plain: Record<string, unknown> = { ...row.fields }
  const secrets: Record<string, unknown> = { ...row.secrets }
  for (const [name, { secret }] of Object.entries(fields)) {
    const value = change[name]
    if (value === undefined || (secret === true && value === HIDDEN)) continue
    const into = secret === true ? secrets : plain
    if (value === null) delete into[name]
    else into[name] = value
  }
  return { ...row, fields: plain, secrets }
}
