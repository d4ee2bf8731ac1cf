import type { KeyPair, SignedPreKey } from "whatsapp-rust-bridge"
import { decodeRaw, encodeRaw } from "../codec.ts"
import type { LineStore } from "../line-store.ts"
import { withTypeByte } from "./curve.ts"

export const PRE_KEY = "pre-key"
export const SIGNED_PRE_KEY = "signed-pre-key"

/** The part of Baileys' credentials that Signal needs. The object is Baileys' own and changes in place. */
export interface SignalCredentials {
  readonly signedIdentityKey: { readonly public: Uint8Array; readonly private: Uint8Array }
  readonly signedPreKey: {
    readonly keyId: number
    readonly keyPair: { readonly public: Uint8Array; readonly private: Uint8Array }
    readonly signature: Uint8Array
  }
  readonly registrationId: number
}

/** Our side of every session. */
export interface OwnKeys {
  readonly identity: KeyPair
  registrationId(): number
  preKey(id: number): Promise<KeyPair | undefined>
  /** Old ones as well: a first message may have been made with the one before the last rotation. */
  signedPreKey(id: number): Promise<SignedPreKey | undefined>
}

const KEY_LENGTH = 32

export function createOwnKeys(credentials: SignalCredentials, store: LineStore): OwnKeys {
  const { signedIdentityKey } = credentials
  const load = async (type: string, id: number): Promise<Uint8Array | undefined> => {
    const record = (await store.load(type, [String(id)])).get(String(id))
    return record && decodeRaw(record, `${type}/${id}`)
  }
  return {
    identity: { privKey: signedIdentityKey.private, pubKey: withTypeByte(signedIdentityKey.public) },
    registrationId: () => credentials.registrationId,
    async preKey(id) {
      const bytes = await load(PRE_KEY, id)
      return bytes && pairOf(bytes)
    },
    async signedPreKey(id) {
      const current = credentials.signedPreKey
      if (current.keyId === id) {
        const { keyPair, signature } = current
        return { keyId: id, keyPair: { privKey: keyPair.private, pubKey: withTypeByte(keyPair.public) }, signature }
      }
      const bytes = await load(SIGNED_PRE_KEY, id)
      return bytes && { keyId: id, keyPair: pairOf(bytes), signature: bytes.slice(2 * KEY_LENGTH) }
    },
  }
}

/** A pre-key as it is stored: private key, public key without its type byte, then a signature if it has one. */
export function encodeKeyPair(
  pair: { readonly private: Uint8Array; readonly public: Uint8Array },
  signature: Uint8Array = new Uint8Array(),
): Uint8Array {
  const bytes = new Uint8Array(2 * KEY_LENGTH + signature.length)
  bytes.set(pair.private)
  bytes.set(pair.public, KEY_LENGTH)
  bytes.set(signature, 2 * KEY_LENGTH)
  return encodeRaw(bytes)
}

function pairOf(bytes: Uint8Array): KeyPair {
  return { privKey: bytes.slice(0, KEY_LENGTH), pubKey: withTypeByte(bytes.slice(KEY_LENGTH, 2 * KEY_LENGTH)) }
}
