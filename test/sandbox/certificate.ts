import { proto } from "@whiskeysockets/baileys/WAProto/index.js"
import { generateKeyPair, sign, verify, type KeyPair } from "./curve.ts"

/** The root that clients must be told, and a server key that it vouches for. */
export interface Authority {
  /** 32 bytes, hex: what `WHATSAPP_SOCKET_ROOT_KEY` wants. */
  readonly rootKey: string
  readonly serverKey: KeyPair
  /** The encoded `CertChain` sent in the handshake. */
  readonly chain: Buffer
}

const INTERMEDIATE_SERIAL = 1
const YEAR_SECONDS = 365 * 24 * 3600

/** Makes a new root, an intermediate signed by it, and a leaf for a new server key signed by the intermediate. */
export function makeAuthority(): Authority {
  const root = generateKeyPair()
  const intermediate = generateKeyPair()
  const serverKey = generateKeyPair()
  const chain = proto.CertChain.encode({
    intermediate: certificate(INTERMEDIATE_SERIAL, 0, intermediate.public, root),
    leaf: certificate(INTERMEDIATE_SERIAL + 1, INTERMEDIATE_SERIAL, serverKey.public, intermediate),
  }).finish()
  return { rootKey: root.public.toString("hex"), serverKey, chain: Buffer.from(chain) }
}

function certificate(serial: number, issuerSerial: number, key: Buffer, issuer: KeyPair) {
  const now = Math.floor(Date.now() / 1000)
  const details = proto.CertChain.NoiseCertificate.Details.encode({
    serial,
    issuerSerial,
    key,
    notBefore: now - 3600,
    notAfter: now + YEAR_SECONDS,
  }).finish()
  return { details, signature: sign(issuer.private, details) }
}

/**
 * What a client ought to check: both certificates there, the intermediate issued by serial 0 and signed by the root, the
 * leaf issued and signed by the intermediate, made out to the key that the server used, and valid now.
 * Gives the first fault in words, or undefined.
 */
export function certificateFault(chain: Uint8Array, rootKey: Uint8Array, serverKey: Uint8Array): string | undefined {
  const { intermediate, leaf } = proto.CertChain.decode(chain)
  if (!intermediate?.details || !intermediate.signature) return "no intermediate certificate"
  if (!leaf?.details || !leaf.signature) return "no leaf certificate"
  const upper = proto.CertChain.NoiseCertificate.Details.decode(intermediate.details)
  const lower = proto.CertChain.NoiseCertificate.Details.decode(leaf.details)
  if (upper.issuerSerial !== 0) return "the intermediate certificate is not issued by the root"
  if (!verify(rootKey, intermediate.details, intermediate.signature)) return "the root did not sign the intermediate"
  if (lower.issuerSerial !== upper.serial) return "the leaf names another issuer"
  if (!upper.key || !verify(upper.key, leaf.details, leaf.signature)) return "the intermediate did not sign the leaf"
  if (!lower.key || Buffer.compare(Buffer.from(lower.key), Buffer.from(serverKey)) !== 0) {
    return "the leaf belongs to another server key"
  }
  const now = Date.now() / 1000
  for (const details of [upper, lower]) {
    if (Number(details.notBefore) > now || Number(details.notAfter) < now) return "a certificate is not valid now"
  }
  return undefined
}
