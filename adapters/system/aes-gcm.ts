import { createCipheriv, createDecipheriv } from "node:crypto"
import type { AesGcm } from "../../core/system.ts"

const TAG_BYTES = 16
const NONCE_BYTES = 12
const options = { authTagLength: TAG_BYTES } as const

/** AES-256-GCM of the runtime's own crypto. Without `authTagLength` it would take shortened tags. */
export const aesGcm: AesGcm = {
  seal(key, nonce, data, associated, room = 0) {
    const cipher = createCipheriv("aes-256-gcm", key, nonce, options)
    cipher.setAAD(associated)
    const text = cipher.update(data)
    // Nothing is left for the end: a stream cipher gives as much as it takes.
    cipher.final()
    const sealed = new Uint8Array(room + text.length + TAG_BYTES)
    sealed.set(text, room)
    sealed.set(cipher.getAuthTag(), room + text.length)
    return sealed
  },

  open(key, nonce, sealed, associated) {
    if (sealed.length < TAG_BYTES || nonce.length !== NONCE_BYTES) return undefined
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, options)
    decipher.setAAD(associated)
    decipher.setAuthTag(sealed.subarray(end))
    const data = decipher.update(sealed.subarray(0, end))
    try {
      decipher.final()
    } catch {
      // The one thing that `final` can say here: the tag does not fit.
      return undefined
    }
    return new Uint8Array(data)
  },
}
