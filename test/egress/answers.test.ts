import type { RequestListener } from "node:http"
import { setImmediate } from "node:timers/promises"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import type { EgressRequest } from "../../core/egress.ts"
import { afterEach, describe, expect, it } from "vitest"
import { drained, inside, openPremises } from "./servers.ts"

const premises = openPremises()
afterEach(() => premises.close())
const LIMIT = 1_048_576

describe("an answer that is too much", () => {
  const fetchFrom = async (listener: RequestListener, request: EgressRequest = {}) => {
    const server = await premises.http(listener)
    // Its size alone: what fails here is not to be printed.
    const fetching = inside()
      .fetch(server.url(), request)
      .then(({ body }) => body.length)
    return { server, fetching }
  }

  it("by its announced length is not read", async () => {
    const { server, fetching } = await fetchFrom((_request, response) => {
      response.writeHead(200, { "content-length": String(LIMIT + 1) }).write("a")
    })
    await expect(fetching).rejects.toMatchObject({ code: "URL_ANSWER_UNUSABLE", message: /larger than 1048576 bytes/ })
    await drained(server)
  })

  it("without an announced length is read up to the limit", async () => {
    let sent = 0
    const { server, fetching } = await fetchFrom((_request, response) => {
      const more = (): void => {
        if (response.destroyed) return
        sent += 65_536
        if (response.write(Buffer.alloc(65_536))) setImmediate().then(more, more)
        else response.once("drain", more)
      }
      more()
    })
    await expect(fetching).rejects.toMatchObject({ code: "URL_ANSWER_UNUSABLE" })
    await drained(server)
    // What the sockets of both sides hold comes on top.
    expect(sent).toBeLessThan(LIMIT + 16 * 1_048_576)
  })

  it("is one byte past the limit, and not one at it", async () => {
    const whole = (size: number) => (_request: unknown, response: { end(body: Uint8Array): void }) =>
      response.end(new Uint8Array(size))
    await expect((await fetchFrom(whole(1001), { limit: 1000 })).fetching).rejects.toMatchObject({
      code: "URL_ANSWER_UNUSABLE",
    })
    expect(await (await fetchFrom(whole(1000), { limit: 1000 })).fetching).toBe(1000)
  })

  it.each([
    ["gzip", gzipSync(Buffer.alloc(128 * 1_048_576))],
    ["deflate", deflateSync(Buffer.alloc(64 * 1_048_576))],
    ["br", brotliCompressSync(Buffer.alloc(64 * 1_048_576))],
  ] as const)("is a %s bomb, stopped where the limit is", async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(LIMIT)
    const { server, fetching } = await fetchFrom((_request, response) => {
      response.writeHead(200, { "content-encoding": encoding }).end(bomb)
    })
    const before = process.memoryUsage().rss
    await expect(fetching).rejects.toMatchObject({ code: "URL_ANSWER_UNUSABLE", message: /larger than/ })
    expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1_048_576)
    await drained(server)
  })

  it("unfolds two hundredfold, also below a high limit", async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1_048_576))
    const { fetching } = await fetchFrom(
      (_request, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
      { limit: 64 * 1_048_576 },
    )
    await expect(fetching).rejects.toMatchObject({ code: "URL_ANSWER_UNUSABLE", message: /compressed/ })
  })

  it("is what it unfolds to, not what travels", async () => {
    const text = Buffer.concat(Array.from({ length: 4_000 }, (_, at) => Buffer.alloc(400, `${at} `)))
    const packed = gzipSync(text)
    expect([packed.length < 500_000, text.length / packed.length < 200]).toEqual([true, true])
    const { fetching } = await fetchFrom(
      (_request, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(packed),
    )
    await expect(fetching).rejects.toMatchObject({ code: "URL_ANSWER_UNUSABLE", message: /larger than/ })
  })

  it("is what travels too, where nothing comes of it: a name in a gzip header that has no end", async () => {
    const header = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3])
    const { server, fetching } = await fetchFrom((_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).write(header)
      const more = (): void => {
        if (response.destroyed) return
        if (response.write(Buffer.alloc(65_536, "a"))) setImmediate().then(more, more)
        else response.once("drain", more)
      }
      more()
    })
    await expect(fetching).rejects.toMatchObject({ code: "URL_ANSWER_UNUSABLE", message: /larger than/ })
    await drained(server)
  })

  it("is its headers", async () => {
    const { server, fetching } = await fetchFrom((_request, response) => {
      response.writeHead(200, { "x-long": "a".repeat(20_000) }).end()
    })
    await expect(fetching).rejects.toMatchObject({ code: "URL_ANSWER_UNUSABLE", message: /headers/ })
    await drained(server)
  })
})

describe("an answer that is none", () => {
  it.each([
    ["is cut off before its announced end", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "URL_UNREACHABLE"],
    [
      "is cut off between chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
      "URL_UNREACHABLE",
    ],
    ["is cut off in its headers", "HTTP/1.1 200 OK\r\nContent-", "URL_UNREACHABLE"],
    ["is no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "URL_ANSWER_UNUSABLE"],
    ["has two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "URL_ANSWER_UNUSABLE"],
    [
      "has a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "URL_ANSWER_UNUSABLE",
    ],
    ["is compressed by nobody's rules", "HTTP/1.1 200 OK\r\nContent-Encoding: zip\r\n\r\nabc", "URL_ANSWER_UNUSABLE"],
    ["is compressed twice", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\nabc", "URL_ANSWER_UNUSABLE"],
    [
      "is not what it says it is",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
      "URL_ANSWER_UNUSABLE",
    ],
    [
      "switches to another protocol",
      "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      "URL_UNREACHABLE",
    ],
    ["is nothing at all", "", "URL_UNREACHABLE"],
  ])("%s", async (_name, said, code) => {
    const server = await premises.tcp((socket) => void socket.once("data", () => socket.end(said)))
    const failing = inside().fetch(server.url("/secret-path"))
    await expect(failing).rejects.toMatchObject({ name: "AppError", code })
    await failing.catch((error: Error) => {
      expect(`${error.message} ${String(error.cause)}`).not.toMatch(/127\.0|secret|SSH/)
    })
    await drained(server)
  })

  it("comes from nobody who listens", async () => {
    const server = await premises.http(() => undefined)
    const url = server.url()
    await server.close()
    await expect(inside().fetch(url)).rejects.toMatchObject({ code: "URL_UNREACHABLE" })
  })
})
