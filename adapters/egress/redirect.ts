import type { EgressRequest } from "../../core/egress.ts"
import { refuse } from "./refusals.ts"

/** One request of a chain of redirects. */
export interface Hop {
  readonly url: string
  readonly trusted: boolean
  readonly method: NonNullable<EgressRequest["method"]>
  readonly headers: Headers
  readonly body: Uint8Array | undefined
}

/** The headers that say nothing of who asks. */
const HARMLESS: ReadonlySet<string> = new Set(["accept", "accept-language", "content-type", "user-agent"])

/**
 * Where a redirect leads. To another origin nothing goes that could be a secret, and the trust that its giver has in the
 * first URL does not reach there. Throws a `UrlRefused` when it leads nowhere.
 */
export function nextHop(hop: Hop, status: number, location: string): Hop {
  if (!URL.canParse(location, hop.url)) throw refuse("syntax")
  const url = new URL(location, hop.url)
  const sameOrigin = url.origin === new URL(hop.url).origin
  const keepsMethod = status === 307 || status === 308
  const headers = new Headers(hop.headers)
  if (!sameOrigin) {
    for (const name of hop.headers.keys()) if (!HARMLESS.has(name)) headers.delete(name)
  }
  if (!keepsMethod) headers.delete("content-type")
  return {
    url: url.href,
    trusted: hop.trusted && sameOrigin,
    method: keepsMethod ? hop.method : "GET",
    headers,
    body: keepsMethod ? hop.body : undefined,
  }
}
