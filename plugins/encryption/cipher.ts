import {
  KEY_ID_BYTES,
  type NamingOf,
  type PluginContext,
  type RecordsOf,
  SEALED_ROOM,
  utf8,
} from "../../core/plugin.ts"
import { associated, createCompanyKeys } from "./company-keys.ts"
import type { MasterKey } from "./keys.ts"

/** Seals, opens and names records. A sealed one is the id of its key, a nonce, and the ciphertext with its tag. */
export interface Cipher {
  seal(records: readonly Uint8Array[], of: RecordsOf): readonly Uint8Array[]
  /** Throws what `fault` makes for a record that does not open. */
  open(sealed: readonly Uint8Array[], of: RecordsOf): readonly Uint8Array[]
  name(names: readonly string[], of: NamingOf): readonly string[]
}

/** `damaged`: it was sealed under a key that is known; `unknown`: it names another. */
export type Fault = (kind: "damaged" | "unknown", name: string) => Error

type System = PluginContext<unknown, never>["system"]

const NONCE_BYTES = 12
const TAG_BYTES = 16
const NAME_BYTES = 16
const HEAD = KEY_ID_BYTES + NONCE_BYTES
/** Nonces drawn at once: one call of the system for many records. */
const DRAWN = 256

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

export function createCipher(
  newest: MasterKey,
  older: readonly MasterKey[],
  system: Pick<System, "aesGcm" | "hkdf" | "hmac" | "randomBytes" | "sha256">,
  fault: Fault,
): Cipher {
  const { aesGcm } = system
  const keyOf = createCompanyKeys(system)
  const all = [newest, ...older]
  const nonces = createNonces(system)

  return {
    seal(records, of) {
      const key = keyOf(newest, of)
      return records.map((record, at) => {
        const nonce = nonces()
        const sealed = aesGcm.seal(key.key, nonce, record, associated(key, of.names[at] ?? ""), SEALED_ROOM + HEAD)
        sealed.set(newest.id, SEALED_ROOM)
        sealed.set(nonce, SEALED_ROOM + KEY_ID_BYTES)
        return sealed
      })
    },

    open(sealed, of) {
      return sealed.map((record, at) => {
        const name = of.names[at] ?? ""
        if (record.length < HEAD + TAG_BYTES) throw fault("damaged", name)
        const master = all.find(({ id }) => startsWith(record, id))
        if (master === undefined) throw fault("unknown", name)
        const key = keyOf(master, of)
        const nonce = record.subarray(KEY_ID_BYTES, HEAD)
        const text = record.subarray(HEAD)
        const opened = aesGcm.open(key.key, nonce, text, associated(key, name))
        if (opened === undefined) throw fault("damaged", name)
        return opened
      })
    },

    name: (names, { key }) =>
      names.map((name) => {
        const digest = system.hmac(key, utf8(name))
        let text = ""
        for (let at = 0; at < NAME_BYTES; at++) text += HEX[digest[at] ?? 0]
        return text
      }),
  }
}

/** Random ones may be used 2^32 times under a key, and a key is one company's. Each is given once. */
function createNonces({ randomBytes }: Pick<System, "randomBytes">): () => Uint8Array {
  let drawn = new Uint8Array()
  let used = 0
  return () => {
    if (used === drawn.length) {
      drawn = Uint8Array.from(randomBytes(NONCE_BYTES * DRAWN))
      used = 0
    }
    used += NONCE_BYTES
    return drawn.subarray(used - NONCE_BYTES, used)
  }
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let at = 0; at < start.length; at++) if (bytes[at] !== start[at]) return false
  return true
}
