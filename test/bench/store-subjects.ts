import { mkdir, open } from "node:fs/promises"
import { join } from "node:path"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { openRedis } from "../../adapters/storage/redis/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import type { OpenStore } from "../../core/store.ts"
import { createTestLog } from "../support/log.ts"
import { startRedis } from "../support/redis-server.ts"
import { s3Subject } from "./s3-subject.ts"

/** What one message changes: records by `kind/key`, all of them or none. */
export type Batch = Readonly<Record<string, Uint8Array>>

/** A kind of store, and the plain client of what is behind it doing the same. */
export interface StoreSubject {
  readonly name: string
  /** What the plain client does for a save. */
  readonly against: string
  /** Least ratio of saves per second; none where only the figures are wanted. */
  readonly bar?: number
  start(folder: string): Promise<StartedSubject>
}

export interface StartedSubject {
  readonly store: OpenStore
  /** Durable when it resolves, as far as the store's own are. */
  raw(company: string, batch: Batch): Promise<void>
  stop(): Promise<void>
}

export const storeSubjects: readonly StoreSubject[] = [
  {
    name: "filesystem",
    against: "an append and fdatasync for each save, a file for each company",
    async start(folder) {
      const files = new Map<string, ReturnType<typeof open>>()
      const store = await openFilesystem({ path: join(folder, "ours") })
      await mkdir(join(folder, "raw"))
      return {
        store,
        async raw(company, batch) {
          const opened = files.get(company) ?? open(join(folder, "raw", company), "a")
          files.set(company, opened)
          const file = await opened
          await file.appendFile(Buffer.concat(Object.values(batch)))
          await file.datasync()
        },
        async stop() {
          await store.close()
          for (const file of files.values()) await (await file).close()
        },
      }
    },
  },
  {
    name: "redis",
    against: "ioredis, MULTI and HSET",
    bar: 0.8,
    async start() {
      const server = await startRedis({ keep: "everysec" })
      const store = await openRedis({
        ...{ url: server.url, instance: "bench", clock: createClock(), log: createTestLog() },
      })
      const client = server.client()
      return {
        store,
        async raw(company, batch) {
          const fields = Object.entries(batch).flatMap(([key, value]) => [key, value as Buffer])
          await client
            .multi()
            .hset(`raw:${company}`, ...fields)
            .exec()
        },
        async stop() {
          await store.close()
          await server.remove()
        },
      }
    },
  },
  s3Subject({ name: "s3", flushMs: 1_000, bar: 0.8 }),
  s3Subject({ name: "s3, flushMs 0", flushMs: 0 }),
]
