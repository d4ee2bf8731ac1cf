import type { Clock } from "./clock.ts"
import { appError, isAppError } from "./errors.ts"
import type { Hooks } from "./hooks.ts"
import { createSeenCalls, type SeenCall, type Ticket } from "./ingress/seen-calls.ts"
import type { Ledger } from "./ledger.ts"
import type { CompanySettings } from "./line/company-settings.ts"
import type { LinkRequest, SessionCommands } from "./line/session-commands.ts"
import { statusJson } from "./line/view.ts"
import type { Logger } from "./log.ts"
import type { Ids } from "./message/ids.ts"
import type { Outbound } from "./outbound.ts"
import { isRefusal, refuseFaults } from "./refusal.ts"
import type { Verified } from "./stages.ts"
import type { Call, Principal, Scope } from "./types.ts"

/** A call from another system, as it came. */
export interface ForeignCall {
  /** Whose call it is shows later. */
  readonly call: Call
  readonly body: Uint8Array
  readonly headers: Headers
  /** Answer a message as soon as it is stored. */
  readonly respondAsync: boolean
  /** Who calls, by a key. Throws UNAUTHORIZED. */
  identify(): Promise<Principal>
  /** Reads the body. Throws INVALID_JSON. */
  parse(body: Uint8Array): unknown
}

export interface IngressAnswer {
  readonly status: 200 | 202
  readonly data: Readonly<Record<string, unknown>>
}

/** Calls from other systems, which a signature lets in rather than a key. */
export interface Ingress {
  /**
   * Verifies the bytes, and only then reads them; does once what they ask for, however often they come. Throws
   * INVALID_SIGNATURE, and whatever refuses what they ask for, which may then come again.
   */
  receive(foreign: ForeignCall): Promise<IngressAnswer>
  /** Forgets calls whose time is over. */
  sweep(): Promise<void>
}

export interface IngressDeps {
  readonly outbound: Outbound
  readonly commands: SessionCommands
  readonly companySettings: Pick<CompanySettings, "exists">
  readonly ledger: Ledger
  readonly hooks: Hooks
  readonly ids: Ids
  readonly clock: Clock
  readonly log: Logger
  /** Set in single-tenant mode. */
  readonly onlyCompany: string | undefined
  /** Only tests let repeats through, to see what keeps them out. */
  readonly repeatsIn?: boolean
}

type Fields = Readonly<Record<string, unknown>>

interface Work {
  readonly call: Call
  readonly data: Fields
  readonly respondAsync: boolean
  readonly ticket: Ticket
}

interface Act {
  /** What a key must open for an unsigned call. */
  readonly scope: Scope
  run(work: Work): Promise<IngressAnswer>
}

const SIGNER: ReadonlySet<Scope> = new Set(["send", "session"])
/** What is thrown when another call with the same id was quicker to be stored. */
const OUTRUN = new Error("Another call with the same id has been stored")
/** Each time a row in the way has been swept since it was read, which cannot go on for ever. */
const TRIES = 5

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const fault = (path: string, message: string): Error =>
  refuseFaults([{ path, code: "VALIDATION_ERROR", message }]).error

export function createIngress(deps: IngressDeps): Ingress {
  const { outbound, commands, companySettings, ledger, hooks, ids, clock, log, onlyCompany } = deps
  const calls = createSeenCalls(ledger, clock, ids, deps.repeatsIn)

  const acts: ReadonlyMap<string, Act> = new Map([
    [
      "message.send",
      {
        scope: "send",
        async run({ call, data, respondAsync, ticket }) {
          const answer = await outbound.send({
            call,
            body: data,
            idempotencyKey: undefined,
            respondAsync,
            rider: {
              ops: (messageId) => ticket.claim({ type: "message.send", messageId }),
              lost: OUTRUN,
              undo: ticket.undo,
              stored: ticket.noted,
            },
          })
          if ("replayed" in answer) throw new Error("A message without a key cannot be a replay")
          return answer
        },
      },
    ],
    [
      "session.initialize",
      {
        scope: "session",
        async run({ call, data, ticket }) {
          // Without a condition, which could keep the line's own change out; its repeats wait here meanwhile.
          const notes = ticket.note({ type: "session.initialize", messageId: null })
          const status = await commands.begin(call, linkRequest(data), notes)
          return { status: 202, data: statusJson(status) }
        },
      },
    ],
  ])

  const verify = async ({ call, body, headers }: ForeignCall): Promise<Verified> => {
    const { company, requestId } = call
    const verified = await hooks.first("webhook:verify", { company, requestId, body, headers })
    // Nobody who could verify it: never let in.
    if (verified === undefined) throw appError("INVALID_SIGNATURE")
    if (isRefusal(verified)) throw verified.error
    return verified
  }

  /** Who makes companies, as well: by the admin key beside the signature, or without any key from this machine. */
  const isOperator = async (foreign: ForeignCall): Promise<boolean> => {
    try {
      return (await foreign.identify()).scopes.has("operator")
    } catch (thrown) {
      // Nobody who is known; what that means here is said below.
      if (isAppError(thrown)) return false
      throw thrown
    }
  }

  /** For whom the call is made. A company that does not exist has no secret of its own that anything could be signed with. */
  const callerOf = async (foreign: ForeignCall, verified: Verified): Promise<Principal> => {
    const { company } = foreign.call
    const unsigned = verified.scheme === "unsigned"
    const principal: Principal = unsigned ? await foreign.identify() : { kind: "company", company, scopes: SIGNER }
    if (!principal.scopes.has("send")) throw appError("FORBIDDEN", { details: { scope: "send" } })
    if (principal.company !== undefined && principal.company !== company) throw appError("FORBIDDEN")
    if (onlyCompany !== undefined) {
      if (company === onlyCompany) return principal
      throw appError("FORBIDDEN", { message: "In single-tenant mode only the default company may be named" })
    }
    if (!unsigned && !(await companySettings.exists(company)) && !(await isOperator(foreign))) {
      const { requestId } = foreign.call
      log.info({ company, requestId }, "A call whose signature is right names a company that does not exist")
      throw appError("INVALID_SIGNATURE")
    }
    return principal
  }

  const perform = async (foreign: ForeignCall, verified: Verified, principal: Principal, ticket: Ticket) => {
    const { company } = foreign.call
    const { type, act, data, companyId } = read(foreign.parse(foreign.body), acts)
    if (isForeign(companyId, company) || isForeign(data.companyId, company)) throw appError("FORBIDDEN")
    if (!principal.scopes.has(act.scope)) throw appError("FORBIDDEN", { details: { scope: act.scope } })
    const call: Call = { ...foreign.call, principal }
    const { requestId } = call
    log.debug({ company, requestId, scheme: verified.scheme, type }, "Signed call let in")
    const answer = await act.run({ call, data, respondAsync: foreign.respondAsync, ticket })
    hooks.observe("webhook:received", { company, scheme: verified.scheme, type })
    return answer
  }

  const receive = async (foreign: ForeignCall): Promise<IngressAnswer> => {
    const verified = await verify(foreign)
    const principal = await callerOf(foreign, verified)
    for (let tries = 0; tries < TRIES; tries++) {
      const begun = await calls.begin(foreign.call.company, verified)
      if ("seen" in begun) return repeated(foreign.call, begun.seen)
      try {
        return await perform(foreign, verified, principal, begun.ticket)
      } catch (thrown) {
        if (thrown !== OUTRUN) throw thrown
      } finally {
        begun.ticket.end()
      }
    }
    throw appError("STORAGE_UNAVAILABLE")
  }

  const repeated = ({ company, requestId }: Call, { type, messageId }: SeenCall): IngressAnswer => {
    log.debug({ company, requestId, type, messageId: messageId ?? undefined }, "Signed call repeated")
    return { status: 200, data: { repeated: true, type, ...(messageId !== null && { messageId }) } }
  }

  return { receive, sweep: calls.sweep }
}

interface Asked {
  readonly type: string
  readonly act: Act
  readonly data: Fields
  readonly companyId: unknown
}

/** What a body asks for. Throws VALIDATION_ERROR. */
function read(body: unknown, acts: ReadonlyMap<string, Act>): Asked {
  if (!isFields(body)) throw fault("", "Expected an object with `type` and `data`")
  const { type, data = null, companyId } = body
  const act = typeof type === "string" ? acts.get(type) : undefined
  if (typeof type !== "string" || act === undefined)
    throw fault("type", `expected one of ${[...acts.keys()].join(", ")}`)
  if (data !== null && !isFields(data)) throw fault("data", "expected an object")
  return { type, act, data: data ?? {}, companyId }
}

/** `null` and the empty text count as left out. */
function isForeign(named: unknown, company: string): boolean {
  return named !== undefined && named !== null && named !== "" && named !== company
}

function linkRequest({ usePairingCode, phoneNumber }: Fields): LinkRequest {
  if (usePairingCode !== undefined && usePairingCode !== null && typeof usePairingCode !== "boolean") {
    throw fault("usePairingCode", "expected true or false")
  }
  return { usePairingCode, phoneNumber }
}
