import { el, type Node } from "./binary.ts"
import type { Connection } from "./connection.ts"
import { SERVER } from "./jid.ts"
import { preKeysLow } from "./notifications.ts"
import type { Bundle } from "./signal.ts"
import type { Account, Device, World } from "./world.ts"

/** What a device tells about itself when it registers. */
export interface Registration {
  readonly noiseKey: Buffer
  readonly identity: Buffer
  readonly registrationId: number
  signedPreKey: Bundle["signedPreKey"]
}

/** A linked device of a company: its keys, its offline queue, and its connection while there is one. */
export interface Line extends Device {
  readonly registration: Registration
  readonly keyIndex: number
  readonly preKeys: Map<number, Buffer>
  /** Stanzas that it has not confirmed yet, by what confirms them. */
  readonly queue: Map<string, { readonly node: Node; sent: boolean }>
  connection: Connection | undefined
  /** It has asked for the app state, which it does once it has the first peer messages of its phone. */
  synced: boolean
  attach(connection: Connection): void
  detach(): void
  /** The client is ready: the offline queue goes out, and what comes from now on is live. */
  goLive(): void
  /** Sends what waits unsent, unless the queue is held. */
  flush(): void
  confirm(key: string): void
  /** The client could not read it and asks for it again. */
  askAgain(key: string): void
  /**
   * The client gives up on it. One that it has asked for again is given up after that, and by then what came again may
   * stand in the queue under the same key.
   */
  giveUp(key: string): void
}

const PRE_KEYS_LOW = 4
const MAX_GREETINGS = 3

export function createLine(world: World, account: Account, id: number, registration: Registration): Line {
  const { stats } = account
  const preKeys = new Map<number, Buffer>()
  const queue: Line["queue"] = new Map()
  const asked = new Set<string>()
  let live = false
  let greetings = 0

  const put = (node: Node, offline: boolean): boolean => {
    const sealed = offline ? { ...node, attrs: { ...node.attrs, offline: "1" } } : node
    if (!line.connection?.send(sealed)) return false
    if (node.tag === "message") {
      stats.delivered++
      if (offline) stats.deliveredOffline++
    }
    if (node.tag === "receipt") stats.receiptsToLine++
    return true
  }
  const sendUnsent = (offline: boolean): number => {
    if (world.faults.active("hold-queue", account.phone)) return 0
    let count = 0
    for (const entry of queue.values()) {
      if (entry.sent) continue
      entry.sent = put(entry.node, offline)
      if (entry.sent) count++
    }
    return count
  }
  const enqueue = (node: Node, key: string): void => {
    const entry = { node, sent: false }
    queue.set(key, entry)
    if (!live || world.faults.active("hold-queue", account.phone)) return
    entry.sent = put(node, false)
    if (node.tag === "message" && world.faults.take("duplicate", account.phone)) put(node, false)
  }

  const line: Line = {
    account,
    id,
    registration,
    keyIndex: id,
    preKeys,
    queue,
    connection: undefined,
    synced: false,
    receive(node, key) {
      if (node.tag !== "receipt") return enqueue(node, key)
      if (world.faults.take("drop-receipts", account.phone)) return
      const slow = world.faults.take("delay-receipts", account.phone)
      if (slow) setTimeout(() => enqueue(node, key), slow.ms ?? 1000).unref()
      else enqueue(node, key)
    },
    bundle() {
      const { identity, registrationId, signedPreKey } = registration
      const [first] = preKeys
      if (first === undefined) return { identity, registrationId, signedPreKey }
      preKeys.delete(first[0])
      stats.preKeysGiven++
      if (preKeys.size === PRE_KEYS_LOW) {
        const notice = preKeysLow(preKeys.size)
        enqueue(notice, stanzaKey(notice.tag, notice.attrs, notice.attrs.from))
      }
      return { identity, registrationId, signedPreKey, preKey: { id: first[0], public: first[1] } }
    },
    attach(connection) {
      line.connection = connection
      live = false
    },
    detach() {
      line.connection = undefined
      live = false
      asked.clear()
      for (const entry of queue.values()) entry.sent = false
    },
    goLive() {
      const { connection } = line
      if (!connection || live) return
      live = true
      connection.send(el("ib", { from: SERVER }, [el("offline_preview", { count: queue.size })]))
      const count = sendUnsent(true)
      connection.send(el("ib", { from: SERVER }, [el("offline", { count })]))
      // A client that was cut off before it had dealt with them would wait 20 s for them at its next login.
      if (line.synced || greetings >= MAX_GREETINGS) return
      greetings++
      account.handset.greet(line)
    },
    flush() {
      if (live) sendUnsent(false)
    },
    confirm(key) {
      queue.delete(key)
    },
    askAgain(key) {
      queue.delete(key)
      asked.add(key)
    },
    giveUp(key) {
      if (!asked.delete(key)) queue.delete(key)
    },
  }
  return line
}

/** What a client's receipt must name to confirm a message: its id and the account that wrote it. */
export function messageKey(id: string, author: Account | undefined): string {
  return `message ${id} ${author?.phone ?? ""}`
}

/** What a client's acknowledgement must name to confirm a receipt or a notification. */
export function stanzaKey(tag: string, attrs: Node["attrs"], from: string | undefined): string {
  return `${tag} ${attrs.id ?? ""} ${from ?? ""} ${attrs.participant ?? ""} ${attrs.type ?? ""}`
}
