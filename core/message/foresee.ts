import type { Chat, Chats } from "./chats.ts"
import type { Clock } from "../clock.ts"
import { readDraft } from "./draft.ts"
import type { Foresight, QueueForesight, RecipientForesight } from "../foresight.ts"
import type { Hooks } from "../hooks.ts"
import type { Ledger } from "../ledger.ts"
import { foreseeLine, type LineBooks } from "../line/foresee.ts"
import type { Messages } from "./messages.ts"
import type { Outbox } from "./outbox.ts"
import { OUTBOX_TABLE } from "./settle.ts"
import { refOf, withPhone } from "./send-checks.ts"
import { decodeRecord } from "../records/values.ts"
import type { FailedItem, Finding } from "../stages.ts"
import type { Call, Draft, Restriction, SessionStatus } from "../types.ts"

export interface ForeseeDeps {
  readonly chats: Chats
  readonly sessions: LineBooks & { look(company: string): Promise<SessionStatus | undefined> }
  readonly messages: Pick<Messages, "get">
  readonly held: Outbox["held"]
  readonly ledger: Ledger
  readonly hooks: Hooks
  readonly clock: Clock
}

type Findings = Readonly<Record<string, Finding | FailedItem>>

/** How many waiting messages are looked at: to open their seals takes some milliseconds. */
const COUNTED = 200
/** Stands for whatever a message may say. */
const ANY_TEXT = "Hello"

/** What a send to a recipient, as a caller writes it, would meet. Rejects when the ledger fails. */
export function createForesee(deps: ForeseeDeps): (call: Call, recipient: unknown) => Promise<Foresight> {
  const { chats, sessions, messages, held, ledger, hooks, clock } = deps

  const collect = (company: string, message: Draft, chat: Chat): Promise<Findings> =>
    hooks.collect("message:diagnose", {
      company,
      message,
      person: { phone: chat.phone, lid: chat.lid, group: chat.group },
      chatId: chat.id,
      opensChat: !chat.open,
    })

  const look = async (company: string, message: Draft): Promise<{ chat: Chat; findings: Findings }> => {
    const chat = await chats.resolve(company, refOf(message.to))
    return { chat, findings: await collect(company, message, chat) }
  }

  const foreseeRecipient = async (
    call: Call,
    recipient: unknown,
    restriction: Restriction | null,
  ): Promise<{ recipient: RecipientForesight; chat: Chat | undefined }> => {
    const { company } = call
    const { draft, faults } = readDraft({ phone: recipient, message: ANY_TEXT })
    if (faults.length > 0) return { recipient: { ...unread, faults }, chat: undefined }
    const prepared = await hooks.transform("message:prepare", await withPhone(chats, company, draft), call)
    let { to } = prepared
    let { chat, findings } = await look(company, prepared)
    const { phone } = numberIn(findings)
    if (to.kind === "phone" && phone !== undefined && phone !== to.phone) {
      // What plugins know of the number that it would go to, and not of the one given.
      to = { kind: "phone", phone }
      ;({ chat, findings } = await look(company, { ...prepared, to }))
    }
    const { onWhatsApp } = numberIn(findings)
    const barred = !chat.open && chat.group === null ? restriction : null
    const opensChat = !chat.open
    return {
      recipient: { faults, read: draft.to, to, onWhatsApp, opensChat, restriction: barred, findings },
      chat,
    }
  }

  const foreseeQueue = async (company: string, chat: Chat | undefined): Promise<QueueForesight> => {
    const { rows } = await ledger.page(company, OUTBOX_TABLE, { limit: COUNTED })
    const waiting = rows.map(({ key, value }) => decodeRecord<Waiting>(value, `outbox ${key}`))
    const ahead = waiting.filter((one) => chat !== undefined && isIn(chat, one))
    const [oldest] = waiting
    const [found] = oldest === undefined ? [] : await messages.get(company, [oldest.messageId])
    const first = found === undefined ? null : held(found.row)
    const aheadHeld = chat === undefined ? null : held({ companyId: company, chatId: chat.id, messageId: null })
    return { waiting: waiting.length, most: COUNTED, first, ahead: ahead.length, aheadHeld }
  }

  return async (call, given) => {
    const { company } = call
    const session = await sessions.look(company)
    const { line, restriction } = await foreseeLine(sessions, company, clock.now())
    const { recipient, chat } = await foreseeRecipient(call, given, restriction)
    return { session, line, recipient, queue: await foreseeQueue(company, chat) }
  }
}

const unread: RecipientForesight = {
  faults: [],
  read: null,
  to: null,
  onWhatsApp: undefined,
  opensChat: false,
  restriction: null,
  findings: {},
}

/** What of an outbox row is needed here; see `outbox-rows.ts`. */
interface Waiting {
  readonly messageId: string
  readonly to: { readonly kind: string; readonly phone?: string | null; readonly lid?: string | null }
  readonly chat?: string
}

function isIn({ id, members, phone, lid }: Chat, { chat, to }: Waiting): boolean {
  if (chat !== undefined) return chat === id || members.includes(chat)
  return (phone !== null && to.phone === phone) || (lid !== null && to.lid === lid)
}

/** Where a plugin would have the message go, and what it knows of the number. */
function numberIn(findings: Findings): Pick<Finding, "phone" | "onWhatsApp"> {
  for (const finding of Object.values(findings)) {
    if ("phone" in finding || "onWhatsApp" in finding) return finding
  }
  return {}
}
