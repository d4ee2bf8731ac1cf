import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"

/** Proxies on loopback that take any name and password. */

export interface Proxy {
  readonly url: string
  /** Where it was asked to connect to. */
  readonly asked: string[]
  close(): void
}

async function listen(server: Server, scheme: string, asked: string[], sockets: Set<Socket>): Promise<Proxy> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${scheme}://user:secret@127.0.0.1:${port}`,
    asked,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function tie(client: Socket, host: string, port: number, sockets: Set<Socket>, greeting: string | Uint8Array): void {
  const upstream = connect(port, host, () => {
    client.write(greeting)
    client.pipe(upstream).pipe(client)
  })
  sockets.add(upstream)
  // Either side may break off; the other sees it by itself.
  for (const socket of [client, upstream]) socket.on("error", () => undefined)
}

/** `CONNECT host:port`, as an HTTP proxy has it. */
export function startHttpProxy(): Promise<Proxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    sockets.add(client)
    client.once("data", (head) => {
      const [, host = "", port = ""] = /^CONNECT ([^:]+):(\d+) HTTP/.exec(head.toString()) ?? []
      asked.push(`${host}:${port}`)
      tie(client, host, Number(port), sockets, "HTTP/1.1 200 OK\r\n\r\n")
    })
  })
  return listen(server, "http", asked, sockets)
}

/** SOCKS5 with a name and a password, connecting to an IPv4 address or a name. */
export function startSocksProxy(): Promise<Proxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    sockets.add(client)
    client.once("data", () => {
      client.write(Uint8Array.of(5, 2))
      client.once("data", () => {
        client.write(Uint8Array.of(1, 0))
        client.once("data", (request) => {
          const named = request[3] === 3
          const end = named ? 5 + (request[4] ?? 0) : 8
          const host = named ? request.subarray(5, end).toString() : request.subarray(4, 8).join(".")
          const port = request.readUInt16BE(end)
          asked.push(`${host}:${port}`)
          tie(client, host, port, sockets, Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        })
      })
    })
  })
  return listen(server, "socks5", asked, sockets)
}
