import type { Socket } from "node:net"
import type { Deadline } from "./deadline.ts"
import { dial, type DialDeps, secure } from "./dial.ts"
import { connectThroughHttp } from "./http-proxy.ts"
import type { Place } from "./judgement.ts"
import { connectThroughSocks } from "./socks-proxy.ts"

/** Schemes of proxies. */
export const PROXY_SCHEMES = ["http:", "https:", "socks:", "socks4:", "socks4a:", "socks5:", "socks5h:"] as const

export interface ProxyPlace extends Place {
  readonly trusted: boolean
}

/** A way through a proxy to `host`: an address, or a name that the proxy is to look up. Rejects as `dial` does. */
export async function tunnel(
  deps: DialDeps,
  proxy: ProxyPlace,
  host: string,
  port: number,
  deadline: Deadline,
): Promise<Socket> {
  const way = await dial(deps, proxy, proxy.trusted, deadline)
  try {
    const socket = proxy.url.protocol === "https:" ? await secure(deps, way, proxy.host, deadline) : way
    const ask = proxy.url.protocol.startsWith("socks") ? connectThroughSocks : connectThroughHttp
    await ask(socket, proxy.url, host, port, deadline.signal)
    return socket
  } catch (thrown) {
    way.destroy()
    throw thrown
  }
}
