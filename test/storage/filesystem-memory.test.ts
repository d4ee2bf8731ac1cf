import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { openCompanyStore } from "../../core/storage.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { temporaryFolder } from "../support/folder.ts"

it("holds less than 25 KB for an idle linked company with its 830 records", async () => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  const used = (): number => {
    collect()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const folder = await temporaryFolder()
  const store = await openFilesystem({ path: folder.path, durable: false })
  const company = (at: number) => openCompanyStore(store, leaseOf(`company-${at}`), tools)
  const preKeys = Object.fromEntries(Array.from({ length: 812 }, (_, id) => [String(id), new Uint8Array(300)]))
  const link = async (at: number): Promise<void> => {
    await company(at).save({ "pre-key": preKeys })
    for (let turn = 0; turn < 17; turn++) await company(at).save({ session: { [`s${turn}`]: new Uint8Array(1_500) } })
    await company(at).save({ creds: { me: new Uint8Array(2_200) } })
  }
  // Code that runs for the first time is compiled then; it is not the companies' memory.
  for (let at = 0; at < 10; at++) await link(at)
  const before = used()
  for (let at = 10; at < 110; at++) await link(at)
  const each = (used() - before) / 100
  await store.close()
  await folder.remove()
  expect(each).toBeLessThan(25_000)
  expect(each, "and it does hold an index").toBeGreaterThan(10_000)
})
