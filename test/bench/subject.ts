import type { Call } from "./load.ts"

/** A client under test with its lines, in a process of its own. */
export interface Subject {
  readonly name: string
  readonly pid: number
  readonly url: string
  readonly inspector: string | undefined
  readonly companies: readonly Company[]
  /** Begins to link a company; gives the text of its QR code. */
  begin(company: Company): Promise<string>
  /** Resolves once the company's line is connected. */
  connected(company: Company): Promise<void>
  /** A text to a contact, as a request. */
  text(company: Company, to: string, text: string): Call
  stop(): Promise<void>
}

export interface Company {
  readonly id: string
  /** Digits of its phone, and of people it writes to and nobody else does. */
  readonly phone: string
  readonly contacts: readonly string[]
}

export interface SubjectOptions {
  /** Tells the phones of this subject's companies from those of every other one. */
  readonly index: number
  readonly companies: number
  readonly sandbox: { readonly env: Readonly<Record<string, string>>; readonly url: string }
  /** A folder of its own, empty. */
  readonly folder: string
  /** Flags of Node. */
  readonly flags: readonly string[]
  /** Further settings of ours. */
  readonly env?: Readonly<Record<string, string>>
}

export const CONTACTS = 8

/** Companies with phones of their own: 49152 is a mobile prefix of a country whose numbers may be this long. */
export function companiesOf({ index, companies }: Pick<SubjectOptions, "index" | "companies">): Company[] {
  const digits = (value: number, length: number): string => String(value).padStart(length, "0")
  return Array.from({ length: companies }, (_, company) => {
    const number = (person: number): string => `49152${digits(index, 2)}${digits(company, 3)}${digits(person, 2)}`
    return {
      id: `company-${digits(company, 3)}`,
      phone: number(0),
      contacts: Array.from({ length: CONTACTS }, (_, contact) => number(contact + 1)),
    }
  })
}
