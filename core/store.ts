import type { z } from "@hono/zod-openapi"
import type { Driver } from "unstorage"
import type { AtomicStore } from "./atomic.ts"
import type { Clock } from "./clock.ts"
import type { Logger } from "./log.ts"
import type { EnvBinding } from "./settings/setting.ts"

/**
 * Port: a company's auth state (credentials, ratchets, pre-keys).
 *
 * Three answers, never mixed: a record that is *absent* is `undefined`; one that is *damaged* throws
 * CREDENTIALS_DAMAGED; one that is *unreadable* now throws STORAGE_UNAVAILABLE. Only absent credentials may start a pairing.
 */
export interface AuthStore {
  /** Values by id; an id that is absent has no entry. One round trip. */
  load(type: string, ids: readonly string[]): Promise<Record<string, Uint8Array>>
  /** All or nothing over every type of the batch, durable when it resolves; `null` deletes. */
  save(batch: AuthBatch): Promise<void>
  /** Erases everything of this company in this store. */
  clear(): Promise<void>
}

export type AuthBatch = Readonly<Record<string, Readonly<Record<string, Uint8Array | null>>>>

/** One write of a commit; `null` deletes. Keys are already encoded by `core/storage.ts`: `kind/key`, each `[a-z0-9=_-]+`. */
export interface Write {
  readonly key: string
  readonly value: Uint8Array | null
}

/** What our own drivers can do beyond unstorage's. Companies come in encoded (`[a-z0-9=_-]+`). */
export interface CompanyDriver {
  /** One entry per key, in order. */
  load(company: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]>
  /** All or nothing; durable when it resolves; refused with FENCED when a higher fence has written. `UNFENCED` is neither compared nor kept. */
  commit(company: string, writes: readonly Write[], fence: number): Promise<void>
  /** Every key of a company. */
  keys(company: string): Promise<string[]>
  /**
   * Removes every trace of the company. A store that other processes reach refuses with FENCED when a higher fence has
   * written or claimed, and leaves the claim of `fence` in place, so that the company may begin anew under the same lease.
   */
  erase(company: string, fence?: number): Promise<void>
  companies(): Promise<string[]>
  /** Drops cached state of the company from memory. */
  evict(company: string): Promise<void>
}

/** Tells what an adapter lacks, so that the suite and the start can say so. */
export interface StoreCapabilities {
  readonly durable: boolean
  readonly atomic: boolean
}

export interface OpenStore {
  readonly driver: Driver & CompanyDriver
  readonly capabilities: StoreCapabilities
  /** Who may run a line, for a store that other processes reach as well; one without is this process's alone. */
  readonly claims?: StoreClaims
  /** Counters and limits that all processes on this store share. */
  readonly atomic?: AtomicStore
  /**
   * Writes something small, reads it and removes it. Resolves with one sentence for each way in which the server behind
   * the store keeps less than this store promises (`appendonly is off: …`). Rejects with STORAGE_UNAVAILABLE while it
   * cannot be reached, and with a StoreFault when waiting will not mend it.
   */
  check(): Promise<readonly string[]>
  /** Everything committed of a company is where it outlives this machine, for a store that copies behind its commits. */
  flush(company: string): Promise<void>
  /** Removes what was replaced or deleted, where a store keeps that for a while after a commit; sealed anew, it is a secret. */
  compact?(company: string): Promise<void>
  close(): Promise<void>
}

/** A store that is set up wrongly: a password that is refused, a bucket that is not there. Names the option to mend. */
export class StoreFault extends Error {
  /** Name of the option, such as `url` or `bucket`. */
  readonly option: string
  constructor(option: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = "StoreFault"
    this.option = option
  }
}

/**
 * Claims on a store that several processes share. A process keeps one heartbeat for all of its claims; one whose heartbeat
 * has stopped for the length of a lease has lost them all, and others may take over.
 */
export interface StoreClaims {
  /**
   * Claims a company for this instance. Undefined when another instance that lives holds it. An earlier process of the
   * same instance gives way at once: one data folder is one instance, and its lock lets one process run.
   * Undefined as well while this process itself holds it. Rejects with STORAGE_UNAVAILABLE.
   */
  claim(company: string): Promise<StoreClaim | undefined>
}

export interface StoreClaim {
  /** Higher than any fence that has claimed the company or written to it in this store before. */
  readonly fence: number
  /**
   * Aborted at half the lease when the heartbeat fails, so that there is time to close a line before others may take it
   * over; when somebody else has taken over; and by `release`.
   */
  readonly lost: AbortSignal
  /** Gives the company free. Resolves also while the store is away: it is told when it is back. */
  release(): Promise<void>
}

/** A kind of store, chosen per company. `open` may be called several times, once for each named store. */
export interface StorageAdapter {
  readonly name: string
  /** Settings of the adapter, with their environment names; their values are among the options of `open`. */
  readonly config?: z.ZodObject
  readonly env?: Readonly<Record<string, string | EnvBinding>>
  /** Keys of `config` without which a store of this kind cannot be used. */
  readonly needs?: readonly string[]
  /** True for a kind that companies are put into only where the operator has named it. */
  readonly onlyByName?: boolean
  /** True for a kind whose `atomic` is what processes share limits through, wherever one is set up. */
  readonly sharesLimits?: boolean
  /**
   * Resolves also while the server behind the store is away: its companies wait until it is back. Rejects with a
   * StoreFault for options that cannot work.
   */
  open(options: StoreOptions): Promise<OpenStore>
}

export interface StoreOptions {
  /** The data folder of this process. */
  readonly folder: string
  /** The name of the store, `[a-z0-9_-]+`: what this process keeps for it goes into a folder of that name. */
  readonly store: string
  /** Who this process is to others on a shared store: stays the same for a data folder over restarts. */
  readonly instance: string
  readonly clock: Clock
  readonly log: Logger
  /** Of the adapter's `config`, checked. */
  readonly [option: string]: unknown
}

/** The fence of a write that no lease stands behind: maintenance of a line that is not running. */
export const UNFENCED = Number.POSITIVE_INFINITY

const ROOT = "company"

/**
 * The unstorage side of a company driver, over keys `company:<company>:<kind>:<key>`. Bytes only: a value that is none is
 * refused, since unstorage would turn it into text and guess at it when reading.
 */
export function asDriver(name: string, companies: CompanyDriver): Driver & CompanyDriver {
  async function value(key: string): Promise<Uint8Array | null> {
    const place = placeOf(key)
    if (place === undefined) return null
    const [bytes] = await companies.load(place.company, [place.key])
    return bytes ?? null
  }
  async function put(key: string, bytes: Uint8Array | null): Promise<void> {
    const place = placeOf(key)
    if (place === undefined) throw new TypeError("A key of this store is company:<company>:<kind>:<key>")
    await companies.commit(place.company, [{ key: place.key, value: bytes }], UNFENCED)
  }
  async function keysOf(company: string): Promise<string[]> {
    const keys = await companies.keys(company)
    return keys.map((key) => `${ROOT}:${company}:${key.replace("/", ":")}`)
  }
  return {
    ...companies,
    name,
    hasItem: async (key) => (await value(key)) !== null,
    getItem: () => {
      throw new TypeError("This store holds bytes: read with getItemRaw")
    },
    getItemRaw: value,
    setItem: () => {
      throw new TypeError("This store holds bytes: write with setItemRaw")
    },
    setItemRaw: (key, bytes: unknown) => {
      if (!(bytes instanceof Uint8Array)) throw new TypeError("This store holds bytes only")
      return put(key, bytes)
    },
    removeItem: (key) => put(key, null),
    async getKeys(base = "") {
      const [root, company] = base.split(":")
      if (root === ROOT && company !== undefined && company !== "") {
        return (await keysOf(company)).filter((key) => key.startsWith(base))
      }
      const all = await Promise.all((await companies.companies()).map(keysOf))
      return all.flat().filter((key) => key.startsWith(base))
    },
    async clear(base = "") {
      const [root, company, ...rest] = base.split(":").filter((segment) => segment !== "")
      if (root !== ROOT || company === undefined || rest.length > 0) {
        throw new TypeError("Erase one company at a time: company:<company>:")
      }
      await companies.erase(company)
    },
  }
}

function placeOf(key: string): { company: string; key: string } | undefined {
  const [root, company, kind, name, ...rest] = key.split(":")
  if (root !== ROOT || company === undefined || kind === undefined || name === undefined || rest.length > 0)
    return undefined
  return { company, key: `${kind}/${name}` }
}
