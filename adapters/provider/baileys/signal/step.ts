import {
  ProtocolAddress,
  SessionBuilder,
  SessionCipher,
  type PreKeyBundleInput,
  type SignalStorage,
} from "whatsapp-rust-bridge"
import type { Address } from "./address.ts"
import { isRepeat, signalError } from "./faults.ts"
import type { OwnKeys } from "./own-keys.ts"
import { attemptsForFirstMessage, attemptsForMessage } from "./session-record.ts"

/** What one ratchet step leaves behind, to be written together. */
export interface StepOutcome {
  readonly record: Uint8Array
  /** The one-time pre-key it used up. */
  readonly usedPreKey: number | undefined
  /** The other side's identity key as this step saw it. */
  readonly identity: Uint8Array | undefined
}

export interface Encrypted extends StepOutcome {
  readonly type: "pkmsg" | "msg"
  readonly ciphertext: Buffer
}

export interface Decrypted extends StepOutcome {
  readonly plaintext: Uint8Array
}

const PRE_KEY_MESSAGE = 3

/** Throws when there is no session. */
export async function encryptStep(
  own: OwnKeys,
  address: Address,
  record: Uint8Array | undefined,
  data: Uint8Array,
): Promise<Encrypted> {
  const { result, outcome } = await withCipher(own, address, record, (cipher) => cipher.encrypt(data))
  const { body } = result
  const ciphertext = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  return { ...outcome, type: result.type === PRE_KEY_MESSAGE ? "pkmsg" : "msg", ciphertext }
}

/** Tries one session after the other; what a vain try did to its session is thrown away. */
export async function decryptStep(
  own: OwnKeys,
  address: Address,
  record: Uint8Array | undefined,
  type: "pkmsg" | "msg",
  ciphertext: Uint8Array,
): Promise<Decrypted> {
  if (type === "msg" && !record) throw new Error("No session record")
  const attempts =
    type === "pkmsg" || !record ? attemptsForFirstMessage(record, ciphertext) : attemptsForMessage(record)
  const thrown: unknown[] = []
  for (const attempt of attempts) {
    try {
      const { result, outcome } = await withCipher(own, address, attempt.record, (cipher) =>
        type === "pkmsg" ? cipher.decryptPreKeyWhisperMessage(ciphertext) : cipher.decryptWhisperMessage(ciphertext),
      )
      return { ...outcome, record: attempt.join(outcome.record), plaintext: result }
    } catch (fault) {
      thrown.push(fault)
    }
  }
  throw signalError(thrown.find(isRepeat) ?? thrown[0] ?? new Error("No session record"))
}

/** A session with a device from the keys it published. Refuses a signed pre-key whose signature is not the identity's. */
export async function bundleStep(
  own: OwnKeys,
  address: Address,
  record: Uint8Array | undefined,
  bundle: PreKeyBundleInput,
): Promise<StepOutcome> {
  const seen = watchedStorage(own, record)
  const remote = new ProtocolAddress(address.name, address.device)
  const builder = new SessionBuilder(seen.storage, remote)
  try {
    await builder.processPreKeyBundle(bundle)
  } catch (fault) {
    throw signalError(fault)
  } finally {
    builder.free()
    remote.free()
  }
  return seen.outcome()
}

// One object per step: a cipher keeps the record it has loaded and would never see another writer's step.
async function withCipher<T>(
  own: OwnKeys,
  address: Address,
  record: Uint8Array | undefined,
  use: (cipher: SessionCipher) => Promise<T>,
): Promise<{ result: T; outcome: StepOutcome }> {
  const seen = watchedStorage(own, record)
  const remote = new ProtocolAddress(address.name, address.device)
  const cipher = new SessionCipher(seen.storage, remote)
  try {
    const result = await use(cipher)
    return { result, outcome: seen.outcome() }
  } finally {
    cipher.free()
    remote.free()
  }
}

/** Holds one record in memory and notes what the bridge does to it; nothing is written from inside the bridge. */
function watchedStorage(own: OwnKeys, before: Uint8Array | undefined) {
  let record = before
  let usedPreKey: number | undefined
  let identity: Uint8Array | undefined
  const storage: SignalStorage & { storeSessionRaw(address: string, bytes: Uint8Array): void } = {
    loadSession: () => record,
    storeSession: (_address, session) => {
      record = session.serialize()
    },
    // Called instead of storeSession where it is there: saves an object and a copy (seen with 0.5.4, not in its types).
    storeSessionRaw: (_address, bytes) => {
      record = bytes
    },
    getOurIdentity: () => own.identity,
    getOurRegistrationId: () => own.registrationId(),
    // Trust on first use and on change, as WhatsApp Web does.
    isTrustedIdentity: (_name, key) => {
      identity = key
      return true
    },
    loadPreKey: (id) => own.preKey(id),
    removePreKey: (id) => {
      usedPreKey = id
    },
    loadSignedPreKey: (id) => own.signedPreKey(id),
    loadSenderKey: () => undefined,
    storeSenderKey: () => undefined,
  }
  return {
    storage,
    outcome(): StepOutcome {
      if (!record) throw new Error("No session record")
      return { record, usedPreKey, identity }
    },
  }
}
