import { afterEach, beforeEach, describe } from "vitest"
import type { Ledger } from "../../core/ledger.ts"
import { commits } from "./ledger/commits.ts"
import { dumps } from "./ledger/dumps.ts"
import { erasure } from "./ledger/erasure.ts"
import { model } from "./ledger/model.ts"
import { pages } from "./ledger/pages.ts"

/** What a ledger brings to be tested: its data live as long as the fixture, over any number of openings. */
export interface LedgerFixture {
  open(): Promise<Ledger>
  cleanup(): Promise<void>
}

export interface LedgerCapabilities {
  readonly durable: boolean
}

/** Every ledger behaves like this; what one lacks is a declared capability. */
export function describeLedger(name: string, factory: () => Promise<LedgerFixture>, has: LedgerCapabilities): void {
  describe(`ledger ${name}`, () => {
    let fixture: LedgerFixture
    let ledger: Ledger
    const open = async (): Promise<void> => {
      ledger = await fixture.open()
    }

    beforeEach(async () => {
      fixture = await factory()
      await open()
    })

    afterEach(async () => {
      await ledger.close()
      await fixture.cleanup()
    })

    const subject = {
      get ledger() {
        return ledger
      },
      durable: has.durable,
      open,
      async reopen() {
        if (!has.durable) return
        await ledger.close()
        await open()
      },
    }
    commits(subject)
    pages(subject)
    dumps(subject)
    erasure(subject)
    model(subject)
  })
}
