import { Buffer } from "node:buffer"
import * as bridge from "whatsapp-rust-bridge"

/** Both keys are 32 bytes, without the type byte 05 that Signal puts before public keys. */
export interface KeyPair {
  readonly public: Buffer
  readonly private: Buffer
}

// The curve functions of JavaScript libsignal take about 10 ms for a signature; with them the phones would be the
// bottleneck of every measurement.

export function generateKeyPair(): KeyPair {
  const pair = bridge.generateKeyPair()
  return { public: untyped(pair.pubKey), private: Buffer.from(pair.privKey) }
}

export function agree(publicKey: Uint8Array, privateKey: Uint8Array): Buffer {
  return Buffer.from(bridge.calculateAgreement(typed(publicKey), privateKey))
}

/** XEdDSA. */
export function sign(privateKey: Uint8Array, message: Uint8Array): Buffer {
  return Buffer.from(bridge.calculateSignature(privateKey, message))
}

/** True only for a signature that really fits. (`Curve.verify` of Baileys 7.0.0-rc14 says yes to any.) */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  return bridge.verifySignature(typed(publicKey), message, signature)
}

/** With the type byte 05. */
export function typed(publicKey: Uint8Array): Buffer {
  return publicKey.length === 33 ? Buffer.from(publicKey) : Buffer.concat([Buffer.from([5]), publicKey])
}

/** Without the type byte. */
export function untyped(publicKey: Uint8Array): Buffer {
  return Buffer.from(publicKey.length === 33 ? publicKey.subarray(1) : publicKey)
}
