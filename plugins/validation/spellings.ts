/**
 * Countries whose mobile numbers have two spellings, of which WhatsApp knows an account by one alone. Each rule says which
 * numbers it is about, and gives the spelling that WhatsApp's own clients and their users expect first.
 */
interface Rule {
  readonly country: string
  readonly form: RegExp
  /** `area` and `rest` as `form` groups them. */
  readonly spell: (area: string, rest: string) => readonly [usual: string, other: string]
}

const RULES: readonly Rule[] = [
  {
    // Mobile numbers got a ninth digit from 2012 on; accounts from before kept eight. Area codes 11 to 28 changed first.
    country: "55",
    form: /^55([1-9][1-9])9?([6-9]\d{7})$/,
    spell: (area, rest) => {
      const nine = `55${area}9${rest}`
      const eight = `55${area}${rest}`
      return Number(area) <= 28 ? [nine, eight] : [eight, nine]
    },
  },
  {
    // The 1 of mobile numbers went out of use in 2019; WhatsApp goes on writing it.
    country: "52",
    form: /^521?()([2-9]\d{9})$/,
    spell: (_, rest) => [`521${rest}`, `52${rest}`],
  },
  {
    // The 9 of mobile numbers is dialled from abroad alone, and left out by many.
    country: "54",
    form: /^549?()([1-3]\d{9})$/,
    spell: (_, rest) => [`549${rest}`, `54${rest}`],
  },
]

/** Both spellings of a number that has two, whichever was given; the one that goes when nothing is known comes first. */
export function spellingsOf(phone: string): readonly [usual: string, other: string] | undefined {
  for (const { country, form, spell } of RULES) {
    if (!phone.startsWith(country)) continue
    const found = form.exec(phone)
    return found === null ? undefined : spell(found[1] ?? "", found[2] ?? "")
  }
  return undefined
}
