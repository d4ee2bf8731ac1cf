import { request as plainRequest } from "node:http"
import { request as tlsRequest, type RequestOptions } from "node:https"
import { afterEach, describe, expect, it, vi } from "vitest"
import { proxyAgent } from "../../adapters/provider/baileys/proxy.ts"
import { createClock } from "../../adapters/system/clock.ts"
import type { Clock } from "../../core/clock.ts"
import { drained, occupied, openPremises, type TestServer } from "../egress/servers.ts"
import { selfSigned } from "../support/certificate.ts"
import { createTestClock } from "../support/clock.ts"
import { startHttpProxy, startSocksProxy } from "../support/proxies.ts"

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

interface Way {
  readonly url: string
  readonly address?: string
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

/** One request as the library makes it. */
function ask(server: TestServer, host: string, way: Way, more: RequestOptions = {}): Promise<string> {
  const secure = server.url().startsWith("https")
  const agent = proxyAgent(
    { url: way.url, address: way.address ?? "127.0.0.1" },
    {
      secure,
      clock: way.clock ?? createClock(),
      connectTimeoutMs: 20_000,
      signal: way.signal ?? new AbortController().signal,
    },
  )
  return new Promise((resolve, reject) => {
    const open = secure ? tlsRequest : plainRequest
    const request = open({ host, port: server.port, agent, path: "/a", ca: selfSigned.cert, ...more }, (response) => {
      response.once("data", (data: Buffer) => resolve(data.toString()))
      response.resume()
    })
    request.once("error", reject)
    request.end()
  })
}
const here = (_request: unknown, response: { end(text: string): void }): void => response.end("here")

describe("an agent through a proxy", () => {
  it.each([
    ["an HTTP proxy", startHttpProxy],
    ["a SOCKS proxy", startSocksProxy],
  ])("goes by %s at the address where it was judged, whatever its name says", async (_name, start) => {
    const proxy = await keep(start())
    const url = proxy.url.replace("127.0.0.1", "elsewhere.invalid")
    const [plain, tls] = [await premises.http(here), await premises.tls(here)]
    expect(await ask(plain, "127.0.0.1", { url })).toBe("here")
    expect(await ask(tls, "localhost", { url })).toBe("here")
    expect(proxy.asked).toHaveLength(2)
  })

  it.each([
    ["http", startHttpProxy, "localhost"],
    ["socks5h", startSocksProxy, "localhost"],
    ["socks5", startSocksProxy, "127.0.0.1"],
  ])("leaves names to a proxy as its scheme has it: %s", async (scheme, start, asked) => {
    const proxy = await keep(start())
    const server = await premises.http(here)
    // IPv4 alone, so that the lookup on this side has one answer.
    expect(await ask(server, "localhost", { url: proxy.url.replace(/^\w+:/, `${scheme}:`) }, { family: 4 })).toBe(
      "here",
    )
    expect(proxy.asked.map((one) => one.replace("::1", "127.0.0.1"))).toEqual([`${asked}:${server.port}`])
  })

  it("checks the certificate of the server, not of the proxy", async () => {
    const proxy = await keep(startHttpProxy())
    const server = await premises.tls(here)
    await expect(ask(server, "127.0.0.1", { url: proxy.url }, { servername: "other.example" })).rejects.toThrow(
      /altnames/,
    )
    await expect(ask(server, "localhost", { url: proxy.url }, { ca: [] })).rejects.toThrow(/self-signed/)
    expect(server.requests).toEqual([])
  })

  it.each([
    ["is not there", undefined],
    ["answers without end", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(1_000_000)}`],
    ["refuses", "HTTP/1.1 403 Forbidden\r\n\r\n"],
    ["is none", "220 smtp.example ESMTP\r\n\r\n"],
  ])("fails as the network does at a proxy that %s", async (_name, said) => {
    const proxy = await premises.tcp((socket) => void socket.once("data", () => socket.write(said ?? "")))
    if (said === undefined) await proxy.close()
    const server = await premises.http(here)
    const failing = ask(server, "127.0.0.1", { url: `http://user:secret@127.0.0.1:${proxy.port}` })
    await expect(failing).rejects.toMatchObject({ code: "ECONNABORTED" })
    await failing.catch((error: Error) => expect(error.message).not.toMatch(/secret|127\.|smtp|403/))
    expect(server.connections).toBe(0)
    await drained(proxy)
  })

  it("gives up a proxy that says nothing, in its time or when nobody waits any more", async () => {
    const clock = createTestClock()
    const proxy = await premises.tcp((socket) => void socket.resume())
    const server = await premises.http(here)
    const url = `socks5h://127.0.0.1:${proxy.port}`
    const late = expect(ask(server, "127.0.0.1", { url, clock })).rejects.toMatchObject({ code: "ECONNABORTED" })
    await occupied(proxy, 1)
    await clock.advance(20_000)
    await late
    await drained(proxy)
    const gone = new AbortController()
    const left = expect(ask(server, "127.0.0.1", { url, signal: gone.signal })).rejects.toMatchObject({
      code: "ECONNABORTED",
    })
    await vi.waitFor(() => expect(proxy.connections).toBe(2), { timeout: 10_000 })
    gone.abort(new Error("closed"))
    await left
    await drained(proxy)
  })

  it("takes no other URL for a proxy's, and does not repeat it", () => {
    const options = { secure: true, clock: createClock(), connectTimeoutMs: 1, signal: new AbortController().signal }
    for (const url of ["ftp://user:secret@127.0.0.1", "secret", "socks6://secret"]) {
      expect(() => proxyAgent({ url, address: "127.0.0.1" }, options)).toThrow(
        "The proxy must be an http, https or socks URL",
      )
    }
  })
})
