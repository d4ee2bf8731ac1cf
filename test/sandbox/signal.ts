import { randomInt } from "node:crypto"
import * as libsignal from "libsignal"
import { generateKeyPair, sign, typed, type KeyPair } from "./curve.ts"

/** What a device publishes so that others can write to it first. Public keys are 32 bytes. */
export interface Bundle {
  readonly registrationId: number
  readonly identity: Buffer
  readonly signedPreKey: { readonly id: number; readonly public: Buffer; readonly signature: Buffer }
  readonly preKey?: { readonly id: number; readonly public: Buffer }
}

export interface Ciphertext {
  readonly type: "pkmsg" | "msg"
  readonly body: Buffer
}

/** The Signal half of a phone: sessions with other devices, by address. */
export interface Signal {
  readonly identity: KeyPair
  readonly registrationId: number
  bundle(): Bundle
  hasSession(address: string): boolean
  startSession(address: string, bundle: Bundle): Promise<void>
  encrypt(address: string, plain: Buffer): Promise<Ciphertext>
  /** Rejects when it cannot be read; then nothing has changed. */
  decrypt(address: string, type: string, body: Buffer): Promise<Buffer>
  forget(): void
}

interface RecordClass {
  deserialize(data: unknown): libsignal.SessionRecord
}

const Record = libsignal.SessionRecord as unknown as RecordClass

export function createSignal(owner: string): Signal {
  const identity = generateKeyPair()
  const registrationId = randomInt(1, 16380)
  const signedPair = generateKeyPair()
  const signedPreKey = { id: 1, public: signedPair.public, signature: sign(identity.private, typed(signedPair.public)) }
  const preKeys = new Map<number, KeyPair>()
  const records = new Map<string, libsignal.SessionRecord>()
  let nextPreKey = 1

  const storage = (copies: boolean): libsignal.SignalStorage => ({
    loadSession: async (id) => {
      const record = records.get(id)
      return copies && record ? Record.deserialize(record.serialize()) : record
    },
    storeSession: async (id, record) => void records.set(id, record),
    isTrustedIdentity: () => true,
    loadPreKey: async (id) => signalPair(preKeys.get(Number(id))),
    removePreKey: (id) => void preKeys.delete(id),
    loadSignedPreKey: () => signalPair(signedPair) ?? { pubKey: Buffer.alloc(0), privKey: Buffer.alloc(0) },
    getOurRegistrationId: () => registrationId,
    getOurIdentity: () => ({ pubKey: typed(identity.public), privKey: identity.private }),
  })
  const inPlace = storage(false)
  const onCopies = storage(true)
  // libsignal queues its work by address for the whole process; with the owner in front phones do not wait for each other.
  const key = (address: string): libsignal.ProtocolAddress => {
    const [name = "", device = "0"] = address.split(":")
    return new libsignal.ProtocolAddress(`${owner}>${name}`, Number(device))
  }

  return {
    identity,
    registrationId,
    bundle() {
      const id = nextPreKey++
      const pair = generateKeyPair()
      preKeys.set(id, pair)
      return { registrationId, identity: identity.public, signedPreKey, preKey: { id, public: pair.public } }
    },
    hasSession: (address) => records.get(key(address).toString())?.haveOpenSession() === true,
    async startSession(address, bundle) {
      const builder = new libsignal.SessionBuilder(onCopies, key(address))
      await builder.initOutgoing({
        registrationId: bundle.registrationId,
        identityKey: typed(bundle.identity),
        signedPreKey: {
          keyId: bundle.signedPreKey.id,
          publicKey: typed(bundle.signedPreKey.public),
          signature: bundle.signedPreKey.signature,
        },
        ...(bundle.preKey ? { preKey: { keyId: bundle.preKey.id, publicKey: typed(bundle.preKey.public) } } : {}),
      } as Parameters<typeof builder.initOutgoing>[0])
    },
    async encrypt(address, plain) {
      const { type, body } = await new libsignal.SessionCipher(inPlace, key(address)).encrypt(plain)
      return { type: type === 3 ? "pkmsg" : "msg", body: body as unknown as Buffer }
    },
    decrypt(address, type, body) {
      // A message that opens a session changes the record before it is authenticated, hence the copy.
      return type === "pkmsg"
        ? new libsignal.SessionCipher(onCopies, key(address)).decryptPreKeyWhisperMessage(body)
        : new libsignal.SessionCipher(inPlace, key(address)).decryptWhisperMessage(body)
    },
    forget: () => records.clear(),
  }
}

function signalPair(pair: KeyPair | undefined): { pubKey: Buffer; privKey: Buffer } | undefined {
  return pair && { pubKey: typed(pair.public), privKey: pair.private }
}
