import type { Clock } from "./clock.ts"
import { appError } from "./errors.ts"
import type { Ledger } from "./ledger.ts"
import type { OpenStore } from "./store.ts"

/** No company: the house's own rows in the ledger. */
const HOUSE = ""
const TABLE = "probe"
const KEY = "health"
/** No company's id can be encoded to this. */
const SEGMENT = "==probe"

/** Writes a record to the ledger and to the auth store and reads it again. Rejects with STORAGE_UNAVAILABLE when that fails. */
export function createProbe(ledger: Ledger, store: OpenStore, clock: Clock): () => Promise<void> {
  return async () => {
    const stamp = clock.now()
    const value = new TextEncoder().encode(String(stamp))
    const same = (read: Uint8Array | undefined): boolean =>
      read !== undefined && read.length === value.length && read.every((byte, index) => byte === value[index])

    await ledger.commit(HOUSE, [{ op: "put", table: TABLE, key: KEY, value }])
    const [row] = await ledger.get(HOUSE, TABLE, [KEY])
    // The time serves as the fence: each probe's is higher than the last one's.
    await store.driver.commit(SEGMENT, [{ key: `${TABLE}/${KEY}`, value }], stamp)
    const [record] = await store.driver.load(SEGMENT, [`${TABLE}/${KEY}`])
    if (!same(row?.value) || !same(record)) {
      throw appError("STORAGE_UNAVAILABLE", { cause: new Error("What was read is not what was written") })
    }
  }
}
