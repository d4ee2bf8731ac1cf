import type { PluginContext } from "../../core/plugin.ts"

type Random = PluginContext<unknown, never>["system"]["randomBytes"]

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
const ID_LENGTH = 10
const SECRET_BYTES = 32
/** The secret is all that follows the second underscore, and may itself contain underscores. */
const KEY = /^wak_([a-z0-9]{10})_[A-Za-z0-9_-]{43}$/
const ID = /^[a-z0-9]{10}$/

/** What a key of a company can look like; anything else was never one, and is not looked up. */
export function keyIdIn(text: string): string | undefined {
  return KEY.exec(text)?.[1]
}

export function isKeyId(text: string): boolean {
  return ID.test(text)
}

/** `wak_<id>_<256 random bits as base64url>`. */
export function newKey(random: Random): { readonly keyId: string; readonly text: string } {
  const keyId = newId(random)
  const secret = btoa(String.fromCharCode(...random(SECRET_BYTES)))
  return { keyId, text: `wak_${keyId}_${secret.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}` }
}

function newId(random: Random): string {
  let id = ""
  while (id.length < ID_LENGTH) {
    for (const byte of random(ID_LENGTH)) {
      // 252 is the last multiple of 36 in a byte: beyond it some letters would come up more often.
      if (byte < 252 && id.length < ID_LENGTH) id += ID_LETTERS.charAt(byte % ID_LETTERS.length)
    }
  }
  return id
}
