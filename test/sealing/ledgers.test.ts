import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { Ledger } from "../../core/ledger.ts"
import { openSealedLedger } from "../../core/records/sealed-ledger.ts"
import { describeLedger, type LedgerFixture } from "../suites/ledger.ts"
import { temporaryFolder } from "../support/folder.ts"
import { createTestSealing } from "../support/sealing.ts"

/** A sealed ledger is a ledger: it does all that any other does. */

const sealed = async (ledger: Ledger, slow: boolean): Promise<Ledger> => {
  const { sealer } = await createTestSealing(undefined, [], slow)
  return openSealedLedger(ledger, {
    sealer: () => sealer,
    onUnreadable: (_company, thrown) => {
      throw thrown
    },
  })
}

describeLedger(
  "sealed, over lmdb",
  async (): Promise<LedgerFixture> => {
    const folder = await temporaryFolder()
    return { open: async () => sealed(await openLmdb({ folder: folder.path }), false), cleanup: folder.remove }
  },
  { durable: true },
)

describeLedger(
  "sealed by one who takes time",
  async (): Promise<LedgerFixture> => ({
    open: () => sealed(createMemoryLedger(), true),
    cleanup: async () => undefined,
  }),
  { durable: false },
)
