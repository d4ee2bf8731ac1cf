import { AppError, appError, type CoreCode, coreErrors, type ErrorSpec } from "../errors.ts"
import type { Move } from "./messages.ts"
import type { SendOutcome } from "../provider.ts"
import type { FaultInfo, Restriction } from "../types.ts"

/** Ways in which a message fails for good, and what its sender is told. */

type Failure = Extract<SendOutcome, { outcome: "refused" | "not-on-whatsapp" }> | { readonly outcome: "expired" }

export function failureMove(failure: Failure, at: number): Move {
  return { status: "failed", at, error: faultOf(failure) }
}

function faultOf(failure: Failure): FaultInfo {
  if (failure.outcome === "expired") return fault("EXPIRED")
  if (failure.outcome === "not-on-whatsapp") return fault("NOT_ON_WHATSAPP")
  const details = { whatsappCode: failure.code, reason: failure.reason }
  if (failure.restriction === undefined) return fault("MESSAGE_SEND_ERROR", details)
  return fault("ACCOUNT_RESTRICTED", { ...details, ...restrictionDetails(failure.restriction) })
}

export function restrictionDetails({ kind, until }: Restriction): { kind: string; until: string | null } {
  return { kind, until: until === null ? null : new Date(until).toISOString() }
}

function fault(code: CoreCode, details?: unknown): FaultInfo {
  const { message } = coreErrors[code]
  return details === undefined ? { code, message } : { code, message, details }
}

/** The error that answers the send of a message that has failed. */
export function failureError(error: FaultInfo | null): AppError {
  const spec: ErrorSpec | undefined = coreErrors[error?.code as CoreCode]
  if (error === null || spec === undefined) return appError("MESSAGE_SEND_ERROR")
  return new AppError(error.code, spec, { message: error.message, details: error.details })
}
