import { once } from "node:events"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net"
import { expect, vi } from "vitest"
import { createClock } from "../../adapters/system/clock.ts"
import type { Egress } from "../../core/egress.ts"
import { selfSigned } from "../support/certificate.ts"
import { createTestEgress, type TestEgressOptions } from "../support/egress.ts"

/** A server on loopback that tells who is connected. */
export interface TestServer {
  readonly port: number
  /** With the host it is called by. */
  url(path?: string, host?: string): string
  /** Connections that are open now. */
  readonly open: number
  /** Connections there have been. */
  readonly connections: number
  /** Requests that arrived, in order; empty for a server that speaks no HTTP. */
  readonly requests: IncomingMessage[]
  close(): Promise<void>
}

const LARGE_HEAD = 1_048_576

function startServer(listener: RequestListener): Promise<TestServer> {
  const requests: IncomingMessage[] = []
  const server = createServer({ maxHeaderSize: LARGE_HEAD }, (request, response) => {
    requests.push(request)
    listener(request, response)
  })
  return started(server, "http", requests)
}

function startTlsServer(listener: RequestListener): Promise<TestServer> {
  const requests: IncomingMessage[] = []
  const server = createTlsServer(selfSigned, (request, response) => {
    requests.push(request)
    listener(request, response)
  })
  return started(server, "https", requests)
}

/** Whatever it says, it says without HTTP's rules. */
function startTcpServer(listener: (socket: Socket) => void): Promise<TestServer> {
  return started(createTcpServer(listener), "http", [])
}

async function started(server: Server, scheme: string, requests: IncomingMessage[]): Promise<TestServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on("connection", (socket) => {
    connections++
    sockets.add(socket)
    socket.on("error", () => undefined)
    socket.once("close", () => sockets.delete(socket))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  const end = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, "close")
  }
  return {
    port,
    url: (path = "/", host = "127.0.0.1") => `${scheme}://${host}:${port}${path}`,
    get open() {
      return sockets.size
    },
    get connections() {
      return connections
    },
    requests,
    close: () => (closed ??= end()),
  }
}

/** What a test starts, closed with it. */
export interface Premises {
  http(listener: RequestListener): Promise<TestServer>
  tls(listener: RequestListener): Promise<TestServer>
  tcp(listener: (socket: Socket) => void): Promise<TestServer>
  close(): Promise<void>
}

export function openPremises(): Premises {
  const servers: TestServer[] = []
  const keep = async (starting: Promise<TestServer>): Promise<TestServer> => {
    const server = await starting
    servers.push(server)
    return server
  }
  return {
    http: (listener) => keep(startServer(listener)),
    tls: (listener) => keep(startTlsServer(listener)),
    tcp: (listener) => keep(startTcpServer(listener)),
    async close() {
      await Promise.all(servers.splice(0).map((server) => server.close()))
    },
  }
}

/** Reaches servers on loopback, in the machine's time. */
export const inside = (options: TestEgressOptions = {}): Egress =>
  createTestEgress({ allowPrivate: true, clock: createClock(), authorities: selfSigned.cert, ...options })

/** Resolves when nothing is connected to the server any more. */
export async function drained(server: TestServer): Promise<void> {
  await vi.waitFor(() => expect(server.open).toBe(0), { timeout: 10_000 })
}

/** Resolves when so many are connected to the server. */
export async function occupied(server: TestServer, connections: number): Promise<void> {
  await vi.waitFor(() => expect(server.open).toBe(connections), { timeout: 10_000 })
}
