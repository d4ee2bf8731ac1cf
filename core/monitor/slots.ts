/** The label of all companies that have no series of their own. */
export const OTHER = "other"

/** Which companies have series of their own; one and the same for everything that is counted by company. */
export interface Slots {
  /** The name under which something that has just happened at the company counts: its own from now on, or `other`. */
  claim(company: string): string
  /**
   * Companies that had series before the start, those first that had them last: they go on in the places that are free,
   * until a company at which something happens needs them.
   */
  seat(companies: readonly string[]): void
  /** Every company that has series of its own now. */
  names(): readonly string[]
  /** The company is gone, and its place is free; false where it had none. */
  forget(company: string): boolean
}

export function createSlots(places: number): Slots {
  /** Something has happened there since the start: they keep their places. */
  const settled = new Set<string>()
  let guests: string[] = []
  return {
    claim(company) {
      if (settled.has(company)) return company
      // One that is called so would be taken for all the others.
      if (settled.size >= places || company === "" || company === OTHER) return OTHER
      settled.add(company)
      guests = guests.filter((guest) => guest !== company).slice(0, places - settled.size)
      return company
    },
    seat(companies) {
      const named = companies.filter((company) => company !== "" && company !== OTHER && !settled.has(company))
      guests = named.slice(0, Math.max(0, places - settled.size))
    },
    names: () => [...settled, ...guests],
    forget(company) {
      const seated = settled.delete(company) || guests.includes(company)
      guests = guests.filter((guest) => guest !== company)
      return seated
    },
  }
}
