import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** How long the server waits for slow clients, and for how many it waits at once. */
export interface Patience {
  /** For all headers of a request; one that is silent from the start included (ms). */
  readonly headersMs: number
  /** For a body to arrive and for an answer to be taken, beside the time that their bytes earn (ms). */
  readonly graceMs: number
  /** The slowest sender and reader that are waited for after that. */
  readonly bytesPerSecond: number
  /** How often it is looked who is too slow (ms). */
  readonly checkMs: number
  /** Connections that are open at once. One more ends the one that has gone longest without a whole request. */
  readonly connections: number
}

/** A body of 64 MiB comes through at 128 kbit/s, in about 70 minutes; one byte a second is given up after 30 s. */
export const PATIENCE: Patience = {
  headersMs: 10_000,
  graceMs: 30_000,
  bytesPerSecond: 16_384,
  checkMs: 2_000,
  connections: 10_000,
}

interface Peer {
  incoming: IncomingMessage | undefined
  outgoing: ServerResponse | undefined
  /** When the latest request began, and what had come by then. */
  since: number
  from: number
  /** Bytes that waited to be taken when they were last looked at, and until when they may. */
  taking: { readonly upTo: number; readonly due: number } | undefined
}

export interface Watch {
  /** A request whose headers have come. */
  request(incoming: IncomingMessage, outgoing: ServerResponse): void
  /** True while nothing may be said on this connection but the answer to a request before. */
  isAnswering(socket: Socket): boolean
  end(): void
}

/**
 * Watches the connections of a server. Node's own limit on a request is one of time alone: short, it cuts off a large body
 * on a slow line, and long, it lets a thousand senders of one byte a second in. Here time is earned by bytes. Headers are
 * left to Node's `headersTimeout`. `refuse` ends a connection whose request did not come in time, with words if it can.
 */
export function watchConnections(server: Server, patience: Patience, refuse: (socket: Socket) => void): Watch {
  // In the order of their latest requests, or of their coming.
  const peers = new Map<Socket, Peer>()
  const earned = (bytes: number): number => patience.graceMs + (bytes / patience.bytesPerSecond) * 1_000

  const isBusy = ({ incoming, outgoing }: Peer): boolean =>
    incoming?.complete === true && outgoing?.writableFinished === false

  const makeRoom = (): void => {
    for (const [socket, peer] of peers) {
      if (isBusy(peer)) continue
      peers.delete(socket)
      return void socket.destroy()
    }
  }

  const isLateSender = (socket: Socket, peer: Peer, now: number): boolean => {
    const { incoming } = peer
    if (incoming === undefined || incoming.complete) return false
    if (incoming.readableLength > 0) {
      // It is we who have not read what came.
      peer.since = now
      peer.from = socket.bytesRead
      return false
    }
    return now - peer.since > earned(socket.bytesRead - peer.from)
  }

  const isLateReader = (socket: Socket, peer: Peer, now: number): boolean => {
    const waiting = socket.writableLength
    if (waiting === 0) {
      peer.taking = undefined
      return false
    }
    const { bytesWritten } = socket
    if (peer.taking === undefined || bytesWritten - waiting >= peer.taking.upTo) {
      peer.taking = { upTo: bytesWritten, due: now + earned(waiting) }
      return false
    }
    return now > peer.taking.due
  }

  server.on("connection", (socket) => {
    if (peers.size >= patience.connections) makeRoom()
    peers.set(socket, { incoming: undefined, outgoing: undefined, since: 0, from: 0, taking: undefined })
    socket.once("close", () => peers.delete(socket))
  })
  const timer = setInterval(() => {
    const now = performance.now()
    for (const [socket, peer] of peers) {
      if (isLateSender(socket, peer, now)) refuse(socket)
      else if (isLateReader(socket, peer, now)) socket.destroy()
    }
  }, patience.checkMs)
  timer.unref()

  return {
    request(incoming, outgoing) {
      const { socket } = incoming
      const peer = peers.get(socket)
      if (peer === undefined) return
      peer.incoming = incoming
      peer.outgoing = outgoing
      peer.since = performance.now()
      peer.from = socket.bytesRead
      peers.delete(socket)
      peers.set(socket, peer)
    },
    isAnswering(socket) {
      const peer = peers.get(socket)
      return (
        peer !== undefined && (isBusy(peer) || (peer.outgoing?.headersSent === true && !peer.outgoing.writableFinished))
      )
    },
    end: () => clearInterval(timer),
  }
}
