/** What the client itself can find; every other code is one of the API's table. */
export type ClientCode =
  /** No answer came, or it broke off. */
  | "NETWORK_ERROR"
  /** No answer came within `timeoutMs`. */
  | "TIMEOUT"
  /** Something answered, and not as Switchboard does: a proxy, another program, another address. */
  | "UNEXPECTED_ANSWER"
  /** The call cannot be made as it was asked for; nothing was sent. */
  | "INVALID_ARGUMENT"

export interface ErrorParts {
  readonly code: string
  readonly message: string
  /** Of the answer; 0 when there was none. */
  readonly status: number
  readonly details?: unknown
  readonly isRetryable?: boolean
  readonly retryAfter?: number | undefined
  readonly requestId?: string | undefined
  readonly cause?: unknown
}

/** A call that failed. */
export class SwitchboardError extends Error {
  /** Of the API's table of errors, or one of `ClientCode`. */
  readonly code: string
  /** Of the answer; 0 when there was none. */
  readonly status: number
  /** More of the API: for faults in a body, `[{ path, code, message }]`. */
  readonly details: unknown
  /** True: the same call may succeed later. */
  readonly isRetryable: boolean
  /** Seconds until it is worth trying again, where the server says so. */
  readonly retryAfter: number | undefined
  /** Finds the request in the server's log. */
  readonly requestId: string | undefined

  constructor(parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause })
    this.name = "SwitchboardError"
    this.code = parts.code
    this.status = parts.status
    this.details = parts.details
    this.isRetryable = parts.isRetryable ?? false
    this.retryAfter = parts.retryAfter
    this.requestId = parts.requestId
  }
}

export const invalidArgument = (message: string): SwitchboardError =>
  new SwitchboardError({ code: "INVALID_ARGUMENT" satisfies ClientCode, status: 0, message })
