import { type Logger, logsAt } from "../log.ts"
import type { KnownFields } from "../log-fields.ts"
import type { RefusalBy } from "../hooks.ts"
import type { SendOutcome } from "../provider.ts"
import type { MessageRow } from "./messages.ts"

/**
 * The steps of messages in the log, at level debug: each line names the company, the message and the request that it came
 * with, in this process and in the next. Without debug there are none but those of messages that failed, so that the log
 * stays quiet however many there are.
 */
export interface Trail {
  /** False: no step comes out, and nothing need be worked out for one. */
  readonly on: boolean
  /** Durable. `state`: where its line stands. */
  accepted(row: MessageRow, state: string, batchId?: string): void
  /** Read from the outbox on disk, after a start or a reconnect, or since there was no room for it before. */
  takenUp(row: MessageRow): void
  held(row: MessageRow, reason: string | null, ms: number): void
  tried(row: MessageRow): void
  answered(row: MessageRow, outcome: SendOutcome): void
  /** Its status has changed. `sent`: that was news that it has been sent. */
  moved(row: MessageRow, sent: boolean): void
  heard(company: string, messageId: string): void
  stored(row: MessageRow): void
  /** Something heard that is not stored, or not shown. */
  dropped(company: string, messageId: string, why: "known" | RefusalBy): void
}

const MOVED: Readonly<Record<MessageRow["status"], string>> = {
  queued: "Message queued",
  sent: "Message sent",
  delivered: "Message delivered",
  read: "Message read",
  failed: "Message failed",
  unknown: "Message may have been sent",
  received: "Message received",
}

export function createTrail(log: Logger): Trail {
  const on = logsAt(log, "debug")

  const moved = (row: MessageRow, sent: boolean): void => {
    if (row.status === "failed") log[on ? "debug" : "info"]({ ...of(row), code: row.error?.code }, MOVED.failed)
    else if (on) {
      if (sent && row.status !== "sent") log.debug(of(row), MOVED.sent)
      log.debug(of(row), MOVED[row.status])
    }
  }
  if (!on) return { on, moved, ...silent }

  return {
    on,
    moved,
    accepted: (row, state, batchId) => log.debug({ ...of(row), state, batchId }, "Message accepted"),
    takenUp: (row) => log.debug(of(row), "Message taken from the outbox"),
    held: (row, reason, ms) => log.debug({ ...of(row), reason: reason ?? undefined, ms }, "Message held"),
    tried: (row) => log.debug(of(row), "Message tried"),
    answered: (row, result) => log.debug({ ...of(row), ...answerOf(result) }, "Message answered"),
    heard: (company, messageId) => log.debug({ company, messageId }, "Message heard"),
    stored: (row) => log.debug({ ...of(row), code: row.error?.code }, "Message stored"),
    dropped: (company, messageId, why) =>
      why === "known"
        ? log.debug({ company, messageId }, "Message dropped: it is known")
        : log.debug({ company, messageId, plugin: why.plugin, code: why.error.code }, "Message dropped: it is blocked"),
  }
}

const nothing = (): void => undefined
const silent = {
  accepted: nothing,
  takenUp: nothing,
  held: nothing,
  tried: nothing,
  answered: nothing,
  heard: nothing,
  stored: nothing,
  dropped: nothing,
}

const of = ({ companyId, messageId, requestId }: MessageRow): KnownFields => ({
  company: companyId,
  messageId,
  requestId: requestId ?? undefined,
})

function answerOf(result: SendOutcome): KnownFields {
  if (result.outcome === "refused") return { outcome: result.outcome, code: result.code }
  return { outcome: result.outcome, ...("cause" in result && { error: result.cause.message }) }
}
