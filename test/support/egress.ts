import { createEgress, type EgressParts } from "../../adapters/egress/index.ts"
import type { Egress } from "../../core/egress.ts"
import { createTestClock } from "./clock.ts"
import { createTestLog } from "./log.ts"

export interface TestEgressOptions extends Partial<EgressParts> {
  /** Addresses by name. Any other name is public, but for those under `.invalid`, which nobody knows. */
  readonly names?: Readonly<Record<string, readonly string[]>>
}

/** Public, and nobody is there: what connects to it has gone wrong. */
export const PUBLIC = "93.184.215.14"

/** The real way out, with name servers in the test's hands. */
export function createTestEgress({ names = {}, ...parts }: TestEgressOptions = {}): Egress {
  return createEgress({
    clock: createTestClock(),
    log: createTestLog(),
    allowPrivate: false,
    resolve: async (host) => {
      const name = host.replace(/\.$/, "")
      if (name.endsWith(".invalid")) throw new Error("There is no such name")
      return names[name] ?? (name === "localhost" ? ["127.0.0.1", "::1"] : [PUBLIC])
    },
    ...parts,
  })
}
