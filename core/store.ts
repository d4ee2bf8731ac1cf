import type { Driver } from "unstorage"

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
  /** All or nothing; durable when it resolves; refused with FENCED when a higher fence has written. */
  commit(company: string, writes: readonly Write[], fence: number): Promise<void>
  /** Every key of a company. */
  keys(company: string): Promise<string[]>
  /** Removes every trace of the company. */
  erase(company: string): Promise<void>
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
  close(): Promise<void>
}

/** A kind of store, chosen per company. `open` may be called several times, once for each named store. */
export interface StorageAdapter {
  readonly name: string
  open(options: StoreOptions): Promise<OpenStore>
}

export interface StoreOptions {
  /** The data folder of this process. */
  readonly folder: string
  readonly [option: string]: unknown
}
