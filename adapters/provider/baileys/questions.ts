import type { BinaryNode, WASocket } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"

const SERVER = "@s.whatsapp.net"

/**
 * A question to WhatsApp with a deadline of our own: the library's would hold the process, and its stack traces cost more
 * than the questions. Rejects for an error answer and when the time is over.
 */
export function ask(sock: WASocket, clock: Clock, question: BinaryNode, timeoutMs: number): Promise<BinaryNode> {
  return inTime(clock, sock.query(question), timeoutMs)
}

/** What the task gives; rejects when it is not there within `timeoutMs`. */
export async function inTime<T>(clock: Clock, task: Promise<T>, timeoutMs: number): Promise<T> {
  const answered = new AbortController()
  const late = clock.sleep(timeoutMs, answered.signal).then(() => {
    throw new Error("WhatsApp did not answer")
  })
  // Ends in a rejection when the answer comes first; by then nobody waits for it.
  late.catch(() => undefined)
  try {
    return await Promise.race([task, late])
  } finally {
    answered.abort()
  }
}

/** An IQ to WhatsApp itself. */
export function iq(sock: WASocket, type: "get" | "set", xmlns: string, content: BinaryNode): BinaryNode {
  return { tag: "iq", attrs: { id: sock.generateMessageTag(), to: SERVER, type, xmlns }, content: [content] }
}

/** A round trip to WhatsApp. Rejects when it is not answered in time. */
export async function ping(sock: WASocket, clock: Clock, timeoutMs: number): Promise<void> {
  await ask(sock, clock, iq(sock, "get", "w:p", { tag: "ping", attrs: {} }), timeoutMs)
}

/** Unlinks this device. An answer is waited for, since closing at once can overtake the request; none is fine too. */
export async function leave(sock: WASocket, clock: Clock, timeoutMs: number): Promise<void> {
  const jid = sock.user?.id
  if (jid === undefined) return
  const removal: BinaryNode = { tag: "remove-companion-device", attrs: { jid, reason: "user_initiated" } }
  try {
    await ask(sock, clock, iq(sock, "set", "md", removal), timeoutMs)
  } catch {
    // WhatsApp may cut the connection instead of answering; either way the device is gone or the credentials are dropped.
  }
}
