import { afterEach, beforeEach, describe } from "vitest"
import { encodeSegment } from "../../core/records/keys.ts"
import type { OpenStore } from "../../core/store.ts"
import { tools } from "./auth-store/subject.ts"
import { holding } from "./store-claims/holding.ts"
import { takeover } from "./store-claims/takeover.ts"
import { type ClaimsFixture, type ClaimsSubject, LONG_MS, type Process } from "./store-claims/subject.ts"

/** Claims behave like this on every store that several processes share. */
export function describeStoreClaims(name: string, factory: () => Promise<ClaimsFixture>): void {
  describe(`claims on ${name}`, () => {
    let fixture: ClaimsFixture
    let opened: Set<OpenStore>

    beforeEach(async () => {
      opened = new Set()
      fixture = await factory()
    })

    afterEach(async () => {
      await Promise.all([...opened].map((store) => store.close()))
      await fixture.cleanup()
    })

    const subject: ClaimsSubject = {
      get fixture() {
        return fixture
      },
      async start(instance, options = {}): Promise<Process> {
        const store = await fixture.open(instance, { leaseMs: LONG_MS, ...options })
        opened.add(store)
        const { claims } = store
        if (claims === undefined) throw new Error(`A ${name} store has no claims`)
        return { store, claim: (company) => claims.claim(encodeSegment(company, tools.sha256).text) }
      },
    }
    holding(subject)
    takeover(subject)
  })
}
