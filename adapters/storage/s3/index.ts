import { join } from "node:path"
import { appError, toError } from "../../../core/errors.ts"
import {
  asDriver,
  type CompanyDriver,
  type OpenStore,
  type StorageAdapter,
  StoreFault,
  UNFENCED,
  type StoreOptions,
} from "../../../core/store.ts"
import { openFilesystem } from "../filesystem/index.ts"
import { createBucket } from "./bucket.ts"
import { createCheck } from "./check.ts"
import { createClaims } from "./claims.ts"
import { type ClientTools, createClient } from "./client.ts"
import { type Company, createCompany } from "./company.ts"
import { s3Config, s3Env, s3Needs, settingsOf } from "./config.ts"
import { createHeartbeat } from "./heartbeat.ts"
import { createLocal } from "./local.ts"
import { companiesFolder, companyOf } from "./names.ts"

/** What only tests say. */
export interface S3Extras {
  /** Sees and answers the signed requests instead of the network. */
  readonly fetch?: NonNullable<ClientTools["fetch"]>
  /** False: credentials wait like everything else. */
  readonly eager?: boolean
  /** False: writes of a former holder are not refused, and count. */
  readonly fencing?: boolean
  /** A lease shorter than the options allow. */
  readonly leaseMs?: number
}

/**
 * Any S3-compatible server. Each commit is durable in a journal on the local disk first (`<folder>/<store>`), and follows
 * to the bucket within `flushMs`, many of them in one object. While a company is claimed here, the server may be away.
 */
export const s3Storage: StorageAdapter = {
  name: "s3",
  config: s3Config,
  env: s3Env,
  needs: s3Needs,
  open: (options) => openS3(options),
}

/** Bytes of outdated records in a journal; more of them make it longer to open, fewer make it rewritten more often. */
const SLACK = 1 << 20
/** How long closing waits for what is not in the bucket yet; it is on the local disk in any case. */
const CLOSE_MS = 10_000

export async function openS3(options: StoreOptions, extras: S3Extras = {}): Promise<OpenStore> {
  const settings = settingsOf(options)
  const { clock } = options
  const log = options.log.child({ store: options.store })
  const client = createClient(settings, { clock, ...extras })
  const bucket = createBucket(client, settings.prefix)
  const local = createLocal(await openFilesystem({ path: join(options.folder, options.store), slack: SLACK }))
  const { flushMs } = settings
  const leaseMs = extras.leaseMs ?? settings.leaseMs
  const heartbeat = createHeartbeat({ bucket, clock, leaseMs, instance: options.instance })
  const companies = new Map<string, Company>()
  let behind = false
  let closed = false

  const fencing = extras.fencing ?? true
  const claims = createClaims({
    fencing,
    bucket,
    heartbeat,
    clock,
    localFence: async (company) => (await local.sync(company))?.fence ?? 0,
    leaving: async (company) => companies.get(company)?.flush(),
  })

  function company(name: string): Company {
    if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The store is closed") })
    let known = companies.get(name)
    if (known === undefined) {
      known = createCompany(name, {
        bucket,
        local,
        clock,
        standings: claims,
        flushMs,
        eager: extras.eager ?? true,
        fencing,
        failed(error) {
          if (behind) return
          behind = true
          log.warn({ error }, "Changes do not reach the bucket; they are on this disk and follow")
        },
        healthy() {
          if (!behind) return
          behind = false
          log.info({}, "Changes reach the bucket again")
        },
      })
      companies.set(name, known)
    }
    return known
  }

  const driver: CompanyDriver = {
    load: (name, keys) => asUnavailable(() => company(name).load(keys)),
    commit: (name, writes, fence) => asUnavailable(() => company(name).commit(writes, fence)),
    keys: (name) => asUnavailable(() => company(name).keys()),
    erase: (name, fence = UNFENCED) =>
      asUnavailable(async () => {
        await company(name).erase(fence)
        await claims.erased(name)
      }),
    async evict(name) {
      const known = companies.get(name)
      if (known === undefined) return
      if ((await known.evict()) && companies.get(name) === known) companies.delete(name)
    },
    companies: () =>
      asUnavailable(async () => {
        if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The store is closed") })
        const { folders } = await bucket.list(companiesFolder, "/")
        const stored = new Set(folders.map(companyOf))
        const names = (await local.companies()).filter((name) => !stored.has(name))
        const fresh = await Promise.all(names.map(async (name) => (await local.sync(name))?.stored === false))
        return [...stored, ...names.filter((_, index) => fresh[index])]
      }),
  }

  const probe = createCheck(bucket)
  return {
    driver: asDriver("s3", driver),
    capabilities: { durable: true, atomic: true },
    claims,
    async check() {
      await local.check()
      return probe()
    },
    compact: (name) =>
      asUnavailable(async () => {
        await company(name).compact()
        await local.compact(name)
      }),
    flush: (name) => asUnavailable(() => company(name).flush()),
    async close() {
      if (closed) return
      closed = true
      const flushed = Promise.all([...companies.values()].map((one) => one.flush().catch(() => undefined)))
      const enough = AbortSignal.timeout(CLOSE_MS)
      await Promise.race([
        flushed.then(() => claims.close()),
        new Promise((resolve) => enough.addEventListener("abort", resolve, { once: true })),
      ])
      client.end()
      heartbeat.stop()
      await Promise.all([...companies.values()].map((one) => one.stop()))
      await local.close()
    },
  }
}

/** A store that is set up wrongly is one that cannot be reached, to those who only want their records. */
async function asUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StoreFault) throw appError("STORAGE_UNAVAILABLE", { cause: toError(error) })
    throw error
  }
}
