import type { Chats } from "./chats.ts"
import type { Clock } from "../clock.ts"
import { isErased } from "../company/guard.ts"
import { coreErrors, type ErrorSpec, toError } from "../errors.ts"
import type { EventDraft, Events } from "../events.ts"
import type { Hooks } from "../hooks.ts"
import type { Op } from "../ledger.ts"
import type { Logger } from "../log.ts"
import { count } from "../monitor/totals.ts"
import { MEDIA_TYPES } from "./body/media.ts"
import {
  type MessageRow,
  type Messages,
  messageEvent,
  type Move,
  moveForward,
  plain,
  type VersionedMessage,
} from "./messages.ts"
import type { ChatRef } from "../provider.ts"
import { createTrail } from "./trail.ts"
import type { FaultInfo } from "../types.ts"

export const OUTBOX_TABLE = "outbox"

/** A message that is to be settled, as it was last seen in the ledger. */
export interface Unsettled {
  readonly message: VersionedMessage
  readonly to: ChatRef
  /** The chat counts as new to WhatsApp until something in it was acknowledged. */
  readonly opens: boolean
}

/** Records what became of a message: outbox, row, event and totals in one commit. */
export interface Settlement {
  /**
   * Moves the message on, and resolves with its row once that is durable; a ledger that fails is waited for. Undefined
   * when the house stopped before, which leaves the message in the outbox, and when the company has been erased.
   */
  record(item: Unsettled, move: Move): Promise<MessageRow | undefined>
  /** Resolves when nothing is being recorded of a message; at once when nothing was. */
  recorded(company: string, messageId: string): Promise<unknown> | undefined
  /** Ops and events of one move; nothing when it says nothing new. */
  plan(row: MessageRow, version: number, move: Move): Plan
  /** Tells those who watch, after the commit. */
  tell(plan: Plan): void
  /** Resolves when nothing is being recorded, of one company or of any. */
  drained(company?: string): Promise<unknown>
  stop(): void
}

export interface Plan {
  readonly row: MessageRow
  readonly moved: boolean
  /** Whether the move was news that it has been sent. */
  readonly sent: boolean
  readonly ops: readonly Op[]
  readonly drafts: readonly EventDraft[]
}

export interface SettleDeps {
  readonly messages: Messages
  readonly chats: Chats
  readonly events: Events
  readonly hooks: Hooks
  readonly clock: Clock
  readonly log: Logger
  /** Called with every message that has left the outbox for good. */
  readonly onSettled: (row: MessageRow) => void
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5_000

export function createSettlement(deps: SettleDeps): Settlement {
  const { messages, chats, events, hooks, clock, log } = deps
  const trail = createTrail(log)
  const stopped = new AbortController()
  /** Outcomes on their way to the disk, by company and message. */
  const recording = new Map<string, Promise<unknown>>()

  const plan = (row: MessageRow, version: number, move: Move): Plan => {
    const next = moveForward(row, move)
    const outbox: Op[] = row.outbox === null ? [] : [{ op: "delete", table: OUTBOX_TABLE, key: row.outbox }]
    const sent = next.moved && waits(row) && move.status !== "failed" && move.status !== "unknown"
    if (next.row === row) return { row, moved: false, sent: false, ops: [], drafts: [] }
    const put: Op = { op: "putIfVersion", version, ...messages.place(next.row) }
    // Given up, and a receipt shows that it had gone out: what failed stays counted, since no count goes back.
    const proven = next.moved && row.status === "failed"
    const counts = sent || proven ? departures(row) : next.moved && move.status === "failed" ? failures(move.error) : []
    return {
      row: next.row,
      moved: next.moved,
      sent,
      ops: [put, ...outbox, ...counts],
      drafts: tidings(next.row, move, next.moved, sent),
    }
  }

  const tidings = (row: MessageRow, move: Move, moved: boolean, sent: boolean): EventDraft[] => {
    if (!moved) return []
    if (move.status === "failed") return [events.draft("message.failed", messageEvent(row))]
    const drafts = sent ? [events.draft("message.sent", messageEvent(row))] : []
    if (move.status !== "sent") drafts.push(events.draft("message.status", messageEvent(row)))
    return drafts
  }

  const tell = ({ row, moved, sent }: Plan): void => {
    if (!moved) return
    trail.moved(row, sent)
    const show = (stage: "message:sent" | "message:failed" | "message:status"): void => {
      if (hooks.has(stage)) hooks.observe(stage, { message: plain(row) })
    }
    if (sent) show("message:sent")
    if (row.status === "failed") show("message:failed")
    else if (row.status !== "sent") show("message:status")
    deps.onSettled(row)
  }

  const commit = async (item: Unsettled, { row, ops, drafts }: Plan): Promise<boolean> => {
    const opens = item.opens && (row.status === "sent" || row.status === "delivered" || row.status === "read")
    if (!opens) return (await events.commit(row.companyId, ops, drafts)).ok
    return (await chats.commit(row.companyId, item.to, () => ({ ops, drafts, opens }))).result.ok
  }

  const persist = async (item: Unsettled, move: Move): Promise<MessageRow | undefined> => {
    let current = item.message
    let delay = FIRST_RETRY_MS
    while (!stopped.signal.aborted) {
      try {
        const planned = plan(current.row, current.version, move)
        if (planned.ops.length === 0 || (await commit(item, planned))) {
          tell(planned)
          return planned.row
        }
        // A receipt was quicker than the acknowledgement.
        const [seen] = await messages.get(current.row.companyId, [current.row.messageId])
        if (seen === undefined) return current.row
        current = seen
      } catch (thrown) {
        if (isErased(thrown)) return undefined
        const { companyId, messageId, requestId } = current.row
        log.warn(
          { company: companyId, messageId, requestId: requestId ?? undefined, error: toError(thrown).message },
          "A message's outcome could not be stored; trying again",
        )
        // Ends early only when the house stops, which the loop sees.
        await clock.sleep(delay, stopped.signal).catch(() => undefined)
        delay = Math.min(LAST_RETRY_MS, delay * 2)
      }
    }
    return undefined
  }

  return {
    plan,
    tell,
    record(item, move) {
      const { companyId, messageId } = item.message.row
      const key = `${companyId}\n${messageId}`
      const done = persist(item, move).finally(() => {
        if (recording.get(key) === done) recording.delete(key)
      })
      recording.set(key, done)
      return done
    },
    recorded: (company, messageId) => recording.get(`${company}\n${messageId}`),
    drained(company) {
      const all = [...recording]
      const own = company === undefined ? all : all.filter(([key]) => key.startsWith(`${company}\n`))
      return Promise.all(own.map(([, done]) => done))
    },
    stop: () => stopped.abort(),
  }
}

function waits(row: MessageRow): boolean {
  return row.direction === "outbound" && (row.status === "queued" || row.status === "unknown")
}

function departures({ type }: MessageRow): Op[] {
  const media = MEDIA_TYPES.some((one) => one === type)
  return media ? [count("sent"), count("mediaSent")] : [count("sent")]
}

function failures(error: FaultInfo | undefined): Op[] {
  const spec: ErrorSpec | undefined = Object.entries(coreErrors).find(([code]) => code === error?.code)?.[1]
  return [count("failed"), count(`error:${spec?.class ?? "OTHER"}`)]
}
