import { once } from "node:events"
import { connect } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import type { Listener } from "../../core/listen.ts"
import { listenNode } from "../../core/serve/listen-node.ts"

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
