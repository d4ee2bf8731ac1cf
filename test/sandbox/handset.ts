import { createInbox, type Inbox } from "./inbox.ts"
import type { Addressing } from "./jid.ts"
import type { Line } from "./line.ts"
import { createSenderKeys } from "./sender-keys.ts"
import { createSignal, type Signal } from "./signal.ts"
import { createReader } from "./handset-reader.ts"
import { createWriter, type Writer } from "./handset-writer.ts"
import type { Account, Device, World } from "./world.ts"

export interface HandsetSettings {
  /** What it does with a text from somebody else. */
  reply: "silent" | "echo" | "text"
  replyText: string
  replyDelayMs: number
  /** Sends delivery receipts, and read receipts, by itself. */
  deliver: boolean
  read: boolean
  receiptDelayMs: number
  /** How it writes first: to the phone number or to the LID of a chat. Answers keep the chat's addressing. */
  addressing: Addressing
}

export interface HandsetCounts {
  /** Texts from others, repeats left out, and the repeats. */
  texts: number
  repeats: number
  /** Copies of what its own linked devices sent. */
  ownCopies: number
  /** Messages without text, and messages for the device itself (peer messages). */
  others: number
  undecryptable: number
  retriesAsked: number
  /** Messages that a linked device could not read and asked it for again. */
  retriesAnswered: number
  sent: number
  deliveryReceipts: number
  readReceipts: number
}

/** A phone: device 0 of an account, with its own keys, sessions and habits. */
export interface Handset extends Device {
  readonly signal: Signal
  readonly inbox: Inbox
  readonly settings: HandsetSettings
  readonly counts: HandsetCounts
  readonly writer: Writer
  /** Loses all sessions and sender keys, as a phone set up anew. */
  forget(): void
  /** First peer messages to a newly linked device. */
  greet(line: Line): void
}

export const DEFAULT_SETTINGS: HandsetSettings = {
  reply: "silent",
  replyText: "ok",
  replyDelayMs: 0,
  deliver: true,
  read: false,
  receiptDelayMs: 0,
  addressing: "pn",
}

export function createHandset(world: World, account: Account): Handset {
  const signal = createSignal(account.phone)
  const senderKeys = createSenderKeys(account.phone)
  const counts: HandsetCounts = {
    texts: 0,
    repeats: 0,
    ownCopies: 0,
    others: 0,
    undecryptable: 0,
    retriesAsked: 0,
    retriesAnswered: 0,
    sent: 0,
    deliveryReceipts: 0,
    readReceipts: 0,
  }
  const settings = { ...DEFAULT_SETTINGS }
  const inbox = createInbox()
  const parts = { world, account, signal, senderKeys, counts, settings, inbox }
  const writer = createWriter(parts)
  const read = createReader({ ...parts, writer })
  let chain: Promise<void> = Promise.resolve()

  return {
    account,
    id: 0,
    signal,
    inbox,
    settings,
    counts,
    writer,
    bundle: () => signal.bundle(),
    receive(stanza) {
      // One after the other, in the order of arrival: ratchets and tests depend on it.
      chain = chain
        .then(() => read(stanza))
        .catch((error: unknown) => {
          world.journal.protocolErrors++
          world.journal.note("phone-fault", account.phone, String(error))
        })
    },
    forget() {
      signal.forget()
      senderKeys.forget()
    },
    greet: (line) => writer.greet(line),
  }
}

/** What the reading and the writing half of a phone share. */
export interface HandsetParts {
  readonly world: World
  readonly account: Account
  readonly signal: Signal
  readonly senderKeys: ReturnType<typeof createSenderKeys>
  readonly counts: HandsetCounts
  readonly settings: HandsetSettings
  readonly inbox: Inbox
}
