import { createHash, randomBytes } from "node:crypto"
import { z } from "@hono/zod-openapi"
import type { Clock } from "../../../core/clock.ts"
import { isAppError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"
import { PROBE, probeCompanies } from "../../../core/records/store-probe.ts"
import { ms } from "../../../core/settings/fields.ts"
import { asDriver, type OpenStore, type StorageAdapter, StoreFault } from "../../../core/store.ts"
import { readAddress } from "./address.ts"
import { createAtomic } from "./atomic.ts"
import { createClaims } from "./claims.ts"
import { createDriver } from "./driver.ts"
import { createLink } from "./link.ts"
import { createNames, PREFIX } from "./names.ts"
import { createOrders } from "./orders.ts"
import { persistenceWarnings } from "./persistence.ts"

export interface RedisOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string
  /** Before every key of this store. Ends with a colon, and has no two in a row. */
  readonly prefix?: string
  readonly db?: number
  /** How long a process may be silent before others take its companies over. */
  readonly leaseMs?: number
  /** How long a command waits for a connection, and how long for its answer. */
  readonly timeoutMs?: number
  readonly instance: string
  readonly clock: Clock
  readonly log: Logger
  /** Only tests leave the fences out, or the numbers of writes, to see what they are for. */
  readonly fencing?: boolean
  readonly numbering?: boolean
}

const PREFIX_FORM = "expected letters, digits, . _ - { } and single colons, with a colon at the end"
const DB_FORM = "expected the number of a database, from 0"

const config = z.object({
  url: z.string().min(1).optional().describe("Redis server: `redis://user:password@host:port/db`, `rediss://` for TLS"),
  prefix: z
    .string()
    .max(100, { error: PREFIX_FORM })
    .regex(PREFIX, { error: PREFIX_FORM })
    .default("switchboard:")
    .describe("Before every key of the store, ends with a colon; stores with different ones share a server"),
  db: z
    .int({ error: DB_FORM })
    .min(0, { error: DB_FORM })
    .max(999_999, { error: DB_FORM })
    .optional()
    .describe("Number of the database, when the URL names none"),
  leaseMs: ms.default(30_000).describe("A process silent for this long loses its companies to others (ms)"),
  timeoutMs: ms.default(3_000).describe("How long a command waits for a connection, and for its answer (ms)"),
})

/**
 * Auth state on a Redis server: one hash for each company. A commit is one script on the server, done as a whole or not at
 * all, and acknowledged when Redis has it; what a crash of Redis loses depends on its `appendonly` and `appendfsync`.
 */
export const redisStorage: StorageAdapter = {
  name: "redis",
  config,
  env: { REDIS_URL: { key: "url", secret: true } },
  needs: ["url"],
  sharesLimits: true,
  async open({ instance, clock, log, ...options }) {
    const read = config.safeParse(options)
    if (!read.success) {
      const [issue] = read.error.issues
      throw new StoreFault(String(issue?.path[0] ?? "url"), issue?.message ?? "is not accepted")
    }
    const { url, db, ...rest } = read.data
    if (url === undefined) throw new StoreFault("url", "is needed: redis://host:port, or rediss:// for TLS")
    return openRedis({ url, ...(db === undefined ? {} : { db }), ...rest, instance, clock, log })
  },
}

/** Opens a store. Rejects with a StoreFault when waiting will not mend it; a server that is away is waited for later. */
export async function openRedis(options: RedisOptions): Promise<OpenStore> {
  const { instance, clock, log, leaseMs = 30_000, timeoutMs = 3_000, fencing = true, numbering = true } = options
  const address = readAddress(options.url, options.db)
  const names = createNames(options.prefix ?? "switchboard:")
  const process = randomBytes(9).toString("base64url")
  const link = createLink({ address, timeoutMs, clock, log })
  const claims = createClaims({ link, names, instance, process, leaseMs, clock, log })
  const { issued, fenced } = claims
  const orders = createOrders({ link, names, writer: process, issued, fenced, fencing, numbering })
  const driver = createDriver(link, names, orders)
  // Processes that look at the same time must not take each other's probe for a failure.
  const probe = `${PROBE}-${createHash("sha256").update(instance).digest("hex").slice(0, 16)}`

  try {
    await link.opened()
  } catch (error) {
    await link.close()
    throw error
  }
  return {
    driver: asDriver("redis", driver),
    capabilities: { durable: true, atomic: true },
    claims,
    atomic: createAtomic(link, names),
    async check() {
      try {
        await probeCompanies(driver, probe)
      } catch (error) {
        const fault = link.fault()
        throw fault !== undefined && isAppError(error) && error.code === "STORAGE_UNAVAILABLE" ? fault : error
      }
      return link.run(persistenceWarnings, { repeat: true })
    },
    async flush() {
      // A commit is on the server when it resolves, and that is where it stays.
    },
    async close() {
      await claims.close()
      await link.close()
    },
  }
}
