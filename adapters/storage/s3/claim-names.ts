import type { Listing } from "./bucket.ts"
import { digits } from "./names.ts"

/**
 * Claims lie under `claims/<company>/`, as `<fence>-<instance>-<life>`. What state one is in is told by its size, which
 * comes with the listing.
 */
export interface Claim {
  /** Name of the whole object. */
  readonly key: string
  readonly fence: number
  readonly instance: string
  readonly life: string
  readonly state: State
}

export type State = "released" | "trying" | "held"

const STATES: readonly State[] = ["released", "trying", "held"]
const PATTERN = /^(\d{16})-([0-9a-f]{16})-([0-9a-f]{16})$/

export function claimsFolder(company: string): string {
  return `claims/${company}/`
}

export function claimKey(company: string, fence: number, instance: string, life: string): string {
  return `${claimsFolder(company)}${digits(fence, 16)}-${instance}-${life}`
}

export function stateBytes(state: State): Uint8Array {
  return new TextEncoder().encode("+".repeat(STATES.indexOf(state)))
}

/** In the order of their names. */
export function claimsIn(company: string, listing: Listing): Claim[] {
  const folder = claimsFolder(company)
  const claims: Claim[] = []
  for (const { key, size } of listing.objects) {
    const [, fence, instance, life] = PATTERN.exec(key.slice(folder.length)) ?? []
    if (fence === undefined || instance === undefined || life === undefined) continue
    claims.push({ key, fence: Number(fence), instance, life, state: STATES[size] ?? "held" })
  }
  return claims.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
