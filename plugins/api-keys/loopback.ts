import type { Knock } from "../../core/plugin.ts"

/** Who may call a server that has no key: programs on the same machine, and nobody who only looks like one. */

const HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i
const PEER = /^(::ffff:)?127(\.\d{1,3}){3}$/i
/** A proxy on this machine is not its own machine's program: what it passes on may come from anywhere. */
const FORWARDING = new Set(["forwarded", "x-real-ip", "via"])

/** True for a request that came straight from this machine, to a name of this machine, and not from a foreign web page. */
export function isOwnMachine({ headers, remoteAddress }: Knock): boolean {
  if (remoteAddress === undefined || !(remoteAddress === "::1" || PEER.test(remoteAddress))) return false
  // A page can have its own name resolve to 127.0.0.1; the name it used still stands here.
  if (!HOST.test(headers.get("host") ?? "")) return false
  for (const name of headers.keys()) {
    if (FORWARDING.has(name) || name.startsWith("x-forwarded-")) return false
  }
  // A page's images, scripts and links carry no Origin; browsers say of them where they stand.
  if (headers.get("sec-fetch-site") === "cross-site") return false
  const origin = headers.get("origin")
  return origin === null || isOwnOrigin(origin)
}

function isOwnOrigin(origin: string): boolean {
  const scheme = /^https?:\/\//i.exec(origin)
  return scheme !== null && HOST.test(origin.slice(scheme[0].length))
}
