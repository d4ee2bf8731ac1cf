import { invalidArgument } from "./error.ts"

export interface ClientOptions {
  /** Where the server is, such as `https://lines.example`; a path in it goes before that of every route. */
  readonly url: string
  /** The admin key or one of a company's; left out on the server's own machine where no key is configured. */
  readonly apiKey?: string | undefined
  /** In place of the platform's own. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /** How long one attempt may take; 60,000 by default. A send waits at most 15 s for WhatsApp, `initialize` 30 s. */
  readonly timeoutMs?: number | undefined
  /** How often a call is tried again where that is safe; 4 by default. */
  readonly retries?: number | undefined
  /** The longest time to wait before one of these; a server that asks for more fails the call. 60,000 by default. */
  readonly longestWaitMs?: number | undefined
}

export interface Settings {
  /** Without a slash at its end. */
  readonly base: string
  readonly apiKey: string | undefined
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly timeoutMs: number
  readonly retries: number
  readonly longestWaitMs: number
}

/** Throws INVALID_ARGUMENT for what cannot work, without an echo of it. */
export function readOptions(options: ClientOptions): Settings {
  const { apiKey, timeoutMs = 60_000, retries = 4, longestWaitMs = 60_000 } = options
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw invalidArgument("apiKey: expected printable ASCII characters without spaces")
  return {
    base: readUrl(options.url),
    apiKey,
    // A method of the global object has to be called as one.
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    timeoutMs: atLeast("timeoutMs", timeoutMs, 1),
    retries: atLeast("retries", retries, 0),
    longestWaitMs: atLeast("longestWaitMs", longestWaitMs, 0),
  }
}

function readUrl(text: string): string {
  const url = parse(text)
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    throw invalidArgument("url: expected one that begins with https:// or http://")
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw invalidArgument("url: expected no name, password, query or fragment in it; a key goes into apiKey")
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "")
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    // What it says holds the text, which may hold a password.
    return undefined
  }
}

function atLeast(name: string, value: number, least: number): number {
  if (typeof value === "number" && value >= least) return value
  throw invalidArgument(`${name}: expected a number from ${least}`)
}
