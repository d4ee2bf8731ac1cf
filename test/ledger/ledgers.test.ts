import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { describeLedger, type LedgerFixture } from "../suites/ledger.ts"
import { temporaryFolder } from "../support/folder.ts"

describeLedger(
  "lmdb",
  async (): Promise<LedgerFixture> => {
    const folder = await temporaryFolder()
    return { open: () => openLmdb({ folder: folder.path }), cleanup: folder.remove }
  },
  { durable: true },
)

describeLedger(
  "memory",
  async (): Promise<LedgerFixture> => ({ open: async () => createMemoryLedger(), cleanup: async () => undefined }),
  { durable: false },
)
