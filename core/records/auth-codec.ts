import { asCredential, type AuthRecord, type Place, SEALED, unwrap, wrap } from "./auth-records.ts"
import { encodeSegment, type Sha256 } from "./keys.ts"
import { openNamed, type Sealer } from "./sealer.ts"
import type { Write } from "../store.ts"
import { damaged } from "./values.ts"
import { admit, type Vault } from "./vault.ts"

/** A record as it was found; `label` says more of it than its key. */
export type Stored = Place & { readonly record: Uint8Array; readonly label?: string }

/** How records of an auth state are sealed, and under which keys a store holds them. */
export interface AuthCodec {
  /** In order. */
  keysOf(vault: Vault, items: readonly { readonly type: string; readonly id: string }[]): Promise<string[]>
  /** Opens what is sealed and lets pass what is plain, in order. Throws for what may not be there, or does not open. */
  openAll(vault: Vault, some: readonly Stored[]): Promise<Uint8Array[]>
  sealAll(vault: Vault, keys: readonly string[], records: readonly AuthRecord[]): Promise<Write[]>
}

export function createAuthCodec(sealer: Sealer, sha256: Sha256): AuthCodec {
  return {
    async keysOf(vault, items) {
      const names = await sealer.name(
        vault,
        items.map(({ type, id }) => `${type}/${id}`),
      )
      return items.map(({ type }, index) => `${encodeSegment(type, sha256).text}/${SEALED}${names[index]}`)
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

    async sealAll(vault, keys, records) {
      const sealed = await sealer.seal(
        vault,
        keys,
        records.map(({ value, id }) => wrap(value, id)),
      )
      return keys.map((key, index) => ({ key, value: sealed[index] as Uint8Array }))
    },
  }
}

/** A record that has been opened. */
export function recordOf({ key, type, id }: Place, opened: Uint8Array = new Uint8Array()): AuthRecord {
  const inner = unwrap(opened, key)
  return { type, id: inner.id ?? id ?? "", value: inner.value }
}
