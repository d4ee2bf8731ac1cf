/**
 * Every failure a caller can see: code, status, sentence, whether trying again can help, and the class it counts under.
 * The README's table is generated from here and from the plugins' own `errors`.
 */

/** `class` is where a failure counts in `errors.breakdown`. */
export interface ErrorSpec {
  readonly status: number
  readonly message: string
  readonly retryable?: boolean
  readonly class?: "TIMEOUT" | "NETWORK" | "AUTH" | "OTHER"
  /** For the documentation: the stage of the house at which a plugin refuses with it. */
  readonly stage?: string
}

export const coreErrors = {
  COMPANY_ID_REQUIRED: { status: 400, message: "Company ID is required in multi-tenant mode" },
  INVALID_COMPANY_ID: { status: 400, message: "Invalid company ID format" },
  INVALID_PHONE: { status: 400, message: "Invalid phone number" },
  INVALID_MESSAGE: { status: 400, message: "Invalid message" },
  INVALID_MEDIA_URL: { status: 400, message: "Invalid media URL" },
  INVALID_JSON: { status: 400, message: "The body is not valid JSON" },
  VALIDATION_ERROR: { status: 400, message: "Validation failed" },
  UNAUTHORIZED: { status: 401, message: "Authentication is required", class: "AUTH" },
  INVALID_SIGNATURE: { status: 401, message: "Invalid signature", class: "AUTH" },
  FORBIDDEN: { status: 403, message: "This key may not do that", class: "AUTH" },
  NOT_FOUND: { status: 404, message: "Not found" },
  SESSION_NOT_FOUND: { status: 404, message: "No session is known for this company" },
  COMPANY_ERASED: { status: 404, message: "This company has just been erased" },
  QR_NOT_AVAILABLE: { status: 404, message: "There is no QR code to scan now" },
  METRICS_DISABLED: { status: 404, message: "Metrics are disabled" },
  NO_ACTIVE_SESSION: { status: 409, message: "No active session for company" },
  ALREADY_CONNECTED: { status: 409, message: "The line is already connected" },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    message: "The first request with this Idempotency-Key is still running",
    retryable: true,
  },
  IMPORT_REFUSED: {
    status: 409,
    message: "The import would replace something that may be worth more; `force` does it",
  },
  MOVE_UNDER_WAY: { status: 409, message: "The company is being moved to another store already", retryable: true },
  STORE_OCCUPIED: {
    status: 409,
    message: "That store already holds records of this company; erase them there, or choose another store",
  },
  SESSION_OWNED_ELSEWHERE: { status: 409, message: "Another process runs this line" },
  PAYLOAD_TOO_LARGE: { status: 413, message: "The body is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: "Send the body as application/json" },
  IDEMPOTENCY_KEY_REUSED: { status: 422, message: "This Idempotency-Key was used with another body" },
  NOT_ON_WHATSAPP: { status: 422, message: "The recipient is not on WhatsApp" },
  ACCOUNT_RESTRICTED: { status: 423, message: "WhatsApp does not let this account start new chats now" },
  TOO_MANY_LISTENERS: { status: 429, message: "Too many event subscribers for this company", retryable: true },
  TOO_MANY_ATTEMPTS: { status: 429, message: "Too many failed attempts", retryable: true, class: "AUTH" },
  INTERNAL_ERROR: { status: 500, message: "Internal error" },
  NOT_SUPPORTED: { status: 501, message: "This is not supported here" },
  MESSAGE_SEND_ERROR: { status: 502, message: "WhatsApp refused the message", class: "NETWORK" },
  URL_UNREACHABLE: { status: 502, message: "The URL could not be reached", retryable: true, class: "NETWORK" },
  URL_TIMEOUT: { status: 502, message: "The URL did not answer in time", retryable: true, class: "TIMEOUT" },
  URL_ANSWER_UNUSABLE: { status: 502, message: "The URL gave an answer that cannot be used", class: "NETWORK" },
  PAIRING_REFUSED: { status: 502, message: "WhatsApp refused the pairing", class: "NETWORK" },
  SESSION_LIMIT_REACHED: { status: 503, message: "The session limit of this server is reached", retryable: true },
  STORAGE_UNAVAILABLE: { status: 503, message: "Storage is unavailable", retryable: true },
  PLUGIN_FAULT: { status: 503, message: "A plugin failed", retryable: true },
  SERVER_BUSY: { status: 503, message: "The server is busy", retryable: true },
  SHUTTING_DOWN: { status: 503, message: "The server is shutting down", retryable: true, class: "NETWORK" },
  EXPIRED: { status: 410, message: "The message waited longer than its time to live", class: "TIMEOUT" },
  CANCELLED: { status: 410, message: "The message was stopped before it was sent" },
  CREDENTIALS_DAMAGED: { status: 409, message: "The stored credentials are damaged", class: "AUTH" },
  BANNED: { status: 409, message: "WhatsApp has banned or blocked this account", class: "AUTH" },
  RECORD_DAMAGED: { status: 500, message: "A stored record is damaged" },
  RECORD_SEALED: { status: 500, message: "A stored record is sealed and nothing opens it" },
  FENCED: { status: 409, message: "Another process has taken over this line" },
} as const satisfies Record<string, ErrorSpec>

export type CoreCode = keyof typeof coreErrors

/** What an error carries beyond its code. `details` must hold nothing the caller may not see. */
export interface ErrorExtra {
  readonly message?: string
  readonly details?: unknown
  /** Seconds. */
  readonly retryAfter?: number
  readonly cause?: unknown
}

const BRAND = "switchboard.AppError"

/** A failure with a code of the table. Recognised by brand, so that another copy of this package agrees. */
export class AppError extends Error {
  readonly brand = BRAND
  readonly code: string
  readonly spec: ErrorSpec
  readonly details: unknown
  readonly retryAfter: number | undefined

  constructor(code: string, spec: ErrorSpec, extra: ErrorExtra = {}) {
    super(extra.message ?? spec.message, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.name = "AppError"
    this.code = code
    this.spec = spec
    this.details = extra.details
    this.retryAfter = extra.retryAfter
  }
}

/** Makes an error of the core table. */
export function appError(code: CoreCode, extra?: ErrorExtra): AppError {
  return new AppError(code, coreErrors[code], extra)
}

/** What lies at the bottom of an error: the sentence that an operator can act on. For logs, never for callers. */
export function rootOf(thrown: unknown): string {
  let error = toError(thrown)
  for (let depth = 0; depth < 8 && error.cause instanceof Error; depth++) error = error.cause
  return error.message
}

export function isAppError(value: unknown): value is AppError {
  return typeof value === "object" && value !== null && "brand" in value && value.brand === BRAND
}

/** Anything thrown, as an Error: some libraries reject with numbers and strings. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(typeof thrown === "string" ? thrown : `Rejected with ${typeof thrown} ${String(thrown)}`)
}
