import type { BinaryNode } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"
import type { ChatRef, InboundMessage, Intake, PersonRef } from "../../../core/provider.ts"
import { attachmentOf, contentOf, openPlaintext, type Opened } from "./content.ts"
import type { Endurance } from "./endurance.ts"
import { isGroupId } from "./jid.ts"
import type { Library } from "./load-baileys.ts"
import type { People } from "./people.ts"
import type { Journal } from "./signal/sessions.ts"

export interface Receiver {
  /**
   * Remembers which stanza a ciphertext came in, and puts it behind those that came before; to be called before the library
   * sees the stanza.
   */
  note(stanza: BinaryNode): void
  /** Keeps what a person sent, before the library acknowledges it to WhatsApp. */
  readonly journal: Journal
}

export interface ReceiverOptions {
  readonly library: Library
  readonly people: People
  readonly intake: Intake
  readonly endurance: Endurance
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Baileys (7.0.0-rc14) handles stanzas with the attribute `offline` one after the other, and any other at once. A message
 * that overtakes a backlog moves the ratchet on under it, and of five chains the oldest is forgotten: what is left of the
 * backlog cannot be read any more. So every message waits its turn.
 */
const IN_TURN = "in turn"

export function createReceiver(options: ReceiverOptions): Receiver {
  const { library, people, intake, endurance, clock, log } = options
  // By the identity of the bytes: Baileys hands the very object on to the Signal repository.
  const stanzas = new WeakMap<Uint8Array, BinaryNode>()

  function opened(plaintext: Uint8Array): Opened | undefined {
    try {
      return openPlaintext(library, plaintext)
    } catch (thrown) {
      // The library meets the same fault right after and asks the sender again.
      log.warn({ error: toError(thrown).message }, "a decrypted message could not be read")
      return undefined
    }
  }
  async function parties(attrs: BinaryNode["attrs"], sentTo: string | undefined): Promise<Parties | undefined> {
    const { from, participant, recipient } = attrs
    const author = participant ?? from
    const fromMe = people.isOwn(author)
    const sender = fromMe
      ? people.own()
      : await people.person(
          author,
          participant === undefined ? attrs["sender_pn"] : attrs["participant_pn"],
          participant === undefined ? attrs["sender_lid"] : attrs["participant_lid"],
        )
    if (!sender) return undefined
    if (from !== undefined && isGroupId(from)) return { chat: { kind: "group", group: from }, sender, fromMe }
    if (!fromMe) return { chat: { kind: "person", ...sender }, sender, fromMe }
    const to = recipient ?? sentTo
    if (to !== undefined && isGroupId(to)) return { chat: { kind: "group", group: to }, sender, fromMe }
    const other = await people.person(
      to,
      attrs["recipient_pn"] ?? attrs["peer_recipient_pn"],
      attrs["recipient_lid"] ?? attrs["peer_recipient_lid"],
    )
    return other && { chat: { kind: "person", ...other }, sender, fromMe }
  }
  async function toInbound(stanza: BinaryNode, plaintext: Uint8Array): Promise<InboundMessage | undefined> {
    const { attrs } = stanza
    if (attrs["category"] === "peer" || attrs["id"] === undefined) return undefined
    const found = opened(plaintext)
    const content = found && contentOf(library, found.message)
    if (!found || !content) return undefined
    const who = await parties(attrs, found.sentTo)
    if (!who) return undefined
    const attachment = attachmentOf(library, found.message)
    const seconds = Number(attrs["t"])
    return {
      ...who,
      wireId: attrs["id"],
      at: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : clock.now(),
      pushName: attrs["notify"] ?? null,
      content,
      ...(attachment === undefined ? {} : { attachment }),
      wire: found.wire,
      offline: attrs["offline"] !== IN_TURN,
    }
  }

  return {
    note(stanza) {
      stanza.attrs["offline"] ??= IN_TURN
      if (!Array.isArray(stanza.content)) return
      for (const { tag, content } of stanza.content) {
        if (tag === "enc" && content instanceof Uint8Array) stanzas.set(content, stanza)
      }
    },
    async journal(ciphertext, plaintext) {
      const stanza = stanzas.get(ciphertext)
      if (!stanza) return log.error({}, "a message was decrypted whose stanza is unknown")
      const message = await toInbound(stanza, plaintext)
      if (message) await endurance.run(() => intake.message(message))
    },
  }
}

interface Parties {
  readonly chat: ChatRef
  readonly sender: PersonRef
  readonly fromMe: boolean
}
