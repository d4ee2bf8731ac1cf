import { appError } from "../errors.ts"
import { type CompanyDriver, UNFENCED } from "../store.ts"

/** No company can be encoded to this. */
export const PROBE = "==probe"
const KEY = "probe/probe"
const VALUE = Uint8Array.of(1, 0, 255, 10, 123)

/**
 * Writes a record, reads it and removes it. Rejects with STORAGE_UNAVAILABLE when what comes back is not what went in.
 * Processes that share a store probe companies of their own, whose names begin with PROBE.
 */
export async function probeCompanies(driver: CompanyDriver, company = PROBE): Promise<void> {
  await driver.commit(company, [{ key: KEY, value: VALUE }], UNFENCED)
  const [read] = await driver.load(company, [KEY])
  await driver.erase(company)
  if (read === undefined || read.join() !== VALUE.join()) {
    throw appError("STORAGE_UNAVAILABLE", { cause: new Error("What was written did not come back") })
  }
}
