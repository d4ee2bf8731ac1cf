import { afterAll, beforeAll, describe } from "vitest"
import { openRedis } from "../../adapters/storage/redis/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { describeAuthStore } from "../suites/auth-store.ts"
import { describeStoreClaims } from "../suites/store-claims.ts"
import { createTestLog } from "../support/log.ts"
import { type RedisServer, findRedis, redisMissing, startRedis } from "../support/redis-server.ts"

/** A server that was given, or one of our own. */
const given = process.env["TEST_REDIS_URL"]

describe.skipIf(given === undefined && findRedis() === undefined)(
  `redis${given === undefined ? redisMissing : ""}`,
  () => {
    let server: RedisServer | undefined
    let next = 0

    beforeAll(async () => {
      if (given === undefined) server = await startRedis({ keep: "everysec" })
    })
    afterAll(async () => {
      await server?.remove()
    })

    describeAuthStore(
      "redis",
      async () => {
        const prefix = `test-${process.pid}-${next++}:`
        const url = given ?? server?.url ?? ""
        return {
          open: () => openRedis({ url, prefix, instance: "test", clock: createClock(), log: createTestLog() }),
          async cleanup() {
            // What is kept of erased companies expires by itself.
          },
        }
      },
      { durable: true, atomic: true },
    )
  },
)

describe.skipIf(findRedis() === undefined)(`redis shared${redisMissing}`, () => {
  let server: RedisServer
  let next = 0

  beforeAll(async () => {
    server = await startRedis({ keep: "everysec" })
  })
  afterAll(() => server.remove())

  describeStoreClaims("redis", async () => {
    const prefix = `claims-${next++}:`
    return {
      open: (instance, { leaseMs, clock = createClock() }) =>
        openRedis({ url: server.url, prefix, instance, leaseMs, clock, log: createTestLog() }),
      away: () => server.stop(),
      back: () => server.start(),
      cleanup: async () => undefined,
    }
  })
})
