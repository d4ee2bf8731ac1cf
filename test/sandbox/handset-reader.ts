import type { proto } from "@whiskeysockets/baileys/WAProto/index.js"
import { bigEndian, bytesOf, children, el, seconds, type Node } from "./binary.ts"
import { boundedMap } from "./bounded.ts"
import { textOf, unpack } from "./content.ts"
import type { HandsetParts } from "./handset.ts"
import type { Writer } from "./handset-writer.ts"
import { addressingOf, isGroup, parseJid } from "./jid.ts"
import { keyNodes } from "./prekeys.ts"
import { relayReceipt } from "./relay.ts"
import { accountOf, deviceOf, jidOf, type Account } from "./world.ts"

const MAX_RETRIES = 5
const RETRIES_KEPT = 10_000

interface Envelope {
  readonly node: Node
  readonly id: string
  readonly author: Account
  readonly authorJid: string
  readonly device: number
  /** Of the author, as sessions are kept. */
  readonly address: string
  readonly group: string | undefined
}

/** The reading half of a phone: takes a stanza, notes what it could read, confirms it, answers it. */
export function createReader(parts: HandsetParts & { writer: Writer }): (stanza: Node) => Promise<void> {
  const { world, account, signal, senderKeys, counts, settings, inbox, writer } = parts
  const retries = boundedMap<string, number>(RETRIES_KEPT)
  const self = deviceOf.bind(undefined, world, jidOf(account, "pn"))

  const decrypt = async (envelope: Envelope): Promise<proto.IMessage> => {
    const parts: proto.IMessage[] = []
    for (const enc of children(envelope.node, "enc")) {
      const body = bytesOf(enc) ?? Buffer.alloc(0)
      const type = enc.attrs.type ?? ""
      const plain =
        type === "skmsg"
          ? await senderKeys.decrypt(envelope.group ?? "", envelope.address, body)
          : await signal.decrypt(envelope.address, type, body)
      const part = unpack(plain)
      const inner = part.deviceSentMessage?.message ?? part
      const distribution = inner.senderKeyDistributionMessage
      if (distribution?.axolotlSenderKeyDistributionMessage && distribution.groupId) {
        await senderKeys.learn(distribution.groupId, envelope.address, distribution.axolotlSenderKeyDistributionMessage)
      }
      parts.push(part)
    }
    return Object.assign({}, ...parts) as proto.IMessage
  }

  const receipt = (envelope: Envelope, type: string | undefined): void => {
    const from = self()
    if (!from) return
    const attrs = { id: envelope.id, type, t: seconds() }
    const to = envelope.group ?? envelope.node.attrs.from
    const participant = envelope.group === undefined ? undefined : envelope.authorJid
    relayReceipt(world, from, el("receipt", { ...attrs, to, participant }))
  }
  const confirm = (envelope: Envelope): void => {
    if (settings.deliver) receipt(envelope, undefined)
    if (settings.read) receipt(envelope, "read")
  }

  const askAgain = (envelope: Envelope, error: unknown): void => {
    const from = self()
    const key = `${envelope.id} ${envelope.address}`
    const count = (retries.get(key) ?? 0) + 1
    if (!from || count > MAX_RETRIES) return
    retries.set(key, count)
    counts.retriesAsked++
    const { node, id } = envelope
    const content = [
      el("retry", { count, id, t: node.attrs.t, v: 1 }),
      el("registration", {}, bigEndian(signal.registrationId, 4)),
    ]
    // Keys are sent along when the session itself is at fault, as phones do.
    if (count > 1 || !signal.hasSession(envelope.address)) content.push(el("keys", {}, keyNodes(signal.bundle())))
    const attrs = {
      id,
      type: "retry",
      t: seconds(),
      to: envelope.group ?? node.attrs.from,
      participant: envelope.group === undefined ? undefined : envelope.authorJid,
      recipient: node.attrs.recipient,
    }
    world.journal.note("undecryptable", account.phone, `${id} from ${envelope.address}: ${String(error)}`)
    relayReceipt(world, from, el("receipt", attrs, content))
  }

  const answer = (envelope: Envelope, text: string): void => {
    if (settings.reply === "silent" || envelope.group !== undefined) return
    const addressing = addressingOf(envelope.authorJid)
    const words = settings.reply === "echo" ? text : settings.replyText
    const reply = (): void => {
      writer.send({ to: jidOf(envelope.author, addressing), text: words }).catch((error: unknown) => {
        world.journal.note("phone-fault", account.phone, `reply: ${String(error)}`)
      })
    }
    if (settings.replyDelayMs > 0) setTimeout(reply, settings.replyDelayMs).unref()
    else reply()
  }

  const note = (envelope: Envelope, message: proto.IMessage): void => {
    const copy = message.deviceSentMessage
    const own = envelope.author === account
    const text = textOf(copy?.message ?? message)
    if (text === undefined) {
      counts.others++
      return
    }
    const chat = envelope.group ?? copy?.destinationJid ?? jidOf(envelope.author, "pn")
    const before = inbox.total
    inbox.add({
      id: envelope.id,
      from: envelope.author.phone,
      chat: isGroup(chat) ? chat : (accountOf(world, chat)?.phone ?? parseJid(chat).user),
      text,
      own,
      addressing: addressingOf(envelope.authorJid),
    })
    world.watch.changed()
    const sent = envelope.device === 0 ? undefined : envelope.author.stats.sent.get(envelope.id)
    if (sent) sent.text = text
    if (inbox.total === before) counts.repeats++
    else if (own) counts.ownCopies++
    else counts.texts++
    if (own || inbox.total === before) return
    answer(envelope, text)
  }

  const onMessage = async (node: Node): Promise<void> => {
    const envelope = open(node)
    if (!envelope) return
    let message: proto.IMessage
    try {
      message = await decrypt(envelope)
    } catch (error) {
      // A message that was read before cannot be read again: its key is used up.
      if (inbox.repeat(envelope.author.phone, envelope.id)) {
        counts.repeats++
        return confirm(envelope)
      }
      counts.undecryptable++
      return askAgain(envelope, error)
    }
    note(envelope, message)
    if (envelope.author === account) return
    if (settings.receiptDelayMs > 0) setTimeout(() => confirm(envelope), settings.receiptDelayMs).unref()
    else confirm(envelope)
  }

  const open = (node: Node): Envelope | undefined => {
    const { from = "", participant, id = "" } = node.attrs
    const authorJid = participant ?? from
    const author = accountOf(world, authorJid)
    if (!author) return undefined
    const { device } = parseJid(authorJid)
    const group = isGroup(from) ? from : undefined
    return { node, id, author, authorJid, device, address: `${author.phone}:${device}`, group }
  }

  return async (stanza) => {
    if (stanza.tag === "message") return onMessage(stanza)
    if (stanza.tag === "receipt") return writer.receipt(stanza)
  }
}
