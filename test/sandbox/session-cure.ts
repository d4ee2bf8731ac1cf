import * as libsignal from "libsignal"

interface Chain {
  chainKey: { counter: number; key?: Buffer }
  chainType: number
  messageKeys: Record<number, Buffer>
}

/** A session as libsignal 6.0.0 holds it. The buffers in it are replaced, never written into. */
interface SessionEntry {
  currentRatchet: { ephemeralKeyPair: object }
  indexInfo: object
  _chains: Record<string, Chain>
  pendingPreKey?: object
}

interface CipherInternals {
  doDecryptWhisperMessage(message: Buffer, session: SessionEntry | undefined): Promise<Buffer>
}

/** libsignal never drops a receiving chain, and a conversation makes one with every turn. */
const MAX_CHAINS = 40

/**
 * libsignal 6.0.0 tries every session of a record in place: one that does not fit is left half stepped and is stored with
 * the one that did, which breaks lines whose first messages crossed. Here each try works on a copy.
 */
export function cureSessionCipher(): void {
  const prototype = libsignal.SessionCipher.prototype as unknown as CipherInternals
  const original = prototype.doDecryptWhisperMessage
  prototype.doDecryptWhisperMessage = async function (message, session) {
    if (!session) return original.call(this, message, session)
    const copy = copyOf(session)
    const plain = await original.call(this, message, copy)
    delete session.pendingPreKey
    Object.assign(session, copy)
    return plain
  }
}

function copyOf(session: SessionEntry): SessionEntry {
  const { currentRatchet, indexInfo, pendingPreKey, _chains: held } = session
  const chains = Object.entries(held).slice(-MAX_CHAINS)
  const copies = chains.map(([key, { chainKey, chainType, messageKeys }]): [string, Chain] => [
    key,
    { chainKey: { ...chainKey }, chainType, messageKeys: { ...messageKeys } },
  ])
  const copy = Object.create(Object.getPrototypeOf(session) as object) as SessionEntry
  return Object.assign(copy, session, {
    currentRatchet: { ...currentRatchet, ephemeralKeyPair: { ...currentRatchet.ephemeralKeyPair } },
    indexInfo: { ...indexInfo },
    _chains: Object.fromEntries(copies),
    ...(pendingPreKey ? { pendingPreKey: { ...pendingPreKey } } : {}),
  })
}
