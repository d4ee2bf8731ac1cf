import { openRedis } from "../../adapters/storage/redis/index.ts"
import { openS3 } from "../../adapters/storage/s3/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import type { OpenStore } from "../../core/store.ts"
import { createTestLog } from "./log.ts"
import { startRedis } from "./redis-server.ts"
import { startS3Server } from "./s3-server.ts"
import { storeOptions } from "./store-options.ts"

/** A kind of store that several processes share, for proofs that run it in processes of their own. */
export interface SharedKind {
  start(): Promise<SharedServer>
  /** Opens the one store of that server as a process does. */
  open(at: string, as: SharedProcess): Promise<OpenStore>
}

export interface SharedServer {
  /** Where it is, as text that can be handed to a process. */
  readonly at: string
  stop(): Promise<void>
}

export interface SharedProcess {
  readonly instance: string
  readonly leaseMs: number
  /** Of its own, empty at first. */
  readonly folder: string
  /** False: a write is not refused for its fence. */
  readonly fencing: boolean
}

export const sharedKinds: Readonly<Record<string, SharedKind>> = {
  redis: {
    async start() {
      const server = await startRedis({ keep: "everysec" })
      return { at: server.url, stop: () => server.remove() }
    },
    open: (url, { instance, leaseMs, fencing }) =>
      openRedis({ url, instance, leaseMs, fencing, clock: createClock(), log: createTestLog() }),
  },
  s3: {
    async start() {
      const server = await startS3Server()
      return { at: JSON.stringify(server.options()), stop: server.stop }
    },
    open(at, { instance, leaseMs, folder, fencing }) {
      const options = JSON.parse(at) as Readonly<Record<string, string>>
      return openS3(storeOptions({ ...options, folder, store: "s3", instance, flushMs: 0 }), { leaseMs, fencing })
    },
  },
}
