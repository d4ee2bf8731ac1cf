import { redisStorage } from "../../adapters/storage/redis/index.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type RedisServer, startRedis } from "../support/redis-server.ts"
import { storeOptions } from "../support/store-options.ts"
import type { Backing } from "./backings.ts"

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
