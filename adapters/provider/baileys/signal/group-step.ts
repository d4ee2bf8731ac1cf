import {
  GroupCipher,
  GroupSessionBuilder,
  ProtocolAddress,
  SenderKeyDistributionMessage,
  SenderKeyName,
  type SignalStorage,
} from "whatsapp-rust-bridge"
import type { Address } from "./address.ts"
import { signalError } from "./faults.ts"
import type { OwnKeys } from "./own-keys.ts"

/** Steps of sender keys: one record per group and sending device. All are pure: record in, record out. */

/** Name of the record, as Baileys' own repository names it. */
export function senderKeyId(group: string, sender: Address): string {
  return `${group}::${sender.name}::${sender.device}`
}

export interface GroupEncrypted {
  readonly record: Uint8Array
  readonly ciphertext: Buffer
  readonly distribution: Uint8Array
}

/** Makes our key for the group if there is none. */
export async function groupEncryptStep(
  own: OwnKeys,
  group: string,
  sender: Address,
  record: Uint8Array | undefined,
  data: Uint8Array,
): Promise<GroupEncrypted> {
  return withGroup(own, group, sender, record, async (parts) => {
    const distribution = await describe(parts)
    const ciphertext = await parts.cipher.encrypt(data)
    return { ciphertext: Buffer.from(ciphertext.buffer, ciphertext.byteOffset, ciphertext.byteLength), distribution }
  })
}

/** What a new member needs to read our messages in the group from now on. */
export async function distributionStep(
  own: OwnKeys,
  group: string,
  sender: Address,
  record: Uint8Array | undefined,
): Promise<{ record: Uint8Array; distribution: Uint8Array }> {
  return withGroup(own, group, sender, record, async (parts) => ({ distribution: await describe(parts) }))
}

export async function groupDecryptStep(
  own: OwnKeys,
  group: string,
  sender: Address,
  record: Uint8Array | undefined,
  ciphertext: Uint8Array,
): Promise<{ record: Uint8Array; plaintext: Uint8Array }> {
  return withGroup(own, group, sender, record, async ({ cipher }) => ({ plaintext: await cipher.decrypt(ciphertext) }))
}

/** Takes in another member's key. */
export async function acceptDistributionStep(
  own: OwnKeys,
  group: string,
  sender: Address,
  record: Uint8Array | undefined,
  distribution: Uint8Array,
): Promise<{ record: Uint8Array }> {
  return withGroup(own, group, sender, record, async ({ builder, name }) => {
    const message = SenderKeyDistributionMessage.deserialize(distribution)
    try {
      await builder.process(name, message)
    } finally {
      message.free()
    }
    return {}
  })
}

interface GroupParts {
  readonly cipher: GroupCipher
  readonly builder: GroupSessionBuilder
  readonly name: SenderKeyName
}

async function describe({ builder, name }: GroupParts): Promise<Uint8Array> {
  const message = await builder.create(name)
  try {
    return message.serialize()
  } finally {
    message.free()
  }
}

async function withGroup<T extends object>(
  own: OwnKeys,
  group: string,
  sender: Address,
  before: Uint8Array | undefined,
  use: (parts: GroupParts) => Promise<T>,
): Promise<T & { record: Uint8Array }> {
  let record = before
  const storage: SignalStorage = {
    loadSenderKey: () => record,
    storeSenderKey: (_id, bytes) => {
      record = bytes
    },
    loadSession: () => undefined,
    storeSession: () => undefined,
    getOurIdentity: () => own.identity,
    getOurRegistrationId: () => own.registrationId(),
    isTrustedIdentity: () => true,
    loadPreKey: () => undefined,
    removePreKey: () => undefined,
    loadSignedPreKey: () => undefined,
  }
  const address = new ProtocolAddress(sender.name, sender.device)
  const name = new SenderKeyName(group, address)
  const builder = new GroupSessionBuilder(storage)
  const cipher = new GroupCipher(storage, group, address)
  try {
    const result = await use({ cipher, builder, name })
    if (!record) throw new Error("No session found to decrypt message")
    return { ...result, record }
  } catch (fault) {
    throw signalError(fault)
  } finally {
    cipher.free()
    builder.free()
    name.free()
    address.free()
  }
}
