import { asCredential, type AuthRecord, type Place, SEALED, unwrap, wrap } from "./auth-records.ts"
import { encodeSegment, type Sha256 } from "./keys.ts"
import { createLru } from "./lru.ts"
import { andThen, type MaybePromise, openNamed, type Sealer } from "./sealer.ts"
import type { Write } from "../store.ts"
import { damaged } from "./values.ts"
import { admit, type Vault } from "./vault.ts"

/** A record as it was found; `label` says more of it than its key. */
export type Stored = Place & { readonly record: Uint8Array; readonly label?: string }

/** How records of an auth state are sealed, and under which keys a store holds them. */
export interface AuthCodec {
  /** In order. Remembered: a codec serves one vault. */
  keysOf(vault: Vault, items: readonly Item[]): MaybePromise<readonly string[]>
  /** Opens what is sealed and lets pass what is plain, in order. Throws for what may not be there, or does not open. */
  openAll(vault: Vault, some: readonly Stored[]): Promise<Uint8Array[]>
  sealAll(vault: Vault, keys: readonly string[], records: readonly AuthRecord[]): MaybePromise<readonly Write[]>
}

interface Item {
  readonly type: string
  readonly id: string
}

/** Names of a line at hand: those of its sessions are asked for with every message. */
const REMEMBERED = 64

export function createAuthCodec(sealer: Sealer, sha256: Sha256): AuthCodec {
  const remembered = createLru<string>(REMEMBERED)

  return {
    keysOf(vault, items) {
      const keys = items.map(({ type, id }) => remembered.get(`${type}/${id}`))
      if (keys.every((key) => key !== undefined)) return keys
      const texts = items.map(({ type, id }) => `${type}/${id}`)
      return andThen(sealer.name(vault, texts), (names) =>
        items.map(({ type }, index) => {
          const key = `${encodeSegment(type, sha256).text}/${SEALED}${names[index]}`
          remembered.set(texts[index] ?? "", key)
          return key
        }),
      )
    },

    async openAll(vault, some) {
      try {
        for (const { key, sealed, record, label = key } of some) {
          if (admit(sealer, vault, record, label) !== sealed) throw damaged(label, "it stands under the wrong name")
        }
        const closed = some.filter(({ sealed }) => sealed)
        if (closed.length === 0) return some.map(({ record }) => record)
        const opened = await openNamed(
          sealer,
          vault,
          closed.map(({ key }) => key),
          closed.map(({ record }) => record),
          (at) => closed[at]?.label,
        )
        let next = 0
        return some.map(({ sealed, record }) => (sealed ? (opened[next++] as Uint8Array) : record))
      } catch (thrown) {
        throw asCredential(thrown)
      }
    },

    sealAll(vault, keys, records) {
      const wrapped = records.map(({ value, id }) => wrap(value, id))
      return andThen(sealer.seal(vault, keys, wrapped), (sealed) =>
        keys.map((key, index) => ({ key, value: sealed[index] as Uint8Array })),
      )
    },
  }
}

/** A record that has been opened. */
export function recordOf({ key, type, id }: Place, opened: Uint8Array = new Uint8Array()): AuthRecord {
  const inner = unwrap(opened, key)
  return { type, id: inner.id ?? id ?? "", value: inner.value }
}
