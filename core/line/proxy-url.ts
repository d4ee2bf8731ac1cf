/** The proxy through which a company's line reaches WhatsApp, as a URL that may hold a name and a password. */

export const PROXY_SCHEMES: readonly string[] = [
  "http:",
  "https:",
  "socks:",
  "socks4:",
  "socks4a:",
  "socks5:",
  "socks5h:",
]
/** Stands for the name and the password wherever a proxy is shown. */
const HIDDEN = "***"
export const LONGEST_PROXY = 2_048

/** What a proxy URL has to be, for whoever gave another one. */
export const PROXY_RULE =
  "expected an http, https or socks URL such as socks5://user:password@proxy.example:1080, without a path, and with % in a name or password written as %25"

/** The URL in one spelling; undefined for what is none, or names more than a proxy. */
export function readProxy(text: string): string | undefined {
  if (text.length > LONGEST_PROXY || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!PROXY_SCHEMES.includes(url.protocol) || url.hostname === "" || url.port === "0") return undefined
  if ((url.pathname !== "" && url.pathname !== "/") || url.search !== "" || url.hash !== "") return undefined
  return decodes(url.username) && decodes(url.password) ? url.href : undefined
}

/** As it is shown: where the proxy is, and only that there are credentials. */
export function shownProxy(proxy: string): string {
  const { protocol, host, username, password } = new URL(proxy)
  return `${protocol}//${username === "" && password === "" ? "" : `${HIDDEN}@`}${host}`
}

/** True for a URL whose credentials are the stand-in of an answer. */
export function isHidden(proxy: string): boolean {
  return decodeURIComponent(new URL(proxy).username) === HIDDEN
}

/** Proxies are given the decoded text; one that cannot be decoded would fail at every connection. */
function decodes(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    // A stray % sign.
    return false
  }
}
