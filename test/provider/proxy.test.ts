import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { NO_DIRECT_DOWNLOADS } from "../../adapters/provider/baileys/proxy.ts"
import { startSandbox, type Sandbox } from "../sandbox/index.ts"
import { createTestLine } from "./support.ts"

interface Proxy {
  readonly url: string
  /** Where it was asked to connect to. */
  readonly asked: string[]
  close(): void
}

let sandbox: Sandbox
let nextNumber = 15560000

beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.stop())

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
function startHttpProxy(): Promise<Proxy> {
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
function startSocksProxy(): Promise<Proxy> {
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

describe("a line with a proxy", () => {
  test("downloads nothing past it", async () => {
    const fetching = fetch(sandbox.control, NO_DIRECT_DOWNLOADS)
    await expect(fetching).rejects.toMatchObject({ cause: { message: expect.stringContaining("past it") } })
  })

  test.each([
    ["an HTTP proxy", startHttpProxy],
    ["a SOCKS proxy", startSocksProxy],
  ])("links and sends through %s", async (_name, start) => {
    const proxy = await start()
    const company = await sandbox.phone(String(nextNumber++))
    const ann = await sandbox.phone(String(nextNumber++))
    const line = createTestLine({ sandbox, company: company.number, proxy: proxy.url })
    await line.link(company)
    expect(await line.send(ann.number, "by a detour")).toMatchObject({ outcome: "acknowledged" })
    expect(new Set(proxy.asked)).toEqual(new Set([new URL(sandbox.url).host]))
    expect(proxy.asked).toHaveLength(2)
    await line.close()
    proxy.close()
  })

  test("that is not there is unreachable", async () => {
    const proxy = await startHttpProxy()
    proxy.close()
    const line = createTestLine({ sandbox, proxy: proxy.url })
    await line.connect()
    expect(await line.event("close", 3000)).toMatchObject({ reason: "unreachable" })
  })

  test("of an unknown kind is refused without repeating its URL", async () => {
    const line = createTestLine({ sandbox, proxy: "ftp://user:secret@127.0.0.1" })
    await line.connect()
    const { detail } = await line.event("close", 3000)
    expect(detail).toContain("http, https or socks")
    expect(detail).not.toContain("secret")
  })
})
