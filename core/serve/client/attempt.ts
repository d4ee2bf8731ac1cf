import { type ClientCode, invalidArgument, SwitchboardError } from "./error.ts"
import type { Settings } from "./options.ts"
import type { ClientRequest, Query, RawBody, SendOptions, UploadOptions } from "./request.ts"
import { reasonOf, type Timing } from "./timing.ts"

export interface Attempt {
  /** The answer's body as the request takes it. Rejects with a SwitchboardError, or with the reason of the signal. */
  run(): Promise<unknown>
}

type Options = SendOptions & UploadOptions
type Fields = Readonly<Record<string, unknown>>

/** One request over the wire, as often as `run` is called, each time the same. */
export function createAttempt(
  settings: Settings,
  timing: Timing,
  request: ClientRequest,
  options: Options & { readonly key: string | undefined },
): Attempt {
  checkHeader("idempotencyKey", options.key, /^[\x20-\x7e]{1,255}$/)
  checkHeader("requestId", options.requestId, /^[A-Za-z0-9_.:-]{1,128}$/)
  const url = `${settings.base}${request.path}${queryText(request.query)}`
  const { body, headers } = contentOf(request, options)
  const init: RequestInit = {
    method: request.method,
    headers: { ...headersOf(settings, request, options), ...headers },
    // A key must not follow a redirect to another server, and a POST would arrive there as a GET.
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  }
  const timeoutMs = (options.timeoutMs ?? settings.timeoutMs) + waitAskedFor(request.query)
  return {
    async run() {
      const deadline = createDeadline(timing, timeoutMs, options.signal)
      try {
        const response = await settings.fetch(url, { ...init, signal: deadline.signal })
        const answer = await read(response, request)
        if (request.takes === "response") deadline.extend()
        return answer
      } catch (thrown) {
        if (thrown instanceof SwitchboardError) throw thrown
        if (options.signal?.aborted === true) throw reasonOf(options.signal)
        throw deadline.passed() ? noAnswer("TIMEOUT", `No answer within ${timeoutMs} ms`, thrown) : unreachable(thrown)
      } finally {
        deadline.end()
      }
    },
  }
}

/** The answer of a stream that has begun; its body is unread. */
export async function openStream(
  settings: Settings,
  target: { readonly path: string; readonly query: object | undefined; readonly lastEventId: string | undefined },
  signal: AbortSignal,
): Promise<Response> {
  const response = await settings
    .fetch(`${settings.base}${target.path}${queryText(target.query)}`, {
      headers: {
        accept: "text/event-stream",
        ...(settings.apiKey === undefined ? {} : { "x-api-key": settings.apiKey }),
        ...(target.lastEventId === undefined ? {} : { "last-event-id": target.lastEventId }),
      },
      redirect: "manual",
      signal,
    })
    .catch((thrown: unknown) => {
      throw unreachable(thrown)
    })
  if (!response.ok) throw failureOf(response, parse(await response.text().catch(() => "")))
  return response
}

export const unreachable = (cause: unknown): SwitchboardError =>
  noAnswer("NETWORK_ERROR", "The server could not be reached, or its answer broke off", cause)

function noAnswer(code: ClientCode, message: string, cause: unknown): SwitchboardError {
  return new SwitchboardError({ code, status: 0, message, isRetryable: true, cause })
}

/** A header that cannot be sent would look like a server that cannot be reached. */
function checkHeader(name: string, value: string | undefined, form: RegExp): void {
  if (value !== undefined && !form.test(value))
    throw invalidArgument(`${name}: expected a text that fits ${form.source}`)
}

function headersOf(
  { apiKey }: Settings,
  { takes }: ClientRequest,
  { key, respondAsync, requestId }: Options & { readonly key: string | undefined },
): Record<string, string> {
  return {
    accept: takes === "data" || takes === "json" ? "application/json" : "*/*",
    ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
    ...(key === undefined ? {} : { "idempotency-key": key }),
    ...(respondAsync === true ? { prefer: "respond-async" } : {}),
    ...(requestId === undefined ? {} : { "x-request-id": requestId }),
  }
}

function contentOf(
  { body, rawType }: ClientRequest,
  { contentType }: Options,
): { readonly body?: RawBody; readonly headers: Record<string, string> } {
  if (body === undefined) return { headers: {} }
  if (rawType !== undefined && (typeof body === "string" || body instanceof Uint8Array || body instanceof Blob)) {
    // Bytes shared between threads are refused by fetch itself.
    return { body: body as RawBody, headers: { "content-type": contentType ?? rawType } }
  }
  return { body: JSON.stringify(body), headers: { "content-type": "application/json" } }
}

/** Milliseconds that the server is asked to wait for, before it answers. */
function waitAskedFor(query: object | undefined): number {
  const { wait } = (query ?? {}) as { readonly wait?: unknown }
  return typeof wait === "number" ? wait * 1_000 : 0
}

function queryText(query: object | undefined): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]: [string, Query[string]]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`
}

async function read(response: Response, { takes }: ClientRequest): Promise<unknown> {
  if (response.ok && takes === "response") return response
  const text = await response.text()
  if (response.ok && takes === "text") return text
  const json = parse(text)
  // What a route answers may come with a status that says more, such as that of a server which is not well.
  if (!response.ok && json?.success !== true) throw failureOf(response, json)
  if (json === undefined || (takes === "data" && !("data" in json))) throw unexpected(response)
  return takes === "data" ? json.data : json
}

function failureOf(response: Response, json: Fields | undefined): SwitchboardError {
  const { error, requestId } = json ?? {}
  const { code, message, details, isRetryable, retryAfter } = (error ?? {}) as Fields
  if (typeof code !== "string" || typeof message !== "string") return unexpected(response)
  return new SwitchboardError({
    code,
    message,
    status: response.status,
    details,
    isRetryable: isRetryable === true,
    retryAfter: typeof retryAfter === "number" ? retryAfter : retryAfterOf(response),
    requestId: typeof requestId === "string" ? requestId : undefined,
  })
}

function unexpected(response: Response): SwitchboardError {
  const { status, type } = response
  const redirected = type === "opaqueredirect" || (status >= 300 && status < 400)
  return new SwitchboardError({
    code: "UNEXPECTED_ANSWER" satisfies ClientCode,
    status,
    message: redirected
      ? "The server sends callers to another address; give that one as the url"
      : `The answer ${status} is not one of Switchboard; is it at this address?`,
    isRetryable: [429, 502, 503, 504].includes(status),
    retryAfter: retryAfterOf(response),
    requestId: response.headers.get("x-request-id") ?? undefined,
  })
}

/** Seconds; the header may name a moment instead. */
function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get("retry-after")
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1_000))
}

/** Undefined for what is no JSON object. */
function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? (value as Fields) : undefined
  } catch {
    // Whatever it is, it is no answer of ours, and the caller says so.
    return undefined
  }
}

/** A signal that ends with the caller's own or with the time. */
function createDeadline(timing: Timing, ms: number, outer: AbortSignal | undefined) {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort()
  if (outer?.aborted === true) onAbort()
  outer?.addEventListener("abort", onAbort, { once: true })
  let late = false
  let extended = false
  const cancel = timing.after(ms, () => {
    late = true
    controller.abort()
  })
  return {
    signal: controller.signal,
    passed: () => late,
    /** The body is still to be read by the caller, in as much time as that takes. */
    extend() {
      extended = true
    },
    end() {
      cancel()
      if (!extended) outer?.removeEventListener("abort", onAbort)
    },
  }
}
