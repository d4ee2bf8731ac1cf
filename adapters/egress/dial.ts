import { connect, isIP, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { abortable, type Deadline } from "./deadline.ts"
import { faults } from "./faults.ts"
import type { Place } from "./judgement.ts"
import { refuse } from "./refusals.ts"

/** Opens a socket to an address; only tests put another one in its place. */
export type OpenSocket = (address: string, port: number) => Socket

export const openSocket: OpenSocket = (address, port) => connect({ host: address, port })

export interface DialDeps {
  /** Whether the peer that a socket shows is the one that was meant, and fit to talk to. */
  isPeer(address: string, peer: string | undefined, trusted: boolean): boolean
  readonly open: OpenSocket
  /** Authorities to trust instead of the machine's. */
  readonly authorities: string | undefined
}

/** A name with this many addresses is tried at the first few. */
const MOST_TRIED = 4

/**
 * Connects to one of the place's addresses. Nothing has been written when it resolves, and the peer is the one that was
 * judged. Rejects with URL_UNREACHABLE, a `UrlRefused`, or the deadline's reason.
 */
export async function dial(deps: DialDeps, place: Place, trusted: boolean, deadline: Deadline): Promise<Socket> {
  const tried = place.addresses.slice(0, MOST_TRIED)
  for (const [index, address] of tried.entries()) {
    const share = deadline.left() / (tried.length - index)
    const socket = await reach(() => deps.open(address, place.port), share, deadline)
    if (socket === undefined) continue
    if (deps.isPeer(address, socket.remoteAddress, trusted)) return socket
    socket.destroy()
    throw refuse("address")
  }
  throw faults.connection()
}

/** The socket once it is connected; undefined when it does not get there in its share of the time. */
function reach(open: () => Socket, ms: number, deadline: Deadline): Promise<Socket | undefined> {
  return abortable(deadline.signal, (resolve) => {
    const socket = open()
    const giveUp = (): void => {
      timer.cancel()
      socket.destroy()
      resolve(undefined)
    }
    const timer = deadline.after(ms, giveUp)
    socket.once("connect", () => {
      timer.cancel()
      socket.off("error", giveUp)
      // Whoever uses it next hears of the end by its "close".
      socket.on("error", () => undefined)
      resolve(socket)
    })
    socket.once("error", giveUp)
    return () => {
      timer.cancel()
      socket.destroy()
    }
  })
}

/** TLS with the host of the URL over a way that is open, its certificate checked for that host. */
export function secure(deps: DialDeps, way: Socket, host: string, deadline: Deadline): Promise<Socket> {
  return abortable(deadline.signal, (resolve, reject) => {
    const name = host.endsWith(".") ? host.slice(0, -1) : host
    const socket = connectTls({
      socket: way,
      host: name,
      ...(isIP(name) === 0 && { servername: name }),
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: true,
      ...(deps.authorities !== undefined && { ca: deps.authorities }),
    })
    socket.once("secureConnect", () => resolve(socket))
    const fail = (): void => {
      way.destroy()
      reject(faults.certificate())
    }
    // Stays: an error after the handshake shows as a close as well.
    socket.on("error", fail)
    socket.once("close", fail)
    return () => {
      socket.destroy()
      way.destroy()
    }
  })
}
