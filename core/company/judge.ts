import type { AuthFacts } from "../provider.ts"

/** Something that an import would harm. */
export interface Objection {
  readonly code:
    | "connected"
    | "other-account"
    | "other-link"
    | "newer-here"
    | "same-state"
    | "linked-elsewhere"
    | "exists"
  readonly message: string
}

/** What is against putting `given` in the place of `here`. Counters only grow: a state that is ahead is the newer one. */
export function compareLinks(here: AuthFacts, given: AuthFacts): readonly Objection[] {
  if (here.user.phone !== given.user.phone) {
    const message = `The company is linked here as ${nameOf(here)}; the import is of ${nameOf(given)}`
    return [{ code: "other-account", message }]
  }
  if (!isSameLink(here, given)) {
    const message = `${nameOf(here)} is linked here as another device, with an identity key of its own`
    return [{ code: "other-link", message }]
  }
  const ahead = (a: AuthFacts, b: AuthFacts): string[] =>
    Object.entries(a.counters).flatMap(([name, value]) => (value > (b.counters[name] ?? 0) ? [name] : []))
  const newer = ahead(here, given)
  if (newer.length > 0) {
    const figures = newer.map((name) => `${name} is ${here.counters[name]} here and ${given.counters[name] ?? 0} there`)
    const message = `The state here is newer, and the import would set its ratchets back: ${figures.join(", ")}`
    return [{ code: "newer-here", message }]
  }
  if (ahead(given, here).length > 0) return []
  const message = "The same link is here with the same counters; the import may set its ratchets back"
  return [{ code: "same-state", message }]
}

export function isSameLink(a: AuthFacts, b: AuthFacts): boolean {
  return a.identity === b.identity && a.registrationId === b.registrationId
}

function nameOf({ user, device }: AuthFacts): string {
  return `${user.phone === null ? user.id : `+${user.phone}`}${device === null ? "" : ` (device ${device})`}`
}
