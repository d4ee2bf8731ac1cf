import { type Chat, type Chats } from "./message/chats.ts"
import type { Clock } from "./clock.ts"
import { isErased } from "./company/guard.ts"
import { appError, toError } from "./errors.ts"
import type { Events } from "./events.ts"
import type { Hooks, RefusalBy } from "./hooks.ts"
import type { Ids } from "./message/ids.ts"
import type { Ledger, Op } from "./ledger.ts"
import type { Logger } from "./log.ts"
import { type MessageRow, type Messages, messageJson, moveForward, plain } from "./message/messages.ts"
import type { ChatRef, InboundMessage, Intake } from "./provider.ts"
import { createReceipts, type Receipts } from "./message/receipts.ts"
import type { Sequence } from "./message/sequence.ts"
import { createTrail } from "./message/trail.ts"
import type { Settlement } from "./message/settle.ts"
import { count } from "./monitor/totals.ts"
import { encodeRecord } from "./records/values.ts"
import type { PersonOnTheLine } from "./stages.ts"
import type { Draft, Recipient } from "./types.ts"

export interface Inbound {
  intake(company: string): Intake
  /** Resolves when nothing of the company is being stored. */
  drained(company: string): Promise<unknown>
  /** Gives up on ledgers that fail: what is still waiting is rejected, and WhatsApp delivers it again. */
  stop(): void
}

export interface InboundDeps {
  readonly ledger: Ledger
  readonly messages: Messages
  readonly chats: Chats
  readonly settlement: Settlement
  readonly events: Events
  readonly hooks: Hooks
  readonly ids: Ids
  readonly clock: Clock
  readonly sequence: Sequence
  readonly log: Logger
  readonly onActivity: (company: string) => void
}

/** Messages that were dropped and counted; nothing of them but their ids. */
export const DROPPED_TABLE = "dropped"
const DROPPED_KEPT_MS = 7 * 24 * 60 * 60 * 1000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000
/** Wire ids as WhatsApp's clients make them; others are kept as a hash. */
const PLAIN_ID = /^[A-Za-z0-9._:+/=-]{1,128}$/

export function createInbound(deps: InboundDeps): Inbound {
  const { messages, chats, events, hooks, ids, clock, log } = deps
  const trail = createTrail(log)
  const stopped = new AbortController()
  const receipts: Receipts = createReceipts(deps)
  /** The last thing under way in each chat that has something under way. */
  const tails = new Map<string, Promise<void>>()

  /** One after another within a chat. */
  const inOrder = (company: string, chat: ChatRef, task: () => Promise<void>): Promise<void> => {
    const lane = `${company}\n${chat.kind === "group" ? chat.group : (chat.lid ?? chat.phone)}`
    const done = (tails.get(lane) ?? Promise.resolve()).then(task, task).finally(() => {
      if (tails.get(lane) === done) tails.delete(lane)
    })
    tails.set(lane, done)
    return done
  }

  /**
   * Tries until it is done: what WhatsApp is told to have arrived must be stored. Rejects only when the house stops, or
   * the company has been erased.
   */
  const insist = async (company: string, task: () => Promise<void>): Promise<void> => {
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(LAST_RETRY_MS, delay * 2)) {
      if (stopped.signal.aborted) throw appError("SHUTTING_DOWN")
      try {
        return await task()
      } catch (thrown) {
        if (isErased(thrown)) throw thrown
        log.warn({ company, error: toError(thrown).message }, "Something received cannot be stored yet; trying again")
        // Ends early only when the house stops, which the loop sees.
        await clock.sleep(delay, stopped.signal).catch(() => undefined)
      }
    }
  }

  const receive = async (company: string, message: InboundMessage): Promise<void> => {
    const chat = await chats.resolve(company, message.chat)
    // Without a trail nobody asks for it here.
    const messageId = trail.on ? ids.received(chat.id, sideOf(message), message.wireId) : ""
    trail.heard(company, messageId)
    if (await known(company, chat, message)) return trail.dropped(company, messageId, "known")
    const blocked = await block(company, chat, message)
    if (blocked !== undefined && blocked.error.code !== "PLUGIN_FAULT") {
      await noteDropped(company, message)
      trail.dropped(company, messageId, blocked)
      const { plugin, error } = blocked
      return hooks.observe("message:rejected", { company, plugin, code: error.code })
    }
    await store(company, message, blocked)
  }

  /** Counts it once, however often WhatsApp delivers it. */
  const noteDropped = (company: string, { chat, sender, wireId }: InboundMessage): Promise<unknown> => {
    // A chat of which nothing is stored has no lasting id; a number together with a wire id cannot be guessed.
    const where = chat.kind === "group" ? chat.group : ""
    const key = ids.digest([where, sender.lid ?? sender.phone, wireId].join("\n"))
    const due = clock.now() + DROPPED_KEPT_MS
    const seen: Op = { op: "putIfAbsent", table: DROPPED_TABLE, key, value: encodeRecord(true), due }
    return events.commit(company, [seen, count("blocked")], [])
  }

  const sideOf = ({ fromMe }: InboundMessage): "me" | "them" => (fromMe ? "me" : "them")
  const wireIdOf = ({ wireId }: InboundMessage): string =>
    PLAIN_ID.test(wireId) ? wireId : `sha256:${ids.digest(wireId)}`

  /** Seen before, under whichever of the ids its chat has had; or one of ours that comes back. */
  const known = async (company: string, chat: Chat, message: InboundMessage): Promise<boolean> => {
    const keys = [chat.id, ...chat.members].map((id) => ids.received(id, sideOf(message), message.wireId))
    if (message.fromMe) keys.push(wireIdOf(message))
    // A new id in a chat with one name is found out by the commit itself.
    if (keys.length === 1) return false
    return (await messages.get(company, keys)).some(
      (found) => found?.row.direction === (message.fromMe ? "outbound" : "inbound"),
    )
  }

  const block = async (company: string, chat: Chat, message: InboundMessage): Promise<RefusalBy | undefined> => {
    if (message.fromMe || !hooks.has("message:block")) return undefined
    const person = await senderOf(company, chat, message)
    return hooks.guard("message:block", { company, direction: "inbound", person, message: draftOf(chat, message) })
  }

  /** By every name there is: as the message tells, and as was learnt before. */
  const senderOf = async (company: string, chat: Chat, { sender }: InboundMessage): Promise<PersonOnTheLine> => {
    const { phone, lid } = sender
    if (chat.group === null) return { phone: phone ?? chat.phone, lid: lid ?? chat.lid, group: null }
    return {
      phone: phone ?? (lid === null ? null : await chats.phoneOf(company, lid)),
      lid: lid ?? (phone === null ? null : await chats.lidOf(company, phone)),
      group: chat.group,
    }
  }

  const store = async (company: string, message: InboundMessage, held: RefusalBy | undefined): Promise<void> => {
    const early = message.fromMe ? await receipts.early(company, message) : undefined
    let stored: MessageRow | undefined
    const { result } = await chats.commit(company, message.chat, (chat) => {
      const first = rowOf(company, chat, message, held)
      const row = early?.reduce((at, move) => moveForward(at, move).row, first) ?? first
      stored = row
      const ops: Op[] = [{ op: "putIfAbsent", ...messages.place(row) }]
      if (!message.fromMe) {
        ops.push(count("received"))
        if (message.attachment !== undefined) ops.push(count("mediaReceived"))
      }
      if (message.content.type === "unsupported") ops.push(messages.placeWire(row.messageId, message.wire))
      if (early !== undefined) ops.push(receipts.forget(company, message))
      const type = message.fromMe ? "message.sent" : "message.received"
      // Held: whoever would have to judge it could not, so it is kept and shown to nobody but its own list.
      return { ops, drafts: held === undefined ? [events.draft(type, messageJson(row))] : [], opens: true }
    })
    // The first operation asks whether it is new; any other that fails has met another write, and is tried again.
    if (!result.ok && result.op > 0) throw new Error("The chat keeps changing")
    if (stored === undefined) return
    if (!result.ok) return trail.dropped(company, stored.messageId, "known")
    trail.stored(stored)
    if (held !== undefined) return
    deps.onActivity(company)
    hooks.observe(message.fromMe ? "message:sent" : "message:received", { message: plain(stored) })
  }

  const rowOf = (company: string, chat: Chat, message: InboundMessage, held: RefusalBy | undefined): MessageRow => {
    const now = clock.now()
    const { fromMe, content, sender } = message
    const person =
      chat.group === null ? { phone: chat.phone, lid: chat.lid } : fromMe ? { phone: null, lid: null } : sender
    return {
      messageId: ids.received(chat.id, sideOf(message), message.wireId),
      providerMessageId: wireIdOf(message),
      companyId: company,
      chatId: chat.id,
      direction: fromMe ? "outbound" : "inbound",
      origin: fromMe ? "phone" : "contact",
      phone: person.phone,
      lid: person.lid,
      group: chat.group,
      type: content.type,
      message: content.type === "text" ? content.text : null,
      status: fromMe ? "sent" : "received",
      times: fromMe ? { sent: message.at } : { sent: message.at, received: now },
      error:
        held === undefined
          ? null
          : { code: held.error.code, message: "Held: a plugin failed on it", details: { plugin: held.plugin } },
      order: deps.sequence.next(),
      outbox: null,
      expiresAt: null,
      requestId: null,
    }
  }

  return {
    intake: (company) => ({
      message: (message) => inOrder(company, message.chat, () => insist(company, () => receive(company, message))),
      receipt: (update) => inOrder(company, update.chat, () => insist(company, () => receipts.apply(company, update))),
    }),
    drained: (company) =>
      Promise.allSettled([...tails].flatMap(([lane, tail]) => (lane.startsWith(`${company}\n`) ? [tail] : []))),
    stop: () => stopped.abort(),
  }
}

function draftOf(chat: Chat, { content, sender }: InboundMessage): Draft {
  const phone = chat.phone ?? sender.phone
  const lid = chat.lid ?? sender.lid
  let to: Recipient = { kind: "phone", phone: phone ?? "" }
  if (chat.group !== null) to = { kind: "group", group: chat.group }
  else if (phone === null && lid !== null) to = { kind: "lid", lid }
  return { to, content }
}
