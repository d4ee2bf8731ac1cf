import type { BaileysEventMap, WASocket } from "@whiskeysockets/baileys"

/** The events that somebody listens to, here or in the library itself; none of them is one that the library holds back. */
const HEARD = new Set<keyof BaileysEventMap>([
  "connection.update",
  "creds.update",
  "call",
  "lid-mapping.update",
  "messages.media-update",
])

/**
 * Drops the events that nobody hears, chats, contacts, messages and whole histories among them. The library collects them
 * while a line logs in and merges them pair by pair, which takes memory and, with many messages, most of its time; what we
 * keep of messages and receipts comes from their stanzas.
 */
export function dropUnheard(ev: WASocket["ev"]): void {
  const emit = ev.emit.bind(ev)
  const filtered: typeof emit = (event, data) => HEARD.has(event) && emit(event, data)
  Object.assign(ev, { emit: filtered, buffer: () => undefined, flush: () => false })
}
