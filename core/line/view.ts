import type { LineRecord } from "./record.ts"
import { iso } from "../message/messages.ts"
import type { SessionStatus } from "../types.ts"

/** Parts of a line's status that are not kept over a restart. */
export interface LiveParts {
  readonly connectedAt: number | null
  readonly lastProofAt: number | null
  readonly reconnectAttempts: number
}

const NOTHING_LIVE: LiveParts = { connectedAt: null, lastProofAt: null, reconnectAttempts: 0 }

/** Names that go into every status. */
export interface Naming {
  readonly provider: string
  /** The store that a company's auth state is in. */
  readonly storage: (company: string) => string
}

export function statusOf(company: string, record: LineRecord, naming: Naming, live = NOTHING_LIVE): SessionStatus {
  const { state, user, lastActivity, lastError, restriction } = record
  return {
    companyId: company,
    status: state,
    connected: state === "connected",
    user,
    connectedAt: live.connectedAt,
    lastActivity,
    lastProofAt: live.lastProofAt,
    reconnectAttempts: live.reconnectAttempts,
    restriction: restriction && { kind: restriction.kind, until: restriction.until },
    lastError,
    provider: naming.provider,
    storage: naming.storage(company),
  }
}

/** States that mean the same after a restart; the others were on their way somewhere. */
const LASTING = new Set(["disconnected", "qr-expired", "logged-out", "replaced", "failed", "passkey-required"])

/** A record as it reads when no line is in memory. */
export function atRest(record: LineRecord): LineRecord {
  const lasts = LASTING.has(record.state) && !(record.state === "failed" && record.wanted)
  return lasts ? record : { ...record, state: "idle" }
}

/** A status in an answer: times ISO 8601. */
export function statusJson(status: SessionStatus): Record<string, unknown> {
  const { restriction, lastError } = status
  return {
    companyId: status.companyId,
    status: status.status,
    connected: status.connected,
    user: status.user,
    connectedAt: iso(status.connectedAt),
    lastActivity: iso(status.lastActivity),
    lastProofAt: iso(status.lastProofAt),
    reconnectAttempts: status.reconnectAttempts,
    restriction: restriction && { kind: restriction.kind, until: iso(restriction.until) },
    lastError: lastError && { code: lastError.code, message: lastError.message, at: iso(lastError.at) },
    provider: status.provider,
    storage: status.storage,
  }
}
