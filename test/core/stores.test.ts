import { expect, it } from "vitest"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { PROBE } from "../../core/records/store-probe.ts"
import type { StorageAdapter } from "../../core/store.ts"
import { createStores } from "../../core/stores.ts"
import { createTestLog } from "../support/log.ts"

/** Memory that takes a turn of the event loop for each call, as a server does. */
const slowMemory: StorageAdapter = {
  ...memoryStorage,
  async open(options) {
    const opened = await memoryStorage.open(options)
    const { driver } = opened
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    return {
      ...opened,
      async check() {
        await driver.commit(PROBE, [{ key: "probe/probe", value: Uint8Array.of(1) }], 1)
        await turn()
        const [read] = await driver.load(PROBE, ["probe/probe"])
        await driver.erase(PROBE)
        if (read === undefined) throw new Error("What was written did not come back")
        return []
      },
    }
  },
}

it("a store that several look at at the same time is looked at once, and again for whoever comes later", async () => {
  const log = createTestLog()
  const specs = new Map([["memory", { name: "memory", adapter: slowMemory, options: {} }]])
  const stores = createStores({ specs, standard: "memory", folder: "", instance: "a", clock: createClock(), log })
  const store = await stores.open("memory")
  for (let round = 0; round < 2; round++) {
    expect(await Promise.all([store.check(), store.check(), store.check()])).toEqual([[], [], []])
  }
  await stores.close()
})
