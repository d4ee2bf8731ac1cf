import { child, children, el, seconds, type Node } from "./binary.ts"
import { addressingOf, isGroup, type Addressing } from "./jid.ts"
import { messageKey, stanzaKey, type Line } from "./line.ts"
import { noteSent } from "./stats.ts"
import { accountOf, deviceOf, devicesOf, jidOf, type Account, type Device, type World } from "./world.ts"

const NOT_FOUND = 404
const FORBIDDEN = 403

/** Takes a message stanza of a linked client: acknowledges and delivers it, unless a fault says otherwise. */
export function messageFromLine(world: World, line: Line, node: Node): void {
  const { stats, phone } = line.account
  const { id = "", to = "" } = node.attrs
  const resend = node.attrs.device_fanout === "false" || node.attrs.participant !== undefined
  const record = resend || node.attrs.category === "peer" ? undefined : noteSent(stats, id, to)
  const ack = (error?: number): void => {
    if (error === undefined) stats.acks++
    else stats.refused++
    if (record && error === undefined) record.acked = true
    else if (record) record.refused = true
    line.connection?.send(el("ack", { class: "message", id, from: to, t: seconds(), error }))
    world.watch.changed()
  }
  const refused = world.faults.take("refuse-message", phone)
  if (refused) return ack(refused.code ?? 463)
  if (!world.faults.take("lose-message", phone)) {
    const error = deliverMessage(world, line, node)
    if (error !== undefined) return ack(error)
  }
  if (world.faults.take("missing-ack", phone)) {
    stats.withheldAcks++
    world.watch.changed()
    return
  }
  const slow = world.faults.take("slow-ack", phone)
  if (slow) setTimeout(ack, slow.ms ?? 1000).unref()
  else ack()
}

/** Hands a message to every device it is meant for; gives an error code when nobody is there. */
export function deliverMessage(world: World, from: Device, node: Node): number | undefined {
  const to = node.attrs.to ?? ""
  return isGroup(to) ? deliverToGroup(world, from, node) : deliverToPeople(world, from, node, to)
}

function deliverToPeople(world: World, from: Device, node: Node, to: string): number | undefined {
  const chat = node.attrs.recipient ?? to
  if (accountOf(world, to)?.registered !== true) return NOT_FOUND
  const identity = child(node, "device-identity")
  for (const { jid, enc } of addressed(node, to)) {
    const device = deviceOf(world, jid)
    if (!device || device === from) continue
    const own = device.account === from.account
    const peer = node.attrs.category === "peer"
    const attrs = {
      ...envelope(from, node, addressingOf(chat), "from", "sender"),
      recipient: own && !peer ? chat : undefined,
      category: node.attrs.category,
    }
    hand(world, from.account, device, el("message", attrs, identity ? [...enc, identity] : enc))
  }
  return undefined
}

function deliverToGroup(world: World, from: Device, node: Node): number | undefined {
  const group = world.groups.get(node.attrs.to ?? "")
  if (!group) return NOT_FOUND
  if (!group.members.has(from.account)) return FORBIDDEN
  const attrs = {
    ...envelope(from, node, group.addressing, "participant", "participant"),
    from: group.jid,
    addressing_mode: group.addressing,
  }
  const identity = child(node, "device-identity")
  const only = node.attrs.participant
  const shared = children(node, "enc")
  if (only !== undefined) {
    const device = deviceOf(world, only)
    if (device) hand(world, from.account, device, el("message", attrs, identity ? [...shared, identity] : shared))
    return undefined
  }
  const single = new Map<Device, Node[]>()
  for (const { jid, enc } of addressed(node, "")) {
    const device = deviceOf(world, jid)
    if (device) single.set(device, enc)
  }
  for (const member of group.members) {
    for (const device of devicesOf(member)) {
      if (device === from) continue
      const own = single.get(device) ?? []
      const content = own.length > 0 && identity ? [...own, ...shared, identity] : [...own, ...shared]
      hand(world, from.account, device, el("message", attrs, content))
    }
  }
  return undefined
}

/** Who a stanza is encrypted for: a list of devices, or one when the ciphertext stands alone. */
function addressed(node: Node, to: string): { jid: string; enc: Node[] }[] {
  const list = children(child(node, "participants"), "to")
  if (list.length > 0) return list.map((item) => ({ jid: item.attrs.jid ?? "", enc: children(item, "enc") }))
  const enc = children(node, "enc")
  return enc.length > 0 && to !== "" ? [{ jid: to, enc }] : []
}

/** Attributes of an inbound message: the sender in the chat's addressing, and the other one beside it. */
function envelope(from: Device, node: Node, addressing: Addressing, sender: string, prefix: string) {
  const { account } = from
  const other = addressing === "lid" ? "pn" : "lid"
  return {
    id: node.attrs.id,
    type: node.attrs.type ?? "text",
    t: node.attrs.t ?? seconds(),
    notify: account.name,
    [sender]: jidOf(account, addressing, from.id),
    [`${prefix}_${other}`]: jidOf(account, other),
  }
}

function hand(world: World, author: Account, device: Device, node: Node): void {
  const key = messageKey(node.attrs.id ?? "", author)
  const broken = device.id !== 0 && world.faults.take("garble", device.account.phone)
  device.receive(broken ? garbled(node) : node, key)
}

/** The same message with a bit of each ciphertext turned over, where its MAC or signature is. */
function garbled(node: Node): Node {
  const content = children(node).map((item) => {
    if (item.tag !== "enc" || !(item.content instanceof Uint8Array)) return item
    const body = Buffer.from(item.content)
    // A first message carries a few bytes of key numbers behind its MAC.
    const at = body.length - (item.attrs.type === "pkmsg" ? 20 : 1)
    body.writeUInt8(body.readUInt8(at) ^ 1, at)
    return { ...item, content: body }
  })
  return { ...node, content }
}

/** Takes a receipt of a device and passes it on to the author of the message, if it is one for the author. */
export function relayReceipt(world: World, from: Device, node: Node): void {
  const { id, to = "", type, participant } = node.attrs
  if (type === "sender" || type === "hist_sync" || type === "peer_msg" || type === "read-self") return
  const author = accountOf(world, participant ?? to)
  if (!author || (author === from.account && type !== "retry")) return
  const group = isGroup(to)
  const addressing = addressingOf(participant ?? to)
  const self = jidOf(from.account, addressing, from.id)
  const attrs = {
    id,
    from: group ? to : self,
    participant: group ? self : undefined,
    type: type === "inactive" ? undefined : type,
    t: node.attrs.t ?? seconds(),
    recipient: type === "retry" ? node.attrs.recipient : undefined,
  }
  const receipt = el("receipt", attrs, Array.isArray(node.content) ? node.content : undefined)
  const key = stanzaKey("receipt", receipt.attrs, receipt.attrs.from)
  if (type === "retry") deviceOf(world, participant ?? to)?.receive(receipt, key)
  else for (const device of devicesOf(author)) device.receive(receipt, key)
}

/** Receipts and acknowledgements of a client confirm what was delivered to it. */
export function confirmFromLine(world: World, line: Line, node: Node): void {
  const { account } = line
  const { stats } = account
  const { id = "", to = "", participant, type } = node.attrs
  if (node.tag === "ack" && node.attrs.class !== "message") {
    return line.confirm(stanzaKey(node.attrs.class ?? "", node.attrs, to))
  }
  const own = type === "sender" || type === "peer_msg" || type === "hist_sync"
  const author = own ? account : accountOf(world, participant ?? to)
  const key = messageKey(id, author)
  if (node.tag === "ack") {
    if (node.attrs.error === undefined) return line.confirm(key)
    stats.nacks++
    return line.giveUp(key)
  }
  if (type === "retry") line.askAgain(key)
  else line.confirm(key)
  if (type === "retry") stats.retriesAsked++
  else if (type === "read") stats.readsFromLine++
  else stats.receiptsFromLine++
  line.connection?.send(el("ack", { class: "receipt", id, from: to, participant, type }))
  relayReceipt(world, line, node)
  world.watch.changed()
}
