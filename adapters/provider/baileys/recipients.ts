import type { WASocket } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import type { ChatRef } from "../../../core/provider.ts"
import type { Contact } from "../../../core/types.ts"
import { createBoundedMap } from "./bounded-map.ts"
import { addressOf, LID_SERVER, parseJid, PHONE_SERVER } from "./jid.ts"
import type { Library } from "./load-baileys.ts"
import type { People } from "./people.ts"
import type { LidMapping } from "./signal/lid-mapping.ts"

const MOST_KNOWN = 500
const KNOWN_FOR_MS = 60 * 60_000

/** Finds out where a message goes before anything is written, so that a failing look-up is known not to have sent it. */
export interface Recipients {
  /** The address, or undefined when nobody with that number is on WhatsApp. Rejects when WhatsApp does not say. */
  find(chat: ChatRef): Promise<string | undefined>
  /** The address alone, without asking for its devices. */
  locate(chat: ChatRef): Promise<string | undefined>
  /** Asks WhatsApp now, whatever is known from before. Undefined: nobody with that number is there. */
  ask(phone: string): Promise<Contact | undefined>
  /** The devices of the recipient are out of date. */
  forget(jid: string): void
}

export interface RecipientsOptions {
  readonly library: Library
  readonly sock: WASocket
  readonly lids: LidMapping
  readonly people: People
  readonly clock: Clock
  hasDevices(user: string): boolean
  forgetDevices(user: string): void
}

export function createRecipients(options: RecipientsOptions): Recipients {
  const { library, sock, lids, people, clock } = options
  /** Numbers found on WhatsApp, with the address WhatsApp gave, which may be spelt another way. */
  const found = createBoundedMap<string>({ max: MOST_KNOWN, maxAgeMs: KNOWN_FOR_MS, clock })
  const asking = new Map<string, Promise<unknown>>()

  // A hundred messages to one new contact ask once.
  function once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const running = asking.get(key)
    // The key names the question, so the answer has its type.
    if (running) return running as Promise<T>
    const question = ask().finally(() => asking.delete(key))
    asking.set(key, question)
    return question
  }
  async function lookUp(phone: string): Promise<Contact | undefined> {
    const query = new library.USyncQuery()
      .withContactProtocol()
      .withLIDProtocol()
      .withUser(new library.USyncUser().withPhone(`+${phone}`))
    const answer = await sock.executeUSyncQuery(query)
    if (!answer) throw new Error("WhatsApp did not answer whether the number is on WhatsApp")
    const entry = answer.list.find(({ contact }) => contact === true)
    if (!entry) return undefined
    if (typeof entry["lid"] === "string") await lids.storeLIDPNMappings([{ lid: entry["lid"], pn: entry.id }])
    found.set(phone, entry.id)
    const lid = typeof entry["lid"] === "string" ? parseJid(entry["lid"])?.user : await lids.lidUserOf(phone)
    return { address: entry.id, lid: lid ?? null }
  }
  /** For messages. A question beside them is never shared, since one that hangs has no deadline here. */
  const shared = (phone: string): Promise<Contact | undefined> => once(`phone ${phone}`, () => lookUp(phone))
  async function findPhone(phone: string, ask: typeof lookUp): Promise<string | undefined> {
    const known = found.get(phone)
    if (known !== undefined) return known
    if ((await lids.lidUserOf(phone)) !== undefined) return `${phone}@${PHONE_SERVER}`
    return (await ask(phone))?.address
  }
  /** Baileys writes a message without any recipient when the question for devices is not answered. */
  async function ensureDevices(jid: string): Promise<void> {
    const recipient = parseJid(jid)
    const own = people.own()
    const ownUser = recipient?.server === LID_SERVER ? own.lid : own.phone
    if (!recipient || ownUser === null) return
    const missing = [jid, `${ownUser}@${recipient.server}`].filter(
      (one) => !options.hasDevices(parseJid(one)?.user ?? ""),
    )
    if (missing.length === 0) return
    await once(`devices ${missing.join()}`, () => sock.getUSyncDevices(missing, true, false))
    if (!options.hasDevices(recipient.user)) throw new Error("WhatsApp did not tell the devices of the recipient")
  }
  async function locate(chat: ChatRef, ask: typeof lookUp): Promise<string | undefined> {
    return chat.kind === "group" || chat.phone === null ? addressOf(chat) : findPhone(chat.phone, ask)
  }
  return {
    locate: (chat) => locate(chat, lookUp),
    ask: lookUp,
    async find(chat) {
      const jid = await locate(chat, shared)
      if (jid !== undefined && chat.kind === "person") await ensureDevices(jid)
      return jid
    },
    forget(jid) {
      const user = parseJid(jid)?.user
      if (user !== undefined) options.forgetDevices(user)
    },
  }
}
