import { type DeliveryTarget, utf8 } from "../../core/plugin.ts"

/** Where alerts go. A login in the URL becomes a header: nothing connects to a URL with one. */
export function targetOf(webhook: string): DeliveryTarget {
  const url = new URL(webhook)
  const { username, password } = url
  url.username = ""
  url.password = ""
  const login = utf8(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
  const headers = { authorization: `Basic ${btoa(String.fromCharCode(...login))}` }
  const has = username !== "" || password !== ""
  return { url: url.href, trusted: true, secrets: "server", ...(has && { headers }) }
}
