import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import type { Listener } from "../../core/listen.ts"
import { createNodeListen, listenNode } from "../../core/serve/listen-node.ts"
import { PATIENCE, type Patience } from "../../core/serve/patience.ts"
import { until } from "../support/platform.ts"

let listener: Listener | undefined
afterEach(() => listener?.close())

const listen = async (fetch: (request: Request, info: { remoteAddress: string | undefined }) => Promise<Response>) => {
  listener = await listenNode({ host: "127.0.0.1", port: 0, fetch })
  return listener
}
const portOf = ({ url }: Listener): number => Number(new URL(url).port)

/** Sends bytes as they are and gives back everything that comes before the server closes. */
async function raw(at: Listener, text: string): Promise<string> {
  const socket = connect(portOf(at), "127.0.0.1")
  const chunks: Buffer[] = []
  socket.on("data", (chunk) => chunks.push(chunk))
  socket.on("error", () => undefined)
  socket.write(text)
  await once(socket, "close")
  return Buffer.concat(chunks).toString()
}

describe("the Node server", () => {
  it("hands requests on with the peer's address, and streams what comes back", async () => {
    const at = await listen(async (request, { remoteAddress }) => {
      const text = await request.text()
      return new Response(`${request.method} ${new URL(request.url).pathname} ${text} ${remoteAddress}`)
    })
    const answer = await fetch(`${at.url}/a`, { method: "POST", body: "hello" })
    expect(await answer.text()).toBe("POST /a hello 127.0.0.1")
  })

  it("says in one line that the port is taken, or that the address is not this machine's", async () => {
    const at = await listen(async () => new Response())
    const fetch = async (): Promise<Response> => new Response()
    await expect(listenNode({ host: "127.0.0.1", port: portOf(at), fetch })).rejects.toMatchObject({
      problems: [
        expect.stringMatching(
          /^PORT: \d+ on 127\.0\.0\.1 is taken; stop the program that uses it or set another PORT$/,
        ),
      ],
    })
    await expect(listenNode({ host: "192.0.2.1", port: 0, fetch })).rejects.toMatchObject({
      problems: [expect.stringMatching(/^HOST: 192\.0\.2\.1 is no address of this machine$/)],
    })
  })

  it.each([
    ["no HTTP at all", "hello\r\n\r\n"],
    ["a header that is none", "GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["a length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["headers without end", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(40_000)}\r\n\r\n`],
    ["a chunk that is none", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
  ])("answers %s in the shape of every other refusal, and lives on", async (_, text) => {
    const at = await listen(async (request) => new Response(await request.text()))
    const answer = await raw(at, text)
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as unknown
    expect(body).toMatchObject({ success: false, error: { code: expect.any(String) }, requestId: expect.any(String) })
    expect(await (await fetch(at.url, { method: "POST", body: "still here" })).text()).toBe("still here")
  })

  it("closes with idle connections open, and gives up on streams that never end", async () => {
    const at = await listen(async ({ url }) =>
      new URL(url).pathname === "/stream"
        ? new Response(
            new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("one")) }),
          )
        : new Response("short"),
    )
    await (await fetch(at.url)).text()
    const stream = await fetch(`${at.url}/stream`)
    const reader = stream.body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("one")
    const ended = expect(reader?.read()).rejects.toThrow()
    await at.close()
    await ended
    await expect(fetch(at.url)).rejects.toThrow()
  })

  it("can be closed twice", async () => {
    const at = await listen(async () => new Response())
    await Promise.all([at.close(), at.close()])
    await at.close()
  })
})

describe("the Node server's patience", () => {
  const sockets: Socket[] = []
  afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()))

  const impatient = async (
    patience: Partial<Patience>,
    fetch: Parameters<typeof listen>[0] = async (request) => new Response(await request.text()),
  ): Promise<Listener> => {
    listener = await createNodeListen({ ...PATIENCE, checkMs: 50, ...patience })({ host: "127.0.0.1", port: 0, fetch })
    return listener
  }
  /** A connection that has said `text`, and what has been heard on it. */
  const open = async (at: Listener, text: string) => {
    const socket = connect(portOf(at), "127.0.0.1")
    sockets.push(socket)
    const client = { socket, heard: "", closed: false }
    socket.on("data", (chunk) => (client.heard += chunk.toString()))
    socket.on("error", () => undefined)
    socket.on("close", () => (client.closed = true))
    await once(socket, "connect")
    socket.write(text)
    return client
  }
  const closed = (client: { readonly closed: boolean }) =>
    until("the connection is closed", 10_000, async () => client.closed || undefined)
  const POST = "POST / HTTP/1.1\r\nHost: a\r\n"

  it("ends for a body that trickles, in words, and for one that comes fast enough it does not", async () => {
    const at = await impatient({ graceMs: 300, bytesPerSecond: 800 })
    const slow = await open(at, `${POST}Content-Length: 100000\r\n\r\n`)
    const chunked = await open(at, `${POST}Transfer-Encoding: chunked\r\n\r\n`)
    const begun = performance.now()
    const steady = await open(at, `${POST}Content-Length: 20000\r\nConnection: close\r\n\r\n`)
    const timer = setInterval(() => {
      slow.socket.write("x")
      chunked.socket.write("1\r\nx\r\n")
    }, 20)
    for (let sent = 0; sent < 20_000; sent += 1_000) {
      steady.socket.write("y".repeat(1_000))
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    await Promise.all([slow, chunked, steady].map(closed))
    clearInterval(timer)
    // It took longer than the time for nothing, and was served for what it had sent.
    expect(performance.now() - begun).toBeGreaterThan(600)
    expect(steady.heard).toContain("y".repeat(20_000))
    for (const { heard } of [slow, chunked]) expect(heard).toContain('"message":"The request took too long to arrive"')
  })

  it("does not blame a sender for what the server has not read", async () => {
    let read: () => void = () => undefined
    const ready = new Promise<void>((resolve) => (read = resolve))
    const at = await impatient({ graceMs: 100, bytesPerSecond: 1e6 }, async (request) => {
      await ready
      return new Response(String((await request.arrayBuffer()).byteLength))
    })
    const size = 3_000_000
    const client = await open(at, `${POST}Content-Length: ${size}\r\nConnection: close\r\n\r\n${"x".repeat(size)}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(client.closed).toBe(false)
    read()
    await closed(client)
    expect(client.heard).toContain(`\r\n\r\n${size}`)
  })

  it("keeps no more than a little of an endless answer for a client that takes nothing, and lets go of it", async () => {
    const CHUNK = 65_536
    let given = 0
    let cancelled = false
    const body = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull(controller) {
          given += CHUNK
          controller.enqueue(new Uint8Array(CHUNK))
        },
        cancel() {
          cancelled = true
        },
      })
    const at = await impatient({ graceMs: 1_000, bytesPerSecond: 1e6 }, async () => new Response(body()))
    const client = await open(at, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.socket.pause()
    await until("the stream is let go of", 10_000, async () => cancelled || undefined)
    // What two sockets of the system hold, and not a megabyte of ours.
    expect(given).toBeLessThan(16 * 1024 * 1024)
    client.socket.resume()
    await closed(client)
  })

  it("serves a client that takes its answer slowly but steadily to the end", async () => {
    const size = 12_000_000
    const at = await impatient({ graceMs: 500, bytesPerSecond: 1_000_000 }, async () => new Response("z".repeat(size)))
    const client = await open(at, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    const breathe = setInterval(() => (client.socket.isPaused() ? client.socket.resume() : client.socket.pause()), 10)
    await closed(client)
    clearInterval(breathe)
    expect(client.heard.length).toBeGreaterThan(size)
  })

  it("with all connections in use lets the one go that has waited longest without a request, never one being served", async () => {
    let answer: (response: Response) => void = () => undefined
    const at = await impatient({ connections: 3 }, async ({ url }) =>
      url.endsWith("/long") ? new Promise<Response>((resolve) => (answer = resolve)) : new Response("short"),
    )
    const served = await open(at, "GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    const first = await open(at, "GET / HT")
    const second = await open(at, "")
    for (let more = 0; more < 5; more++) {
      const client = await open(at, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      await closed(client)
      expect(client.heard).toContain("short")
    }
    await closed(first)
    expect([served.closed, second.closed]).toEqual([false, false])
    answer(new Response("long"))
    await closed(served)
    expect(served.heard).toContain("long")
  })

  it("says nothing into an answer that is under way when what follows it is garbage", async () => {
    const at = await impatient({}, async () => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      return new Response("one")
    })
    const client = await open(at, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n")
    await closed(client)
    expect(client.heard).not.toContain("malformed")
  })
})
