import type { BinaryNode, ConnectionState } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"
import type { ProviderEvent } from "../../../core/provider.ts"
import type { Restriction } from "../../../core/types.ts"
import { detailOf, reasonOf } from "./close-reason.ts"
import type { Ending } from "./connection.ts"
import { isFinished, userOf } from "./creds.ts"
import { personOf } from "./jid.ts"
import type { Line } from "./line.ts"
import { guardListeners, type Gate } from "./listeners.ts"
import { dropUnheard } from "./unheard-events.ts"

const PROOF_EVERY_MS = 1000

export interface Wiring {
  readonly line: Line
  readonly clock: Clock
  readonly log: Logger
  emit(event: ProviderEvent): void
  end(how: Ending): void
  /** WhatsApp has to say something soon. */
  waiting(): void
  /** It did. */
  arrived(): void
  /** Pairing succeeded; the promise settles when that is durable and told. */
  linked(saved: Promise<void>): void
  restricted(restriction: Restriction | null): void
}

/** Turns what the library's socket says into the port's events. */
export function wire(wiring: Wiring): void {
  const { line, clock, log, emit, end } = wiring
  const { sock, credentials, sender, pairing, receiver, receipts, groups, preKeys } = line
  const { ws, ev } = sock
  let serverSaid = false
  let lastProof = Number.NEGATIVE_INFINITY

  function proof(): void {
    const now = clock.monotonic()
    if (now - lastProof < PROOF_EVERY_MS) return
    lastProof = now
    emit({ type: "proof" })
  }
  function save(): Promise<void> {
    return credentials.save()
  }
  async function tellLinked(): Promise<void> {
    await save()
    emit({ type: "linked", user: userOf(credentials.creds) })
  }
  function closed(error: unknown): void {
    const code = statusOf(error)
    const words = error === undefined ? "" : toError(error).message
    const reason = reasonOf({ code, fromServer: serverSaid, finished: isFinished(credentials.creds), words })
    const certificate = words.includes("certificate") || words.includes("certification")
    end({
      reason,
      code,
      detail: certificate ? "The server's certificate is not signed by the expected root key" : detailOf(reason),
    })
  }

  const gates: Readonly<Record<string, Gate>> = {
    "CB:success": async () => (await preKeys.beforeLogin(), true),
    "CB:notification": (node) => !preKeys.notice(node),
  }
  guardListeners(ws, gates, (event, error) => {
    log.debug({ event, error: error.message }, "the library did not handle a failure")
    // Bytes that cannot be opened: nothing that follows on this stream can be read either.
    if (event === "message")
      end({ reason: "unreachable", code: null, detail: "The connection to WhatsApp was garbled" })
  })
  const onNode = (event: string, listener: (node: BinaryNode) => void) => ws.prependListener(`CB:${event}`, listener)
  onNode("message", (node) => receiver.note(node))
  onNode("receipt", (node) => receipts.note(node))
  onNode("ack,class:message", (node) => (proof(), sender.acknowledge(node)))
  onNode("notification", (node) => groups.note(node))
  onNode("iq,type:result", proof)
  onNode("failure", () => (serverSaid = true))
  onNode("stream:error", () => (serverSaid = true))
  onNode("iq,type:set,pair-device", (node) => pairing.offered(node))
  onNode("notification,type:companion_reg_refresh", (node) => {
    pairing.refresh(node).catch((thrown: unknown) => log.debug({ error: toError(thrown).message }, "a refresh failed"))
  })
  onNode("notification,type:passkey_prologue_request", () => end({ reason: "passkey-required" }))
  ws.on("unexpected-response", (request: { destroy(): void }, response: { statusCode?: number; resume(): void }) => {
    const code = response.statusCode ?? null
    response.resume()
    request.destroy()
    end({
      reason: "unreachable",
      code,
      detail: `The server refused the connection with HTTP status ${code ?? "unknown"}`,
    })
  })

  dropUnheard(ev)
  ev.on("creds.update", () => {
    save().catch((thrown: unknown) => log.debug({ error: toError(thrown).message }, "credentials were not saved"))
  })
  ev.on("call", (calls) => {
    for (const { from, callerPn, id, date, status } of calls) {
      const caller = personOf(from, callerPn)
      if (caller) emit({ type: "call", from: caller, callId: id, at: date.getTime(), status })
    }
  })
  ev.on("connection.update", (update) => {
    if (update.qr !== undefined) {
      wiring.arrived()
      pairing.drawn(update.qr)
    }
    if (update.isNewLogin) {
      wiring.waiting()
      wiring.linked(tellLinked())
    }
    if (update.reachoutTimeLock) wiring.restricted(restrictionOf(update.reachoutTimeLock))
    if (update.connection === "open") {
      wiring.arrived()
      emit({ type: "open", user: userOf(credentials.creds) })
    }
    if (update.connection === "close") closed(update.lastDisconnect?.error)
  })
}

function restrictionOf(lock: NonNullable<ConnectionState["reachoutTimeLock"]>): Restriction | null {
  if (!lock.isActive) return null
  return { kind: "new-chats", until: lock.timeEnforcementEnds?.getTime() ?? null }
}

/** The library rejects with Boom errors, plain errors, and sometimes bare numbers. */
function statusOf(error: unknown): number | null {
  if (typeof error === "number") return error
  if (typeof error !== "object" || error === null || !("output" in error)) return null
  const { output } = error
  if (typeof output !== "object" || output === null || !("statusCode" in output)) return null
  return typeof output.statusCode === "number" ? output.statusCode : null
}
