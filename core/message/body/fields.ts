import type { Fault } from "../../refusal.ts"

/** Readers of single fields of a send: each gives the value, or adds a fault and gives a stand-in. */

export type Fields = Readonly<Record<string, unknown>>

/** What is wrong with a body, in the order in which it was found. */
export interface Faults {
  readonly all: readonly Fault[]
  add(path: string, code: FaultCode, message: string): void
}

export type FaultCode = "INVALID_PHONE" | "INVALID_MESSAGE" | "INVALID_MEDIA_URL" | "VALIDATION_ERROR"

export interface TextRule {
  readonly path: string
  /** Characters. */
  readonly most: number
  readonly code?: FaultCode
}

/** Printable, and without spaces: every id that we or a provider give. */
const ID = /^[\x21-\x7e]{1,300}$/

export function createFaults(): Faults {
  const all: Fault[] = []
  return { all, add: (path, code, message) => void all.push({ path, code, message }) }
}

/** Programs write `null` for what they do not mean. */
export const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null

/** Null for what is no object of fields, arrays among it. */
export function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

/** Characters as people count them: an emoji that takes two units is one. */
export function isLonger(text: string, most: number): boolean {
  return text.length > most && (text.length > 2 * most || Array.from(text).length > most)
}

/** A text of at least one character. */
export function readText(value: unknown, { path, most, code = "VALIDATION_ERROR" }: TextRule, faults: Faults): string {
  if (typeof value !== "string" || value === "") {
    faults.add(path, code, "Expected a text of at least one character")
    return ""
  }
  if (!isLonger(value, most)) return value
  faults.add(path, code, `Expected at most ${most} characters`)
  return ""
}

/** The field by its name, when it says something; the empty text counts as left out. */
export function readOptional<N extends string>(
  name: N,
  value: unknown,
  rule: TextRule,
  faults: Faults,
): { readonly [K in N]?: string } {
  if (isAbsent(value) || value === "") return {}
  const text = readText(value, rule, faults)
  // One key of the name given.
  return text === "" ? {} : ({ [name]: text } as { [K in N]?: string })
}

export function readFlag(value: unknown, path: string, faults: Faults): boolean {
  if (isAbsent(value) || typeof value === "boolean") return value ?? false
  faults.add(path, "VALIDATION_ERROR", "Expected true or false")
  return false
}

export function readNumber(
  value: unknown,
  { path, from, to }: { readonly path: string; readonly from: number; readonly to: number },
  faults: Faults,
): number {
  if (typeof value === "number" && value >= from && value <= to) return value
  faults.add(path, "VALIDATION_ERROR", `Expected a number from ${from} to ${to}`)
  return 0
}

/** Id of a message, ours or the provider's. Whether there is one is not judged here. */
export function readMessageId(value: unknown, path: string, faults: Faults): string {
  if (typeof value === "string" && ID.test(value)) return value
  faults.add(path, "VALIDATION_ERROR", "Expected the id of a message, as answers and events give it")
  return ""
}

/** The items of a list of `least` to `most`; none when it is no such list. */
export function readList(
  value: unknown,
  { path, least, most, what }: { path: string; least: number; most: number; what: string },
  faults: Faults,
): readonly unknown[] {
  if (Array.isArray(value) && value.length >= least && value.length <= most) return value
  faults.add(path, "VALIDATION_ERROR", `Expected a list of ${least} to ${most} ${what}`)
  return []
}
