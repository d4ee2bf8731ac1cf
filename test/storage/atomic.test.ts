import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openRedis } from "../../adapters/storage/redis/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import type { AtomicStore } from "../../core/atomic.ts"
import { createMemoryAtomic } from "../../core/records/memory-atomic.ts"
import { describeAtomicStore } from "../suites/atomic-store.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"
import { findRedis, type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts"

describeAtomicStore("memory", async () => {
  const clock = createTestClock()
  const store = createMemoryAtomic(clock)
  return { clients: [store, store], pass: (ms) => clock.advance(ms), cleanup: async () => undefined }
})

describe.skipIf(findRedis() === undefined)(`redis${redisMissing}`, () => {
  let server: RedisServer
  let next = 0

  beforeAll(async () => {
    server = await startRedis({ keep: "none" })
  })
  afterAll(() => server.remove())

  describeAtomicStore("redis", async () => {
    const prefix = `atomic-${next++}:`
    const options = { url: server.url, prefix, clock: createClock(), log: createTestLog() }
    const stores = [await openRedis({ ...options, instance: "a" }), await openRedis({ ...options, instance: "b" })]
    const atomics = stores.map(({ atomic }) => atomic).filter((atomic) => atomic !== undefined)
    return {
      clients: atomics as [AtomicStore, AtomicStore],
      // The server's time is the machine's: it can only be waited for.
      pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 5)),
      cleanup: async () => void (await Promise.all(stores.map((store) => store.close()))),
    }
  })
})

describe("an atomic store in memory", () => {
  it("forgets keys whose time is over, without being asked for them again", async () => {
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as () => void
    const clock = createTestClock()
    const store = createMemoryAtomic(clock)
    const held = (): number => {
      collect()
      return process.memoryUsage().arrayBuffers
    }
    const before = held()
    for (let round = 0; round < 100; round++) {
      for (let at = 0; at < 1_000; at++) await store.setIfAbsent(`${round} ${at}`, new Uint8Array(1_000), 1_000)
      await clock.advance(1_000)
    }
    // Memory that has been let go of is counted until a thread of the collector's own has come round.
    for (let turn = 0; turn < 500 && held() - before > 10_000_000; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(held() - before).toBeLessThan(10_000_000)
    expect(await store.get("0 0")).toBeUndefined()
  })
})
