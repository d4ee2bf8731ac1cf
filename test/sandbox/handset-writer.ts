import { randomBytes } from "node:crypto"
import type { proto } from "@whiskeysockets/baileys/WAProto/index.js"
import { child, children, el, seconds, type Node } from "./binary.ts"
import { boundedMap } from "./bounded.ts"
import { greetings, type MessageKind, messageOf, pack } from "./content.ts"
import type { HandsetParts } from "./handset.ts"
import { addressingOf, isGroup, type Addressing } from "./jid.ts"
import type { Line } from "./line.ts"
import { deliverMessage } from "./relay.ts"
import { accountOf, deviceOf, devicesOf, jidOf, type Account, type Device } from "./world.ts"

export interface OutgoingText {
  /** Digits of a phone number, or a JID: `…@s.whatsapp.net`, `…@lid`, `…@g.us`. */
  readonly to: string
  readonly text: string
  /** The message id; made when left out. */
  readonly id?: string | undefined
  /** Default: a text. */
  readonly kind?: MessageKind | undefined
}

/** A message that this phone sent, and who confirmed it: `number` for a phone, `number:device` for a linked device. */
export interface SentByPhone {
  readonly id: string
  readonly to: string
  readonly text: string
  readonly at: number
  readonly delivered: string[]
  readonly read: string[]
  retries: number
}

/** The writing half of a phone. */
export interface Writer {
  /** Rejects when the recipient is not on WhatsApp. */
  send(text: OutgoingText): Promise<SentByPhone>
  sent(id: string): SentByPhone | undefined
  greet(line: Line): void
  receipt(stanza: Node): Promise<void>
}

interface Sent {
  readonly view: SentByPhone
  readonly message: proto.IMessage
  readonly chat: string
}

const SENT_KEPT = 20_000

export function createWriter(parts: HandsetParts): Writer {
  const { world, account, signal, senderKeys, counts, settings, inbox } = parts
  const outbox = boundedMap<string, Sent>(SENT_KEPT)
  const sharedWith = new Map<string, Set<string>>()
  let chain: Promise<unknown> = Promise.resolve()

  const own = (): Device => account.handset
  const addressOf = (device: Device): string => `${device.account.phone}:${device.id}`

  const encrypt = async (device: Device, message: proto.IMessage, fresh = false): Promise<Node> => {
    const address = addressOf(device)
    if (fresh || !signal.hasSession(address)) await signal.startSession(address, device.bundle())
    const { type, body } = await signal.encrypt(address, pack(message))
    return el("enc", { v: 2, type }, body)
  }
  const others = (accounts: Iterable<Account>): Device[] =>
    [...new Set(accounts)].flatMap(devicesOf).filter((device) => device !== own())

  const toPerson = async (chat: string, person: Account, id: string, message: proto.IMessage): Promise<void> => {
    const addressing = addressingOf(chat)
    const copy: proto.IMessage = { deviceSentMessage: { destinationJid: chat, message } }
    const recipients: Node[] = []
    for (const device of others([person, account])) {
      const enc = await encrypt(device, device.account === account ? copy : message)
      recipients.push(el("to", { jid: jidOf(device.account, addressing, device.id) }, [enc]))
    }
    const attrs = { id, to: chat, type: "text", t: seconds() }
    deliverMessage(world, own(), el("message", attrs, [el("participants", {}, recipients)]))
  }

  const toGroup = async (chat: string, id: string, message: proto.IMessage): Promise<void> => {
    const group = world.groups.get(chat)
    if (!group?.members.has(account)) throw new Error("not in this group")
    const { body, distribution } = await senderKeys.encrypt(chat, pack(message))
    const known = sharedWith.get(chat) ?? new Set<string>()
    sharedWith.set(chat, known)
    const share = { groupId: chat, axolotlSenderKeyDistributionMessage: distribution }
    const recipients: Node[] = []
    for (const device of others(group.members)) {
      const address = addressOf(device)
      if (known.has(address)) continue
      known.add(address)
      const enc = await encrypt(device, { senderKeyDistributionMessage: share })
      recipients.push(el("to", { jid: jidOf(device.account, group.addressing, device.id) }, [enc]))
    }
    const content = recipients.length > 0 ? [el("participants", {}, recipients)] : []
    content.push(el("enc", { v: 2, type: "skmsg" }, body))
    deliverMessage(world, own(), el("message", { id, to: chat, type: "text", t: seconds() }, content))
  }

  const send = async ({ to, text, id = makeId(), kind = "text" }: OutgoingText): Promise<SentByPhone> => {
    const chat = fullJid(to, settings.addressing)
    const message = messageOf(kind, text)
    const view: SentByPhone = { id, to, text, at: Date.now(), delivered: [], read: [], retries: 0 }
    outbox.set(id, { view, message, chat })
    if (isGroup(chat)) {
      await toGroup(chat, id, message)
    } else {
      const person = accountOf(world, chat)
      if (!person?.registered) throw new Error(`${to} is not on WhatsApp`)
      await toPerson(chat, person, id, message)
    }
    counts.sent++
    return view
  }

  /** A bare number becomes the address the phone prefers; what is a JID already stays. */
  const fullJid = (to: string, addressing: Addressing): string => {
    if (to.includes("@")) return to
    const person = world.accounts.get(to.replace(/\D/g, ""))
    if (!person) throw new Error(`${to} is not on WhatsApp`)
    return jidOf(person, addressing)
  }

  /** Encrypts a message once more for the one device that could not read it, in a new session. */
  const sendAgain = async (device: Device, id: string): Promise<void> => {
    const sent = outbox.get(id)
    if (!sent) return
    sent.view.retries++
    counts.retriesAnswered++
    const { chat } = sent
    const mine = device.account === account
    const message = mine ? { deviceSentMessage: { destinationJid: chat, message: sent.message } } : sent.message
    const enc = await encrypt(device, message, true)
    if (isGroup(chat)) sharedWith.get(chat)?.delete(addressOf(device))
    const addressing = isGroup(chat) ? (world.groups.get(chat)?.addressing ?? "pn") : addressingOf(chat)
    const jid = jidOf(device.account, addressing, device.id)
    const target = isGroup(chat) ? { to: chat, participant: jid } : { to: jid, recipient: mine ? chat : undefined }
    const attrs = { id, type: "text", t: seconds(), device_fanout: "false", ...target }
    deliverMessage(world, own(), el("message", attrs, [enc]))
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = chain.then(work)
    chain = result.catch(() => undefined)
    return result
  }

  return {
    send: (text) => inTurn(() => send(text)),
    sent: (id) => outbox.get(id)?.view,
    greet(line) {
      void inTurn(async () => {
        for (const message of greetings()) {
          const enc = await encrypt(line, message)
          const attrs = {
            id: makeId(),
            to: jidOf(account, "pn", line.id),
            type: "text",
            category: "peer",
            t: seconds(),
          }
          deliverMessage(world, own(), el("message", attrs, [enc]))
        }
      }).catch((error: unknown) => world.journal.note("phone-fault", account.phone, `greeting: ${String(error)}`))
    },
    async receipt(stanza) {
      const jid = stanza.attrs.participant ?? stanza.attrs.from ?? ""
      const device = deviceOf(world, jid)
      if (!device) return
      if (stanza.attrs.type === "retry") return inTurn(() => sendAgain(device, stanza.attrs.id ?? ""))
      const items = children(child(stanza, "list"), "item").map((item) => item.attrs.id)
      for (const id of [stanza.attrs.id, ...items]) {
        const sent = outbox.get(id ?? "")?.view
        const list = stanza.attrs.type === "read" ? sent?.read : sent?.delivered
        const who = device.id === 0 ? device.account.phone : addressOf(device)
        if (list && !list.includes(who)) list.push(who)
      }
      if (stanza.attrs.type === "read") counts.readReceipts++
      else counts.deliveryReceipts++
      inbox.watch.changed()
    },
  }
}

function makeId(): string {
  return `3A${randomBytes(9).toString("hex").toUpperCase()}`
}
