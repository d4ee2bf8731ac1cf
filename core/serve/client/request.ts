import { invalidArgument } from "./error.ts"

/** What every call takes beside its own arguments. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. What has reached the server is not taken back. */
  readonly signal?: AbortSignal | undefined
  /** In place of the client's own, for each attempt. */
  readonly timeoutMs?: number | undefined
  /** 1–128 of `A-Z a-z 0-9 _ . : -`: stands in the server's log and in what the call brings about. */
  readonly requestId?: string | undefined
}

export interface SendOptions extends CallOptions {
  /** In place of one that the client makes: 1–255 printable ASCII characters, kept by the server for 24 h. */
  readonly idempotencyKey?: string | undefined
  /** Answers as soon as the message is stored, without waiting for WhatsApp. */
  readonly respondAsync?: boolean | undefined
}

export interface UploadOptions extends CallOptions {
  /** Type of a body that is given as text, bytes or a blob. */
  readonly contentType?: string | undefined
}

export interface StreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined
}

/** A body in another form than JSON. */
export type RawBody = string | Uint8Array<ArrayBuffer> | Blob

/** Fields of a query; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * What may be done again when no answer came. `always`: it changes nothing, or to the same. `keyed`: it carries an
 * Idempotency-Key. `refused`: only when the server has said that it did nothing.
 */
export type Repeat = "always" | "keyed" | "refused"

/** One call, as the routes describe it. */
export interface ClientRequest {
  readonly method: string
  readonly path: string
  readonly query?: object | undefined
  readonly body?: unknown
  /** Type of a body that is no object. */
  readonly rawType?: string
  readonly repeat: Repeat
  /** `data`: what stands under `data` in the answer. `response`: the answer itself, its body unread. */
  readonly takes: "data" | "json" | "text" | "response"
}

type AnyOptions = SendOptions & UploadOptions

export interface Caller {
  /** Rejects with a SwitchboardError, or with the reason of the signal. */
  call<T>(request: ClientRequest, options: AnyOptions | undefined): Promise<T>
  /** Server-sent events of a path, for as long as somebody reads them. */
  stream<T>(path: string, query: object | undefined, options: StreamOptions | undefined): AsyncGenerator<T, void, void>
}

/** A path whose values cannot leave their place in it. */
export function path(words: readonly string[], ...values: readonly string[]): string {
  return words.reduce((whole, word, at) => `${whole}${segment(values[at - 1])}${word}`)
}

function segment(value: string | undefined): string {
  // The last two would be taken for folders and lead to another route.
  if (typeof value !== "string" || value === "" || value === "." || value === "..")
    throw invalidArgument("An id in a path is a text, and neither empty nor a dot or two")
  return encodeURIComponent(value)
}
