import * as bridge from "whatsapp-rust-bridge"

/** The group half of a phone: sender keys, its own and those of others. Addresses are `phone:device`. */
export interface SenderKeys {
  /** The message under the own sender key, and what others need to read it. */
  encrypt(group: string, plain: Buffer): Promise<{ body: Buffer; distribution: Buffer }>
  /** Rejects without a sender key of that device. */
  decrypt(group: string, author: string, body: Buffer): Promise<Buffer>
  learn(group: string, author: string, distribution: Uint8Array): Promise<void>
  forget(): void
}

// Signatures of sender keys take 10 ms in JavaScript; phones in busy groups would be slower than what they test.
export function createSenderKeys(own: string): SenderKeys {
  const records = new Map<string, Uint8Array>()
  const unused = (): never => {
    throw new Error("sender keys need no sessions")
  }
  const storage: bridge.SignalStorage = {
    loadSession: unused,
    storeSession: unused,
    getOurIdentity: unused,
    getOurRegistrationId: unused,
    isTrustedIdentity: unused,
    loadPreKey: unused,
    removePreKey: unused,
    loadSignedPreKey: unused,
    loadSenderKey: (id) => records.get(id),
    storeSenderKey: (id, record) => void records.set(id, record),
  }
  const address = (text: string): bridge.ProtocolAddress => {
    const [name = "", device = "0"] = text.split(":")
    return new bridge.ProtocolAddress(name, Number(device))
  }

  return {
    async encrypt(group, plain) {
      const sender = address(own)
      const made = await new bridge.GroupSessionBuilder(storage).create(new bridge.SenderKeyName(group, sender))
      const distribution = Buffer.from(made.serialize())
      const body = await new bridge.GroupCipher(storage, group, sender).encrypt(plain)
      return { body: Buffer.from(body), distribution }
    },
    async decrypt(group, author, body) {
      return Buffer.from(await new bridge.GroupCipher(storage, group, address(author)).decrypt(body))
    },
    async learn(group, author, distribution) {
      const name = new bridge.SenderKeyName(group, address(author))
      const message = bridge.SenderKeyDistributionMessage.deserialize(distribution)
      await new bridge.GroupSessionBuilder(storage).process(name, message)
    },
    forget: () => records.clear(),
  }
}
