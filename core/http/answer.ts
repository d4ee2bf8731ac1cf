import { type AppError, appError, isAppError } from "../errors.ts"

/** Answers: their headers, and the one shape of every failure. */

/** For answers that are data. A page sets a policy of its own. */
const PROTECTION: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
}

const ANSWER = Symbol("answer")

/** What a handler answers, before all that will stand in its headers is known. */
export interface JsonAnswer {
  readonly [ANSWER]: true
  readonly body: unknown
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** A handler's answer in JSON, with a status and headers of its own. */
export function jsonAnswer(
  body: unknown,
  status: number,
  headers: Readonly<Record<string, string>> = NO_HEADERS,
): JsonAnswer {
  return { [ANSWER]: true, body, status, headers }
}

const NO_HEADERS = Object.freeze({})

export function isJsonAnswer(value: object): value is JsonAnswer {
  return ANSWER in value
}

/** JSON with all its headers; made in one go, which the Node server sends without building a header list. */
export function jsonResponse(
  body: unknown,
  status: number,
  requestId: string,
  ...more: readonly (Readonly<Record<string, string>> | undefined)[]
): Response {
  // Fields of its own first: an object that is spread and then added to is a new kind of object to the engine each time.
  const headers = { "content-type": "application/json", "x-request-id": requestId, ...PROTECTION }
  for (const some of more) Object.assign(headers, some)
  return new Response(JSON.stringify(body), { status, headers })
}

/** A handler's own answer, with `more`, and every other header added that it does not set itself. */
export function protect(response: Response, requestId: string, more: Readonly<Record<string, string>> = {}): Response {
  let answer = response
  try {
    answer.headers.set("x-request-id", requestId)
  } catch {
    // Headers of a response that came from elsewhere, such as a redirect, cannot be changed.
    answer = new Response(response.body, response)
    answer.headers.set("x-request-id", requestId)
  }
  for (const [name, value] of Object.entries(more)) answer.headers.set(name, value)
  for (const [name, value] of Object.entries(PROTECTION)) {
    if (!answer.headers.has(name)) answer.headers.set(name, value)
  }
  return answer
}

/** Whatever was thrown, as a failure fit for the caller: what is not in the table is an internal error and says no more. */
export function failureOf(thrown: unknown): AppError {
  return isAppError(thrown) ? thrown : appError("INTERNAL_ERROR", { cause: thrown })
}

export function failureAnswer(failure: AppError, requestId: string, more?: Readonly<Record<string, string>>): Response {
  const { code, message, details, spec, retryAfter } = failure
  const seconds = retryAfter === undefined ? undefined : Math.max(1, Math.ceil(retryAfter))
  const body = {
    success: false,
    error: {
      code,
      message,
      ...(details === undefined ? {} : { details }),
      isRetryable: spec.retryable ?? false,
      ...(seconds === undefined ? {} : { retryAfter: seconds }),
    },
    requestId,
  }
  return jsonResponse(body, spec.status, requestId, {
    ...(seconds === undefined ? {} : { "retry-after": String(seconds) }),
    ...(spec.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...more,
  })
}
