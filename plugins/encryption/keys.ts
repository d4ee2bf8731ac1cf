import { KEY_ID_BYTES, type PluginContext, utf8 } from "../../core/plugin.ts"

/** Master keys, as they are given and as they are known by. */

type System = PluginContext<unknown, never>["system"]

export interface MasterKey {
  /** Public: says which key it is, and nothing of it. */
  readonly id: Uint8Array
  readonly key: Uint8Array
}

/** A key as it was given: the key itself, or a passphrase that one is derived from. */
export type GivenKey = { readonly key: Uint8Array } | { readonly passphrase: string }

const KEY_BYTES = 32
const HEX = /^[0-9a-f]{64}$/i
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/
const SHORTEST_PASSPHRASE = 20
const ROUNDS = 600_000
const PASSPHRASE_SALT = "switchboard/encryption/v1"
const ID_INFO = "switchboard/encryption/v1/key id"

export const ACCEPTED = `expected 64 hex digits, base64 of ${KEY_BYTES} bytes, or a passphrase of at least ${SHORTEST_PASSPHRASE} characters`

/** Undefined for a text that is neither a key nor long enough to be a passphrase. */
export function readKey(text: string): GivenKey | undefined {
  if (HEX.test(text)) return { key: fromHex(text) }
  const key = BASE64.test(text) ? fromBase64(text) : undefined
  if (key?.length === KEY_BYTES) return { key }
  return Array.from(text).length >= SHORTEST_PASSPHRASE ? { passphrase: text } : undefined
}

/** About a third of a second for a passphrase, beside the event loop. */
export async function masterKey(given: GivenKey, system: System): Promise<MasterKey> {
  const key =
    "key" in given ? given.key : await system.pbkdf2(utf8(given.passphrase), utf8(PASSPHRASE_SALT), ROUNDS, KEY_BYTES)
  return { id: system.hkdf(key, new Uint8Array(), utf8(ID_INFO), KEY_ID_BYTES), key }
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16))
}

/** Undefined where the last character has bits that belong to no byte: such a text is no encoding of anything. */
function fromBase64(text: string): Uint8Array | undefined {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/")
  const bytes = Uint8Array.from(atob(plain), (character) => character.charCodeAt(0))
  const again = btoa(String.fromCharCode(...bytes)).replace(/=+$/, "")
  return again === plain.replace(/=+$/, "") ? bytes : undefined
}
