import { createServer as createTlsServer } from "node:tls"
import { once } from "node:events"
import { type AddressInfo, connect, type Socket } from "node:net"
import { setImmediate } from "node:timers/promises"
import { afterEach, describe, expect, it } from "vitest"
import { selfSigned } from "../support/certificate.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestEgress } from "../support/egress.ts"
import { type Proxy, startHttpProxy, startSocksProxy } from "../support/proxies.ts"
import { drained, inside, occupied, openPremises } from "./servers.ts"

const premises = openPremises()
const proxies: { close(): void }[] = []
afterEach(async () => {
  for (const proxy of proxies.splice(0)) proxy.close()
  await premises.close()
})
const keep = async <P extends { close(): void }>(starting: Promise<P>): Promise<P> => {
  const proxy = await starting
  proxies.push(proxy)
  return proxy
}

/** An HTTP proxy that is spoken to over TLS. */
async function startTlsProxy(): Promise<Proxy> {
  const plain = await startHttpProxy()
  const server = createTlsServer(selfSigned, (client) => {
    const way = connect(Number(new URL(plain.url).port), "127.0.0.1")
    for (const socket of [client, way]) socket.on("error", () => undefined)
    client.pipe(way).pipe(client)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    asked: plain.asked,
    url: `https://user:secret@localhost:${(server.address() as AddressInfo).port}`,
    close() {
      plain.close()
      server.close()
    },
  }
}

const kinds = [
  ["an HTTP proxy", startHttpProxy],
  ["an HTTP proxy over TLS", startTlsProxy],
  ["a SOCKS proxy", startSocksProxy],
] as const

describe("a fetch through a proxy", () => {
  it.each(kinds)("goes to the judged address by %s, which learns no name", async (_name, start) => {
    const proxy = await keep(start())
    const server = await premises.http((_request, response) => void response.end("here"))
    const tls = await premises.tls((_request, response) => void response.end("private"))
    const egress = inside({ names: { "target.example": ["127.0.0.1"] } })
    const options = { proxy: proxy.url, trustedProxy: true }
    expect((await egress.fetch(server.url("/", "target.example"), options)).status).toBe(200)
    expect((await egress.fetch(tls.url("/", "localhost"), options)).status).toBe(200)
    expect(proxy.asked).toEqual([`127.0.0.1:${server.port}`, `127.0.0.1:${tls.port}`])
    expect(server.requests[0]?.headers).toMatchObject({ host: `target.example:${server.port}` })
    expect(JSON.stringify(server.requests[0]?.headers)).not.toMatch(/secret|c2VjcmV0/)
    await drained(server)
  })

  it.each(kinds)("checks the certificate of the target's name behind %s", async (_name, start) => {
    const proxy = await keep(start())
    const server = await premises.tls((_request, response) => void response.end("private"))
    const egress = inside({ names: { "other.example": ["127.0.0.1"] } })
    await expect(
      egress.fetch(server.url("/", "other.example"), { proxy: proxy.url, trustedProxy: true }),
    ).rejects.toMatchObject({ code: "URL_UNREACHABLE", message: expect.stringContaining("certificate") })
    expect([proxy.asked.length, server.requests]).toEqual([1, []])
  })

  it.each(kinds)("judges its target before %s hears of it", async (_name, start) => {
    const proxy = await keep(start())
    const server = await premises.http((_request, response) => void response.end("inside"))
    const egress = createTestEgress()
    for (const host of ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"]) {
      const fetching = egress.fetch(server.url("/", host), { proxy: proxy.url, trustedProxy: true })
      await expect(fetching).rejects.toMatchObject({ fault: { reason: "address" } })
    }
    expect([proxy.asked, server.connections]).toEqual([[], 0])
    const open = createTestEgress({ guard: false, authorities: selfSigned.cert })
    expect((await open.fetch(server.url("/", "0x7f.1"), { proxy: proxy.url })).status).toBe(200)
    expect(proxy.asked).toHaveLength(1)
  })

  it.each(kinds)("judges %s that a company set", async (_name, start) => {
    const proxy = await keep(start())
    const dialled: string[] = []
    const egress = createTestEgress({
      open(address, port) {
        dialled.push(address)
        return connect(port, address)
      },
    })
    await expect(egress.fetch("http://public.example/", { proxy: proxy.url })).rejects.toMatchObject({
      name: "UrlRefused",
      fault: { reason: "address" },
    })
    expect([dialled, proxy.asked]).toEqual([[], []])
  })

  it("judges each redirect, and takes the proxy for each", async () => {
    const proxy = await keep(startSocksProxy())
    const server = await premises.http((request, response) => {
      if (request.url === "/") response.writeHead(302, { location: "/end" }).end()
      else response.writeHead(302, { location: "http://169.254.169.254/" }).end()
    })
    const options = { proxy: proxy.url, trustedProxy: true, redirects: 3 }
    await expect(inside().fetch(server.url(), options)).rejects.toMatchObject({ fault: { reason: "address" } })
    expect(proxy.asked).toEqual([`127.0.0.1:${server.port}`, `127.0.0.1:${server.port}`])
  })

  it("never goes past a proxy that is not there", async () => {
    const proxy = await startHttpProxy()
    proxy.close()
    const server = await premises.http((_request, response) => void response.end("here"))
    const fetching = inside().fetch(server.url(), { proxy: proxy.url, trustedProxy: true })
    await expect(fetching).rejects.toMatchObject({ code: "URL_UNREACHABLE" })
    expect(server.connections).toBe(0)
  })

  it("goes by SOCKS 4 too, whose answer comes in pieces", async () => {
    const asked: Buffer[] = []
    const proxy = await premises.tcp((socket) => {
      socket.setNoDelay(true)
      const say = async (): Promise<void> => {
        for (const byte of [0, 0x5a, 1, 2, 3, 4, 5, 6]) {
          socket.write(Uint8Array.of(byte))
          await setImmediate()
        }
        socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere"))
      }
      socket.once("data", (request) => {
        asked.push(request)
        void say()
      })
    })
    const options = { proxy: `socks4://me@127.0.0.1:${proxy.port}`, trustedProxy: true }
    const { body } = await inside().fetch("http://93.184.215.14:8080/", options)
    expect(new TextDecoder().decode(body)).toBe("here")
    expect(asked).toEqual([Buffer.from([4, 1, 8080 >> 8, 8080 & 0xff, 93, 184, 215, 14, 0x6d, 0x65, 0])])
  })

  it.each(["ftp://127.0.0.1:21", "http://user%:secret@127.0.0.1:8080", "socks6://127.0.0.1", "127.0.0.1:1080", ""])(
    "knows no proxy %j",
    async (proxy) => {
      const fetching = inside().fetch("http://public.example/", { proxy, trustedProxy: true })
      await expect(fetching).rejects.toMatchObject({ name: "UrlRefused" })
    },
  )
})

describe("a proxy that does not let it through", () => {
  const answers = (...said: readonly (string | Uint8Array)[]) =>
    premises.tcp((socket: Socket) => {
      const left = [...said]
      socket.on("data", () => {
        const next = left.shift()
        if (next !== undefined) socket.write(next)
      })
    })
  const bytes = (...said: readonly number[]): Uint8Array => Uint8Array.from(said)

  it.each([
    ["wants other credentials", "http", ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"]],
    ["redirects", "http", ["HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n"]],
    ["is none", "http", ["SSH-2.0\r\n\r\n"]],
    ["has no end to its headers", "http", [`HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}`]],
    ["speaks version 4", "socks5", [bytes(4, 2)]],
    ["wants another authentication", "socks5", [bytes(5, 0xff)]],
    ["chooses one that was not offered", "socks5", [bytes(5, 1)]],
    ["does not take the password", "socks5", [bytes(5, 2), bytes(1, 1)]],
    ["cannot get there", "socks5", [bytes(5, 2), bytes(1, 0), bytes(5, 5, 0, 1, 0, 0, 0, 0, 0, 0)]],
    ["rejects in version 4", "socks4", [bytes(0, 0x5b, 0, 0, 0, 0, 0, 0)]],
  ])("%s: nothing of its answer is told", async (_name, scheme, said) => {
    const proxy = await answers(...said)
    const url = `${scheme}://user:secret@127.0.0.1:${proxy.port}`
    const fetching = inside().fetch("http://93.184.215.14/path", { proxy: url, trustedProxy: true })
    await expect(fetching).rejects.toMatchObject({ code: "URL_UNREACHABLE" })
    await fetching.catch((error: Error) => expect(error.message).not.toMatch(/secret|127|93\.|path|407|SSH/))
    await drained(proxy)
  })

  it("cannot be SOCKS 4 for IPv6", async () => {
    const proxy = await answers(bytes(0, 0x5a, 0, 0, 0, 0, 0, 0))
    const options = { proxy: `socks4://127.0.0.1:${proxy.port}`, trustedProxy: true }
    await expect(inside().fetch("http://[2606:4700::1]/", options)).rejects.toMatchObject({ code: "URL_UNREACHABLE" })
    await drained(proxy)
  })

  it("says nothing, or ends, and is given up", async () => {
    const clock = createTestClock()
    const mute = await premises.tcp((socket) => void socket.resume())
    const options = (port: number) => ({ proxy: `socks5://127.0.0.1:${port}`, trustedProxy: true })
    const failed = expect(inside({ clock }).fetch("http://93.184.215.14/", options(mute.port))).rejects.toMatchObject({
      code: "URL_TIMEOUT",
    })
    await occupied(mute, 1)
    await clock.advance(15_000)
    await failed
    await drained(mute)
    const ending = await premises.tcp((socket) => void socket.end())
    await expect(inside().fetch("http://93.184.215.14/", options(ending.port))).rejects.toMatchObject({
      code: "URL_UNREACHABLE",
    })
  })
})
