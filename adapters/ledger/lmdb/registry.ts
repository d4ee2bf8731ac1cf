import { fromUtf8, utf8 } from "../../../core/records/utf8.ts"
import type { Engine } from "./engine.ts"
import { after, companyKey, companyRegistry, erasedRegistry, nameKey, nameRegistry } from "./keys.ts"

/** Numbers that stand for companies, tables and indexes in physical keys. What is here has been committed. */
export interface Registry {
  readonly companies: Map<string, number>
  readonly companyNames: Map<number, string>
  readonly names: Map<string, number>
  /** Companies whose records are not all gone yet. */
  readonly erased: Set<number>
  nextCompany: number
  nextName: number
}

const ALL = 0x7fffffff
const MOST_NAMES = 0xffff
const LONGEST_NAME = 100

export function readRegistry(engine: Engine): Registry {
  const registry: Registry = {
    companies: new Map(),
    companyNames: new Map(),
    names: new Map(),
    erased: new Set(),
    nextCompany: 1,
    nextName: 1,
  }
  for (const { key, value } of engine.range(companyRegistry, after(companyRegistry), ALL)) {
    const number = key.readUInt32BE(1)
    registry.companies.set(fromUtf8(value), number)
    registry.companyNames.set(number, fromUtf8(value))
    registry.nextCompany = Math.max(registry.nextCompany, number + 1)
  }
  for (const { key } of engine.range(erasedRegistry, after(erasedRegistry), ALL)) {
    const number = key.readUInt32BE(1)
    registry.erased.add(number)
    registry.nextCompany = Math.max(registry.nextCompany, number + 1)
  }
  for (const { key, value } of engine.range(nameRegistry, after(nameRegistry), ALL)) {
    const number = key.readUInt16BE(1)
    registry.names.set(fromUtf8(value), number)
    registry.nextName = Math.max(registry.nextName, number + 1)
  }
  return registry
}

/** The numbers one group of commits uses: the committed ones and those that the group itself adds. */
export interface DraftRegistry {
  company(id: string, put: (key: Buffer, value: Buffer) => void): number
  name(text: string, put: (key: Buffer, value: Buffer) => void): number
  /** Takes over what the group has committed. */
  keep(committed: (key: Buffer) => boolean): void
}

export function draftRegistry(registry: Registry): DraftRegistry {
  const companies = new Map<string, number>()
  const names = new Map<string, number>()
  return {
    company(id, put) {
      const known = registry.companies.get(id)
      if (known !== undefined) return known
      const number = companies.get(id) ?? registry.nextCompany++
      companies.set(id, number)
      // Again for each commit of the group, since an earlier one may have been taken back.
      put(companyKey(number), Buffer.from(utf8(id)))
      return number
    },
    name(text, put) {
      const known = registry.names.get(text)
      if (known !== undefined) return known
      const number = names.get(text) ?? registry.nextName++
      const bytes = Buffer.from(utf8(text))
      if (number > MOST_NAMES || bytes.length > LONGEST_NAME)
        throw new RangeError("Too many or too long names of tables")
      names.set(text, number)
      put(nameKey(number), bytes)
      return number
    },
    keep(committed) {
      for (const [id, number] of companies) {
        if (!committed(companyKey(number))) continue
        registry.companies.set(id, number)
        registry.companyNames.set(number, id)
      }
      for (const [text, number] of names) if (committed(nameKey(number))) registry.names.set(text, number)
    },
  }
}
