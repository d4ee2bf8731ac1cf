/**
 * How objects are named. Everything of a company lies under `companies/<company>/`, as
 * `<fence>.<epoch>.<tag>.<number>-<kind>-<to>`.
 *
 * The first three parts are the generation: what one holder writes between taking the company over and losing it. Names sort in
 * the order of fences, so that the newest holder's generation is the last, whatever a former one still writes. Within a
 * generation objects are numbered without gaps. `to` is the sequence number of the last commit in the object.
 */

/**
 * - `h`, head: names what a generation builds on, and holds the commits that were waiting.
 * - `s`, snapshot: everything; what came before it counts no more.
 * - `d`, delta: what commits changed since the object before it.
 * - `e`, erased: there is nothing; what is still there is being removed.
 */
export type Kind = "h" | "s" | "d" | "e"

export interface ObjectName {
  /** Relative to the company's folder. */
  readonly text: string
  readonly generation: string
  readonly number: number
  readonly kind: Kind
  readonly to: number
}

const COMPANIES = "companies/"
const PATTERN = /^(\d{16}\.\d{15}\.[0-9a-f]{8})\.(\d{8})-([hsde])-(\d{16})$/

export const companiesFolder = COMPANIES

export function companyFolder(company: string): string {
  return `${COMPANIES}${company}/`
}

export function companyOf(folder: string): string {
  return folder.slice(COMPANIES.length, -1)
}

export function generationName(fence: number, epoch: number, tag: string): string {
  return `${digits(fence, 16)}.${digits(epoch, 15)}.${tag}`
}

export function fenceOf(generation: string): number {
  return Number(generation.slice(0, 16))
}

export function epochOf(generation: string): number {
  return Number(generation.slice(17, 32))
}

export function objectName(generation: string, number: number, kind: Kind, to: number): ObjectName {
  const text = `${generation}.${digits(number, 8)}-${kind}-${digits(to, 16)}`
  return { text, generation, number, kind, to }
}

/** Undefined for what was not named here. */
export function parseName(text: string): ObjectName | undefined {
  const [, generation, number, kind, to] = PATTERN.exec(text) ?? []
  if (generation === undefined) return undefined
  return { text, generation, number: Number(number), kind: kind as Kind, to: Number(to) }
}

export function digits(value: number, width: number): string {
  return String(value).padStart(width, "0")
}
