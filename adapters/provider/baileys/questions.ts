import type { BinaryNode, WASocket } from "@whiskeysockets/baileys"

const SERVER = "@s.whatsapp.net"

/** A round trip to WhatsApp. Rejects when it is not answered in time. */
export async function ping(sock: WASocket, timeoutMs: number): Promise<void> {
  const attrs = { id: sock.generateMessageTag(), to: SERVER, type: "get", xmlns: "w:p" }
  // The library resolves with nothing when its own timer runs out first.
  const answer: unknown = await sock.query({ tag: "iq", attrs, content: [{ tag: "ping", attrs: {} }] }, timeoutMs)
  if (!answer) throw new Error("WhatsApp did not answer")
}

/** Unlinks this device. An answer is waited for, since closing at once can overtake the request; none is fine too. */
export async function leave(sock: WASocket, timeoutMs: number): Promise<void> {
  const jid = sock.user?.id
  if (jid === undefined) return
  const attrs = { id: sock.generateMessageTag(), to: SERVER, type: "set", xmlns: "md" }
  const removal: BinaryNode = { tag: "remove-companion-device", attrs: { jid, reason: "user_initiated" } }
  try {
    await sock.query({ tag: "iq", attrs, content: [removal] }, timeoutMs)
  } catch {
    // WhatsApp may cut the connection instead of answering; either way the device is gone or the credentials are dropped.
  }
}
