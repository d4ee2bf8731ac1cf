import { utf8 } from "../records/utf8.ts"

/** Identifiers of our own making. */
export interface Ids {
  /**
   * A message id that is also the wire id: `3EB0` and 18 upper-case hex digits, the form of WhatsApp Web's own clients
   * (seen with Baileys 7.0.0-rc14).
   */
  message(): string
  chat(): string
  event(): string
  batch(): string
  /** Our id of a message that somebody else named: the same for the same chat, side and wire id. */
  received(chatId: string, side: "me" | "them", wireId: string): string
  /** SHA-256 as lower-case hex. */
  digest(text: string): string
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const UPPER_HEX = HEX.map((pair) => pair.toUpperCase())
/** Random bytes are drawn in blocks: one call of the system for many ids. */
const BLOCK = 4_096

export function createIds(sha256: (data: Uint8Array) => Uint8Array): Ids {
  const block = new Uint8Array(BLOCK)
  let used = BLOCK

  const random = (bytes: number, alphabet: readonly string[]): string => {
    if (used + bytes > BLOCK) {
      crypto.getRandomValues(block)
      used = 0
    }
    let text = ""
    for (const end = used + bytes; used < end; used++) text += alphabet[block[used] ?? 0]
    return text
  }

  const digest = (text: string): string => {
    let out = ""
    for (const byte of sha256(utf8(text))) out += HEX[byte]
    return out
  }

  return {
    message: () => `3EB0${random(9, UPPER_HEX)}`,
    chat: () => `c_${random(12, HEX)}`,
    batch: () => `bat_${random(12, HEX)}`,
    event: () => `evt_${random(12, HEX)}`,
    received: (chatId, side, wireId) => `in_${digest(`${chatId}\n${side}\n${wireId}`).slice(0, 40)}`,
    digest,
  }
}
