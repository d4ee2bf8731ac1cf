import type { Chat, Chats } from "./chats.ts"
import type { Clock } from "../clock.ts"
import { readDraft } from "./draft.ts"
import { appError } from "../errors.ts"
import type { Hooks, RefusalBy } from "../hooks.ts"
import type { ChatRef } from "../provider.ts"
import { refuseFaults } from "../refusal.ts"
import { restrictionDetails } from "./send-failures.ts"
import type { Gate } from "../session.ts"
import type { Call, Draft, Recipient, Restriction } from "../types.ts"

/** What the lines say to a send. */
export interface LineGate {
  /** Where the company's line stands; one that rests with credentials is started. Throws SESSION_LIMIT_REACHED. */
  gate(company: string): Promise<Gate>
  restriction(company: string): Restriction | null
  touch(company: string): void
}

/** What stands between a request and the outbox. Each check throws the AppError that refuses the message. */
export interface SendChecks {
  /** The message as it will go out: read, prepared and valid. */
  prepare(call: Call, body: Readonly<Record<string, unknown>>): Promise<{ draft: Draft; ttlMs: number }>
  /** The checks that depend on who is written to and on the state of the line. */
  admit(call: Call, draft: Draft, chat: Chat): Promise<Gate>
}

export interface SendChecksDeps {
  readonly chats: Chats
  readonly lines: LineGate
  readonly hooks: Hooks
  readonly clock: Clock
}

export function createSendChecks({ chats, lines, hooks, clock }: SendChecksDeps): SendChecks {
  const refused = (company: string, refusal: RefusalBy | undefined): void => {
    if (refusal === undefined) return
    hooks.observe("message:rejected", { company, plugin: refusal.plugin, code: refusal.error.code })
    throw refusal.error
  }

  /** The message as it will go out, or the refusal that keeps it here. */
  const prepare: SendChecks["prepare"] = async (call, body) => {
    const reading = readDraft(body)
    const { faults, ttlMs } = reading
    // Plugins would judge a text that such a message does not have.
    if (reading.notBuilt !== undefined) {
      if (faults.length > 0) throw refuseFaults(faults).error
      throw appError("NOT_SUPPORTED", { message: `${reading.notBuilt} are not supported yet` })
    }
    let draft = await withPhone(call.company, reading.draft)
    if (hooks.has("message:prepare")) draft = await hooks.transform("message:prepare", draft, call)
    if (hooks.has("message:validate"))
      refused(call.company, await hooks.guard("message:validate", { ...call, message: draft, faults }))
    if (faults.length > 0) throw refuseFaults(faults).error
    return { draft, ttlMs }
  }

  /** A LID is checked by the phone it stands for, as far as that is known. */
  const withPhone = async (company: string, draft: Draft): Promise<Draft> => {
    if (draft.to.kind !== "lid") return draft
    const phone = await chats.phoneOf(company, draft.to.lid)
    return phone === null ? draft : { ...draft, to: { ...draft.to, phone } }
  }

  /** The checks that depend on who is written to and on the state of the line. */
  const admit: SendChecks["admit"] = async (call, draft, chat) => {
    const { company } = call
    if (hooks.has("message:block")) {
      const person = { phone: chat.phone, lid: chat.lid, group: chat.group }
      refused(company, await hooks.guard("message:block", { company, direction: "outbound", person, message: draft }))
    }
    const gate = await lines.gate(company)
    if (gate === "none") throw appError("NO_ACTIVE_SESSION")
    const restriction = lines.restriction(company)
    if (restriction !== null && !chat.open && chat.group === null) {
      const { until } = restriction
      const retryAfter = until === null ? {} : { retryAfter: Math.max(1, Math.ceil((until - clock.now()) / 1000)) }
      throw appError("ACCOUNT_RESTRICTED", { details: restrictionDetails(restriction), ...retryAfter })
    }
    if (hooks.has("message:limit")) refused(company, await hooks.guard("message:limit", { ...call, message: draft }))
    return gate
  }

  return { prepare, admit }
}

export function refOf(to: Recipient): ChatRef {
  if (to.kind === "group") return { kind: "group", group: to.group }
  return to.kind === "phone"
    ? { kind: "person", phone: to.phone, lid: null }
    : { kind: "person", phone: null, lid: to.lid }
}
