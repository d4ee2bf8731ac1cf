import { type Egress, isUrlRefused, type UrlRules } from "../egress.ts"
import type { LineProxy } from "../provider.ts"
import { refuseFaults } from "../refusal.ts"
import { isHidden, PROXY_RULE, PROXY_SCHEMES, readProxy, shownProxy } from "./proxy-url.ts"

/** The proxy that a company has been given, and by whose word. */
export interface CompanyProxy {
  readonly url: string
  /** The operator's: it may stand anywhere. A company's own has to be public, or it would open the network inside. */
  readonly trusted: boolean
}

const rulesOf = ({ trusted }: CompanyProxy): UrlRules => ({ schemes: PROXY_SCHEMES, trusted, anyPort: trusted })

const fault = (message: string): Error => refuseFaults([{ path: "proxy", code: "VALIDATION_ERROR", message }]).error

/** Where it is now. Rejects with a `UrlRefused` when the server may not connect to it. */
export async function findProxy(egress: Egress, proxy: CompanyProxy): Promise<LineProxy> {
  const { address } = await egress.resolve(proxy.url, rulesOf(proxy))
  return { url: proxy.url, address }
}

/** Throws VALIDATION_ERROR for a proxy that could not be used. */
export async function checkProxy(egress: Egress, proxy: CompanyProxy): Promise<void> {
  try {
    await findProxy(egress, proxy)
  } catch (thrown) {
    if (!isUrlRefused(thrown)) throw thrown
    // An operator may set one whose name comes to life later.
    if (proxy.trusted && thrown.fault.reason === "unresolved") return
    throw fault(thrown.fault.message)
  }
}

/** What the proxy is after a change. Throws VALIDATION_ERROR for what is none. */
export function nextProxy(before: string | null, given: string | null | undefined): string | null {
  if (given === undefined) return before
  if (given === null) return null
  // An answer that is sent back changes nothing.
  if (before !== null && given === shownProxy(before)) return before
  const proxy = readProxy(given)
  if (proxy === undefined) throw fault(PROXY_RULE)
  if (!isHidden(proxy)) return proxy
  throw fault("The credentials are hidden in answers; give the whole URL, or leave `proxy` out to keep it")
}
