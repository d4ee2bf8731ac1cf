import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { DumpedRecord, Ledger } from "../../core/ledger.ts"
import type { OpenStore } from "../../core/store.ts"
import { callOf, type HouseOptions } from "./house.ts"
import { openStoredWeb, type Web } from "./web.ts"

export const stores = ["files", "archive"]
export const SECRET_PROXY = "socks5://ann:s3cret@10.0.0.1:1080"

/** A house with two companies that have a bit of everything. */
export async function inhabited(
  ledger: Ledger = createMemoryLedger(),
  options: Omit<HouseOptions, "ledger" | "stores"> = {},
): Promise<Web> {
  const web = await openStoredWeb({ ...options, stores, ledger })
  for (const company of ["acme", "acme-2"]) {
    await web.call("PUT", `/companies/${company}`, { name: `${company} Ltd`, proxy: SECRET_PROXY })
    await web.house.connect(company)
    await web.house.send(company, { message: `hello from ${company}` }, { key: "first" })
    await web.house.lines.batches.send({
      call: callOf(company),
      messages: [{ phone: "79001234567", message: "one of many" }],
      idempotencyKey: undefined,
    })
    await web.house.clock.settle()
  }
  return web
}

export async function dumpOf(ledger: Ledger, company: string): Promise<DumpedRecord[]> {
  const records: DumpedRecord[] = []
  for (let after: string | undefined; ; ) {
    const page = await ledger.dump(company, after, 500)
    records.push(...page.records)
    if (page.next === null) return records
    after = page.next
  }
}

/** Every record of every company and of the house, and every key of every store. */
export async function everything(web: Web): Promise<Record<string, unknown>> {
  const { ledger, stores: opened } = web.house
  const found: Record<string, unknown> = {}
  for (const company of ["", ...(await ledger.companies())]) found[`ledger ${company}`] = await dumpOf(ledger, company)
  for (const [name, { driver }] of opened) {
    for (const company of await driver.companies()) {
      const keys = (await driver.keys(company)).sort()
      found[`store ${name} ${company}`] = [keys, await driver.load(company, keys)]
    }
  }
  return found
}

/** Replaces abilities of a store until what it returns is called. */
export function sabotage(web: Web, store: string, change: Partial<OpenStore["driver"]>): () => void {
  const { driver } = web.house.stores.get(store) as OpenStore
  const before = { ...driver }
  Object.assign(driver, change)
  return () => void Object.assign(driver, before)
}
