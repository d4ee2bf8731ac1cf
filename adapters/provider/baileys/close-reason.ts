import type { CloseReason } from "../../../core/provider.ts"

/** What is known about the end of a connection. */
export interface Ending {
  /** WhatsApp's failure or stream error code, an HTTP status, or the library's own number. */
  readonly code: number | null
  /** WhatsApp itself said it, in a failure or a stream error; else it was made on this side. */
  readonly fromServer: boolean
  /** Credentials of a finished pairing were in use. */
  readonly finished: boolean
  readonly words: string
}

const FROM_SERVER: Readonly<Record<number, CloseReason>> = {
  402: "banned",
  403: "banned",
  405: "outdated",
  406: "banned",
  408: "unreachable",
  411: "not-accepted",
  428: "unreachable",
  440: "replaced",
  503: "unreachable",
  515: "restart-required",
}

const DETAILS: Readonly<Record<CloseReason, string>> = {
  "restart-required": "WhatsApp asked for a new connection",
  "logged-out": "The device was unlinked",
  "pairing-incomplete": "The pairing was not finished",
  banned: "WhatsApp has banned or blocked this account",
  outdated: "WhatsApp refuses the announced version as too old; set WHATSAPP_WEB_VERSION to a current one",
  "not-accepted": "WhatsApp does not accept this account as a linked device",
  replaced: "Another connection took over this line",
  unreachable: "The connection to WhatsApp was lost or refused",
  unknown: "The connection ended for an unknown reason",
  "qr-ended": "All QR codes of this attempt were shown",
  "passkey-required": "WhatsApp wants this account to link with a passkey, which only its own apps can do",
  "credentials-damaged": "The stored credentials are damaged",
  "storage-unavailable": "The storage has been unavailable for too long",
  "proxy-refused": "The proxy may not be used",
  "closed-by-us": "Closed on request",
}

export function detailOf(reason: CloseReason): string {
  return DETAILS[reason]
}

/** Sorts an ending into the reasons that a session knows how to follow. */
export function reasonOf(ending: Ending): CloseReason {
  const { code, fromServer, finished } = ending
  if (code === null) return "unknown"
  if (code === 401) return fromServer && finished ? "logged-out" : "pairing-incomplete"
  if (ending.words.includes("QR refs attempts ended")) return "qr-ended"
  if (fromServer) return FROM_SERVER[code] ?? "unknown"
  // Made here or by the transport: a number stands for a broken or refused connection, whatever HTTP says it means.
  if (code === 515) return "restart-required"
  if (code === 440) return "replaced"
  if (code === 411) return "not-accepted"
  return code === 500 ? "unknown" : "unreachable"
}
