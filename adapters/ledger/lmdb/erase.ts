import type { Draft } from "./draft.ts"
import type { Engine } from "./engine.ts"
import { after, companyKey, companyPrefix, companyRanges, dueKey, erasedKey, rowRange } from "./keys.ts"
import type { Registry } from "./registry.ts"
import { decodeRow } from "./rows.ts"

/** Rows of one step: erasing a large company must not hold up the others' commits. */
const STEP = 500
/** Bytes of a row's physical key before its own part: range, company, table. */
const ROW_HEAD = 7

/** Takes the company's number from it and notes the number as to be erased. `undefined` when there is no such company. */
export function markErased(draft: Draft, registry: Registry, company: string): number | undefined {
  const number = registry.companies.get(company)
  if (number === undefined) return undefined
  draft.begin()
  draft.remove(companyKey(number))
  draft.put(erasedKey(number), Buffer.of(1))
  return number
}

/** From here on nobody sees the company, and its id begins anew under another number. */
export function forget(registry: Registry, company: string): void {
  const number = registry.companies.get(company)
  if (number === undefined) return
  registry.companies.delete(company)
  registry.companyNames.delete(number)
  registry.erased.add(number)
}

/** Removes some of an erased company's records; false when the last one is gone, and the note of it with them. */
export function eraseStep(engine: Engine, draft: Draft, company: number): boolean {
  draft.begin()
  for (const range of companyRanges) {
    const prefix = companyPrefix(range, company)
    const entries = engine.range(prefix, after(prefix), STEP)
    if (entries.length === 0) continue
    for (const { key, value } of entries) {
      if (range === rowRange) {
        const { due } = decodeRow(value)
        if (due !== undefined) draft.remove(dueKey(key.readUInt16BE(5), due, company, key.subarray(ROW_HEAD)))
      }
      draft.remove(key)
    }
    return true
  }
  draft.remove(erasedKey(company))
  return false
}
