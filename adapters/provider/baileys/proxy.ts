import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"
import { lookup } from "node:dns/promises"
import type { Socket } from "node:net"
import { connect as connectTls, type ConnectionOptions } from "node:tls"
import { appError, toError } from "../../../core/errors.ts"
import { isUrlRefused } from "../../../core/egress.ts"
import type { Clock } from "../../../core/clock.ts"
import type { LineProxy } from "../../../core/provider.ts"
import { canonicalAddress } from "../../egress/address.ts"
import { openDeadline } from "../../egress/deadline.ts"
import { openSocket } from "../../egress/dial.ts"
import { readTarget } from "../../egress/target.ts"
import { PROXY_SCHEMES, type ProxyPlace, tunnel } from "../../egress/tunnel.ts"

export interface ProxyAgentOptions {
  /** The server is spoken to over TLS. */
  readonly secure: boolean
  readonly clock: Clock
  readonly connectTimeoutMs: number
  /** Ends what is on its way. */
  readonly signal: AbortSignal
}

/** Proxies that the environment names have no say, which later runtimes would give them. */
const ALONE = { keepAlive: false, proxyEnv: {} }

/**
 * An agent that connects through the proxy, at the address where it has been judged. Throws VALIDATION_ERROR for any
 * scheme but http, https and socks, without repeating the URL, which may hold a password.
 */
export function proxyAgent(proxy: LineProxy, options: ProxyAgentOptions): HttpsAgent {
  const place = placeOf(proxy)
  const agent = options.secure ? new HttpsAgent(ALONE) : new HttpAgent(ALONE)
  const open = async (to: Destination): Promise<Socket> => {
    const deadline = openDeadline(options.clock, options.connectTimeoutMs, options.signal)
    try {
      // These two kinds of proxies are told addresses by whoever goes through them, all others look names up themselves.
      const local = place.url.protocol === "socks4:" || place.url.protocol === "socks5:"
      const asked = local ? (await lookup(to.host)).address : to.host
      const way = await tunnel(dialling, place, asked, Number(to.port), deadline)
      return options.secure ? connectTls({ ...to, port: Number(to.port), socket: way }) : way
    } finally {
      deadline.end()
    }
  }
  Object.assign(agent, {
    createConnection(destination: Destination, done: (error: Error | null, socket?: Socket) => void): undefined {
      open(destination).then(
        (socket) => done(null, socket),
        (thrown: unknown) => done(networkError(toError(thrown).message)),
      )
    },
  })
  // The library names the narrower class, also for a server without TLS.
  return agent as HttpsAgent
}

interface Destination extends Omit<ConnectionOptions, "host" | "port"> {
  readonly host: string
  readonly port: number | string
}

const dialling = {
  isPeer: (address: string, peer: string | undefined): boolean =>
    peer !== undefined && canonicalAddress(peer) === canonicalAddress(address),
  open: openSocket,
  authorities: undefined,
}

/** The library knows an error of the network, after which the line tries again, by a code that begins with E. */
const networkError = (message: string): Error => Object.assign(new Error(message), { code: "ECONNABORTED" })

function placeOf({ url, address }: LineProxy): ProxyPlace {
  try {
    // Judged before it came here.
    const target = readTarget(url, { schemes: PROXY_SCHEMES, credentials: true, anyPort: true, guard: true })
    return { ...target, addresses: [address], trusted: true }
  } catch (thrown) {
    if (!isUrlRefused(thrown)) throw thrown
    throw appError("VALIDATION_ERROR", { message: "The proxy must be an http, https or socks URL" })
  }
}

/**
 * Options for the library's own downloads (history, app state) on a line with a proxy. They go through `fetch`, which knows
 * nothing of agents, and would show the server's address; they are refused, and nothing of them is needed to send or receive.
 */
export const NO_DIRECT_DOWNLOADS: RequestInit & { readonly dispatcher: { dispatch(): never } } = {
  dispatcher: {
    dispatch() {
      throw new Error("A line with a proxy downloads nothing past it")
    },
  },
}
