import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto"
import { proto } from "@whiskeysockets/baileys/WAProto/index.js"
import type { Authority } from "./certificate.ts"
import { agree, generateKeyPair } from "./curve.ts"

/** `WA`, protocol 6, dictionary 3. */
export const PROLOGUE = Buffer.from([0x57, 0x41, 0x06, 0x03])
const PROTOCOL_NAME = Buffer.from("Noise_XX_25519_AESGCM_SHA256\0\0\0\0")
const EMPTY = Buffer.alloc(0)
const TAG_LENGTH = 16

/** The answering side of Noise_XX as WhatsApp speaks it. */
export interface Responder {
  /** Takes the client's hello, gives the server's. Throws when the message is malformed. */
  hello(message: Buffer): Buffer
  /** Takes the client's last handshake message. Throws when it does not authenticate. */
  finish(message: Buffer): { clientKey: Buffer; payload: Buffer }
  open(frame: Buffer): Buffer
  seal(plain: Buffer): Buffer
}

export function createResponder(authority: Authority): Responder {
  const ephemeral = generateKeyPair()
  let hash: Buffer = PROTOCOL_NAME
  let salt: Buffer = PROTOCOL_NAME
  let key: Buffer = PROTOCOL_NAME
  let counter = 0
  let inbound: { key: Buffer; counter: number } | undefined
  let outbound: { key: Buffer; counter: number } | undefined

  const mixHash = (data: Uint8Array): void => {
    hash = createHash("sha256").update(hash).update(data).digest()
  }
  const mixKey = (secret: Buffer): void => {
    ;[salt, key] = derivePair(secret, salt)
    counter = 0
  }
  const encrypt = (plain: Buffer): Buffer => {
    const sealed = gcmSeal(key, counter++, plain, hash)
    mixHash(sealed)
    return sealed
  }
  const decrypt = (sealed: Uint8Array): Buffer => {
    const plain = gcmOpen(key, counter++, Buffer.from(sealed), hash)
    mixHash(sealed)
    return plain
  }

  mixHash(PROLOGUE)

  return {
    hello(message) {
      const clientEphemeral = proto.HandshakeMessage.decode(message).clientHello?.ephemeral
      if (!clientEphemeral || clientEphemeral.length !== 32) throw new Error("the client sent no ephemeral key")
      mixHash(clientEphemeral)
      mixHash(ephemeral.public)
      mixKey(agree(clientEphemeral, ephemeral.private))
      const serverStatic = encrypt(authority.serverKey.public)
      mixKey(agree(clientEphemeral, authority.serverKey.private))
      const payload = encrypt(authority.chain)
      const answer = { serverHello: { ephemeral: ephemeral.public, static: serverStatic, payload } }
      return Buffer.from(proto.HandshakeMessage.encode(answer).finish())
    },
    finish(message) {
      const { clientFinish } = proto.HandshakeMessage.decode(message)
      if (!clientFinish?.static || !clientFinish.payload) throw new Error("the client did not finish the handshake")
      const clientKey = decrypt(clientFinish.static)
      mixKey(agree(clientKey, ephemeral.private))
      const payload = decrypt(clientFinish.payload)
      const [read, write] = derivePair(EMPTY, salt)
      inbound = { key: read, counter: 0 }
      outbound = { key: write, counter: 0 }
      return { clientKey, payload }
    },
    open(frame) {
      if (!inbound) throw new Error("the handshake is not finished")
      return gcmOpen(inbound.key, inbound.counter++, frame, EMPTY)
    },
    seal(plain) {
      if (!outbound) throw new Error("the handshake is not finished")
      return gcmSeal(outbound.key, outbound.counter++, plain, EMPTY)
    },
  }
}

function derivePair(secret: Buffer, salt: Buffer): [Buffer, Buffer] {
  const both = Buffer.from(hkdfSync("sha256", secret, salt, EMPTY, 64))
  return [both.subarray(0, 32), both.subarray(32)]
}

function nonce(counter: number): Buffer {
  const iv = Buffer.alloc(12)
  iv.writeUInt32BE(counter, 8)
  return iv
}

function gcmSeal(key: Buffer, counter: number, plain: Buffer, aad: Buffer): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce(counter))
  cipher.setAAD(aad)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function gcmOpen(key: Buffer, counter: number, sealed: Buffer, aad: Buffer): Buffer {
  const end = sealed.length - TAG_LENGTH
  const cipher = createDecipheriv("aes-256-gcm", key, nonce(counter), { authTagLength: TAG_LENGTH })
  cipher.setAAD(aad)
  cipher.setAuthTag(sealed.subarray(end))
  return Buffer.concat([cipher.update(sealed.subarray(0, end)), cipher.final()])
}
