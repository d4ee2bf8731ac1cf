import type { Chat, Chats } from "./chats.ts"
import type { Clock } from "../clock.ts"
import { readDraft, type SendForm } from "./draft.ts"
import { appError, toError } from "../errors.ts"
import type { Hooks, RefusalBy } from "../hooks.ts"
import type { Logger } from "../log.ts"
import type { ChatRef } from "../provider.ts"
import { refuseFaults } from "../refusal.ts"
import { restrictionDetails } from "./send-failures.ts"
import type { Gate } from "../session.ts"
import { createTakings } from "./takings.ts"
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
  prepare(
    call: Call,
    body: Readonly<Record<string, unknown>>,
    form?: SendForm,
  ): Promise<{ draft: Draft; ttlMs: number }>
  /**
   * The checks that depend on who is written to and on the state of the line. A message of a batch waits for room where a
   * single one is refused, so that it is not asked here whether there is any.
   */
  admit(call: Call, draft: Draft, chat: Chat, batched?: "batched"): Promise<Admission>
}

/** A message that nothing refuses. */
export interface Admission {
  readonly gate: Gate
  /** It is not stored after all: what was taken for it is given back. */
  drop(): void
}

export interface SendChecksDeps {
  readonly chats: Chats
  readonly lines: LineGate
  readonly hooks: Hooks
  readonly clock: Clock
  readonly log: Logger
}

export function createSendChecks({ chats, lines, hooks, clock, log }: SendChecksDeps): SendChecks {
  const refused = ({ company, requestId }: Call, refusal: RefusalBy | undefined): void => {
    if (refusal === undefined) return
    const { plugin, error } = refusal
    log.debug({ company, requestId, plugin, code: error.code }, "Message refused")
    hooks.observe("message:rejected", { company, plugin, code: error.code })
    throw error
  }

  // Fields of its own first in what a stage is given: an object that is spread and then added to is a new kind of object
  // to the engine each time, which costs more than the stage.

  /** The message as it will go out, or the refusal that keeps it here. */
  const prepare: SendChecks["prepare"] = async (call, body, form) => {
    const reading = readDraft(body, form)
    const { faults, paths, notBuilt, ttlMs } = reading
    let draft = reading.draft.to.kind === "lid" ? await withPhone(chats, call.company, reading.draft) : reading.draft
    if (hooks.has("message:prepare")) {
      const prepared = hooks.transform("message:prepare", draft, call)
      draft = prepared instanceof Promise ? await prepared : prepared
    }
    if (hooks.has("message:validate")) {
      const verdict = hooks.guard("message:validate", { message: draft, faults, paths, ...call })
      refused(call, verdict instanceof Promise ? await verdict : verdict)
    }
    if (faults.length > 0) throw refuseFaults(faults).error
    if (notBuilt !== undefined) throw appError("NOT_SUPPORTED", { message: `${notBuilt} are not supported yet` })
    if (hooks.has("message:address")) {
      const addressed = hooks.transform("message:address", draft, call)
      draft = addressed instanceof Promise ? await addressed : addressed
    }
    return { draft, ttlMs }
  }

  /** The checks that depend on who is written to and on the state of the line. */
  const admit: SendChecks["admit"] = async (call, draft, chat, batched) => {
    const { company, requestId } = call
    if (hooks.has("message:block")) {
      const person = { phone: chat.phone, lid: chat.lid, group: chat.group }
      const verdict = hooks.guard("message:block", {
        company,
        requestId,
        direction: "outbound",
        person,
        message: draft,
      })
      refused(call, verdict instanceof Promise ? await verdict : verdict)
    }
    const gate = await lines.gate(company)
    if (gate === "none") throw appError("NO_ACTIVE_SESSION")
    const restriction = lines.restriction(company)
    if (restriction !== null && !chat.open && chat.group === null) {
      const { until } = restriction
      const retryAfter = until === null ? {} : { retryAfter: Math.max(1, Math.ceil((until - clock.now()) / 1000)) }
      throw appError("ACCOUNT_RESTRICTED", { details: restrictionDetails(restriction), ...retryAfter })
    }
    if (batched !== undefined || !hooks.has("message:limit")) return { gate, drop: nothing }
    const takings = createTakings((thrown) =>
      log.error(
        { company, requestId: call.requestId, error: toError(thrown) },
        "What was taken for a refused message could not be given back",
      ),
    )
    const verdict = hooks.guard("message:limit", { message: draft, undo: takings.undo, ...call })
    const refusal = verdict instanceof Promise ? await verdict : verdict
    if (refusal !== undefined) takings.drop()
    refused(call, refusal)
    return { gate, drop: takings.drop }
  }

  return { prepare, admit }
}

const nothing = (): void => undefined

/** A LID is checked by the phone it stands for, as far as that is known. */
export async function withPhone(chats: Pick<Chats, "phoneOf">, company: string, draft: Draft): Promise<Draft> {
  if (draft.to.kind !== "lid") return draft
  const phone = await chats.phoneOf(company, draft.to.lid)
  return phone === null ? draft : { ...draft, to: { ...draft.to, phone } }
}

export function refOf(to: Recipient): ChatRef {
  if (to.kind === "group") return { kind: "group", group: to.group }
  return to.kind === "phone"
    ? { kind: "person", phone: to.phone, lid: null }
    : { kind: "person", phone: null, lid: to.lid }
}
