import type { Clock } from "../clock.ts"
import { appError } from "../errors.ts"
import type { Ledger } from "../ledger.ts"

const TABLE = "probe"
const KEY = "health"

/** A check that the ledger takes a record, durably, and gives it back. It belongs to no company and is one row for ever. */
export function createStorageProbe(ledger: Pick<Ledger, "commit" | "get">, clock: Clock): () => Promise<void> {
  return async () => {
    const value = new TextEncoder().encode(String(clock.now()))
    await ledger.commit("", [{ op: "put", table: TABLE, key: KEY, value }])
    const [row] = await ledger.get("", TABLE, [KEY])
    // Two probes may cross; either's record shows that writing and reading work.
    if (row === undefined || row.value.byteLength !== value.byteLength) {
      throw appError("STORAGE_UNAVAILABLE", { message: "What was written could not be read again" })
    }
  }
}
