import { redisStorage } from "../../adapters/storage/redis/index.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type RedisServer, startRedis } from "../support/redis-server.ts"
import { storeOptions } from "../support/store-options.ts"
import type { Backing } from "./backings.ts"
import type { Counted } from "./costs.ts"

export interface RedisBacking extends Backing {
  readonly server: RedisServer
}

/** The store `redis` on a Redis server of its own, which keeps what it has acknowledged. */
export async function redisBacking(options: { readonly leaseMs?: number } = {}): Promise<RedisBacking> {
  const server = await startRedis()
  return {
    name: "redis",
    env: { REDIS_URL: server.url },
    ...(options.leaseMs === undefined ? {} : { named: { adapter: "redis", leaseMs: options.leaseMs } }),
    server,
    async look() {
      const { path, remove } = await temporaryFolder()
      const store = await redisStorage.open(storeOptions({ folder: path, store: "redis", url: server.url }))
      return {
        store,
        async close() {
          await store.close()
          await remove()
        },
      }
    },
    close: () => server.remove(),
  }
}

/** The same, with every command counted that its clients send; what a script does inside Redis is none. */
export async function countedRedis(): Promise<Counted> {
  const backing = await redisBacking()
  let count = 0
  const monitor = await backing.server.client().monitor()
  monitor.on("monitor", (_time: string, _args: readonly string[], source: string) => {
    if (source !== "lua") count++
  })
  return {
    ...backing,
    requests() {
      const counted = count
      count = 0
      return counted
    },
    async close() {
      monitor.disconnect()
      await backing.close()
    },
  }
}
