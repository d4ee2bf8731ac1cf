import { isIP } from "node:net"
import type { UrlRules } from "../../core/egress.ts"
import { refuse } from "./refusals.ts"

/** Where a URL leads, before its host has been resolved. */
export interface Target {
  readonly url: URL
  /** A name, or an IP address in its one spelling, without brackets. */
  readonly host: string
  readonly port: number
}

export interface TargetRules extends UrlRules {
  /** A name and a password may stand in it, as in the URL of a proxy. */
  readonly credentials?: boolean
  /** False: only what cannot be used at all is refused. */
  readonly guard: boolean
}

const LONGEST = 8_192
const STANDARD_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 }
const SOCKS_PORT = 1080
/** URL parsers drop these or take them for something else, each in its own way. */
const AMBIGUOUS = /[\p{Cc}\p{Z}\\]/u

/** Throws a `UrlRefused` for a URL that may not be used wherever it leads. */
export function readTarget(text: string, rules: TargetRules): Target {
  if (text.length > LONGEST || (rules.guard && AMBIGUOUS.test(text)) || !URL.canParse(text)) throw refuse("syntax")
  const url = new URL(text)
  const schemes = rules.schemes ?? ["http:", "https:"]
  if (!schemes.includes(url.protocol)) throw refuse("scheme", schemeSentence(schemes))
  const withCredentials = url.username !== "" || url.password !== ""
  if (withCredentials && rules.guard && rules.credentials !== true) throw refuse("credentials")
  if (!decodes(url.username) || !decodes(url.password)) throw refuse("syntax")
  const host = plainHost(url)
  const port = url.port === "" ? (STANDARD_PORTS[url.protocol] ?? SOCKS_PORT) : Number(url.port)
  if (rules.guard && rules.anyPort !== true && port !== 80 && port !== 443 && port < 1024) throw refuse("port")
  if (port === 0) throw refuse("port")
  return { url, host, port }
}

/** The parser puts addresses into one spelling only for schemes it knows, which socks is not. */
function plainHost(url: URL): string {
  const whole = `http://${url.hostname}/`
  if (url.hostname === "" || !URL.canParse(whole)) throw refuse("syntax")
  const host = new URL(whole).hostname
  const bare = host.startsWith("[") ? host.slice(1, -1) : host
  if (isIP(bare) === 0 && !isName(bare)) throw refuse("syntax")
  return bare
}

/** Proxies are given the decoded text. */
function decodes(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    // A stray % sign.
    return false
  }
}

/** Fits into a DNS question. */
function isName(host: string): boolean {
  const name = host.endsWith(".") ? host.slice(0, -1) : host
  return name.length <= 253 && name.split(".").every((label) => label.length > 0 && label.length <= 63)
}

function schemeSentence(schemes: readonly string[]): string {
  return `expected a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`
}
