import type { SignalDataSet, SignalDataTypeMap, SignalKeyStoreWithTransaction } from "@whiskeysockets/baileys"
import { createBoundedMap } from "./bounded-map.ts"
import { decodeJson, decodeRaw, encodeJson, encodeRaw } from "./codec.ts"
import type { Credentials } from "./creds.ts"
import { forLibrary, type Endurance } from "./endurance.ts"
import type { LineStore } from "./line-store.ts"
import { encodeKeyPair, PRE_KEY } from "./signal/own-keys.ts"

const KEY_LENGTH = 32

export interface LibraryKeysOptions {
  readonly store: LineStore
  readonly endurance: Endurance
  readonly credentials: Credentials
  /** Sessions are deleted in turn with the ratchet steps. */
  forgetSessions(ids: readonly string[]): Promise<void>
  reviveSyncKey(value: object): SignalDataTypeMap["app-state-sync-key"]
}

/**
 * The key store as Baileys sees it. There are no transactions: Baileys 7.0.0-rc14 collects writes in one and commits them
 * after the stanza has left, loses those of a promise that outlives it (so that it asks for a token after every message),
 * holds all sends of a line one behind the other, and pays for it with an AsyncLocalStorage per socket. Here every write is
 * durable when it resolves, and what excludes what is settled by the lock of the Signal repository.
 */
export function createLibraryKeys(options: LibraryKeysOptions): SignalKeyStoreWithTransaction {
  const { store, endurance, credentials } = options
  /** Written anew with every group message, almost always unchanged. */
  const memories = createBoundedMap<Uint8Array>({ max: 8 })

  function decode(type: string, id: string, record: Uint8Array): unknown {
    const what = `${type}/${id}`
    if (type === PRE_KEY) {
      const bytes = decodeRaw(record, what)
      return {
        private: Buffer.from(bytes.slice(0, KEY_LENGTH)),
        public: Buffer.from(bytes.slice(KEY_LENGTH, 2 * KEY_LENGTH)),
      }
    }
    if (RAW_TYPES.has(type)) return Buffer.from(decodeRaw(record, what))
    const value = decodeJson(record, what)
    return type === "app-state-sync-key" && typeof value === "object" && value ? options.reviveSyncKey(value) : value
  }
  function unchanged(type: string, id: string, record: Uint8Array | null): boolean {
    if (type !== "sender-key-memory") return false
    const before = memories.get(id)
    if (record) memories.set(id, record)
    else memories.delete(id)
    return record !== null && before !== undefined && Buffer.compare(before, record) === 0
  }
  async function write(data: SignalDataSet): Promise<void> {
    const batch: Record<string, Record<string, Uint8Array | null>> = {}
    const deletedSessions: string[] = []
    for (const [type, values] of Object.entries(data)) {
      for (const [id, value] of Object.entries(values)) {
        if (type === "session") {
          if (value === null) deletedSessions.push(id)
          continue
        }
        const record = value === null ? null : encode(type, value)
        if (unchanged(type, id, record)) continue
        ;(batch[type] ??= {})[id] = record
      }
    }
    if (batch[PRE_KEY]) Object.assign(batch, claimPreKeyIds(credentials, batch[PRE_KEY]))
    if (deletedSessions.length > 0) await options.forgetSessions(deletedSessions)
    if (Object.keys(batch).length > 0) await store.write(batch)
  }

  return {
    get: (type, ids) =>
      forLibrary(endurance, async () => {
        const found: { [id: string]: SignalDataTypeMap[typeof type] } = {}
        for (const [id, record] of await store.load(type, ids)) {
          // The record was written under this type by `encode`.
          found[id] = decode(type, id, record) as SignalDataTypeMap[typeof type]
        }
        return found
      }),
    set: (data) => forLibrary(endurance, () => write(data)),
    isInTransaction: () => false,
    transaction: (work) => work(),
  }
}

const RAW_TYPES = new Set(["sender-key", "identity-key"])

function encode(type: string, value: unknown): Uint8Array {
  if (type === PRE_KEY && isPair(value)) return encodeKeyPair(value)
  if (RAW_TYPES.has(type) && value instanceof Uint8Array) return encodeRaw(value)
  return encodeJson(value)
}

function isPair(value: unknown): value is { private: Uint8Array; public: Uint8Array } {
  return typeof value === "object" && value !== null && "private" in value && "public" in value
}

/**
 * Moves the counters past new pre-keys in the commit that stores them. Baileys moves them only after the write, so that two
 * askers at once would give out the same ids with different keys.
 */
function claimPreKeyIds(credentials: Credentials, records: Record<string, Uint8Array | null>) {
  const ids = Object.entries(records).flatMap(([id, record]) => (record ? [Number(id)] : []))
  if (ids.length === 0) return {}
  const next = Math.max(...ids) + 1
  const { creds } = credentials
  creds.nextPreKeyId = Math.max(creds.nextPreKeyId, next)
  creds.firstUnuploadedPreKeyId = Math.max(creds.firstUnuploadedPreKeyId, next)
  return credentials.batch()
}
