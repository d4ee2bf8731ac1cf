import { Socket } from "node:net"
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib"
import { createTestEgress } from "../support/egress.ts"
import { afterEach, describe, expect, it } from "vitest"
import { selfSigned } from "../support/certificate.ts"
import { drained, inside, openPremises } from "./servers.ts"

const premises = openPremises()
afterEach(() => premises.close())
const text = (body: Uint8Array): string => new TextDecoder().decode(body)
const bytes = (body: string): Uint8Array => new TextEncoder().encode(body)

describe("a fetch", () => {
  it("sends method, path, headers and body, and gives status, headers and body back", async () => {
    const server = await premises.http((request, response) => {
      request.once("data", (body: Buffer) => {
        response.writeHead(418, { "x-one": "1", "set-cookie": ["a=1", "b=2"] }).end(`got ${body.toString()}`)
      })
    })
    const url = server.url("/a/b?c=%20d#e", "localhost")
    const headers = { "X-Mine": "yes", Host: "other.example", Connection: "keep-alive", "Content-Length": "3" }
    const answer = await inside().fetch(url, { method: "POST", headers, body: bytes("hello") })
    expect(answer.status).toBe(418)
    expect(text(answer.body)).toBe("got hello")
    expect(answer.headers.get("x-one")).toBe("1")
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"])
    const [request] = server.requests
    expect(request).toMatchObject({ method: "POST", url: "/a/b?c=%20d" })
    expect(request?.headers).toEqual({
      "x-mine": "yes",
      host: `localhost:${server.port}`,
      connection: "close",
      "accept-encoding": "gzip, deflate, br",
      "content-length": "5",
    })
    await drained(server)
  })

  it.each([
    ["no", (body: Buffer) => body, ""],
    ["gzip", gzipSync, "gzip"],
    ["brotli", brotliCompressSync, "br"],
    ["zlib", deflateSync, "deflate"],
    ["raw deflate", deflateRawSync, "deflate"],
    ["gzip, in capitals,", gzipSync, " GZIP "],
  ])("takes a body with %s compression", async (_name, compress, encoding) => {
    const whole = Buffer.alloc(300_000, "some text that repeats itself. ")
    const server = await premises.http((_request, response) => {
      response.writeHead(200, encoding === "" ? {} : { "content-encoding": encoding }).end(compress(whole))
    })
    const { body, headers } = await inside().fetch(server.url())
    expect(Buffer.compare(Buffer.from(body), whole)).toBe(0)
    expect([headers.get("content-encoding"), headers.get("content-length")]).toEqual([null, null])
  })

  it.each(["gzip", "br", "deflate"])("takes an empty body that is said to be %s", async (encoding) => {
    const server = await premises.http(
      (_request, response) => void response.writeHead(200, { "content-encoding": encoding }).end(),
    )
    expect((await inside().fetch(server.url())).body).toHaveLength(0)
  })

  it.each([204, 304, 404, 500])("gives an answer with status %i back", async (status) => {
    const server = await premises.http((_request, response) => void response.writeHead(status).end())
    expect(await inside().fetch(server.url())).toMatchObject({ status })
  })

  it("goes to the next address of a name when the first does not answer", async () => {
    const server = await premises.http((_request, response) => void response.end("here"))
    const egress = inside({ names: { "two.example": ["127.0.0.9", "127.0.0.1"] } })
    expect(text((await egress.fetch(server.url("/", "two.example"))).body)).toBe("here")
  })
})

describe("a fetch over TLS", () => {
  it.each(["localhost", "localhost.", "127.0.0.1"])("goes to %s, for which the certificate is", async (host) => {
    const server = await premises.tls((_request, response) => void response.end("private"))
    expect(text((await inside().fetch(server.url("/", host))).body)).toBe("private")
  })

  it.each([
    ["a certificate for another name", "other.example", { authorities: selfSigned.cert }],
    ["a certificate for another address", "127.0.0.2", { authorities: selfSigned.cert }],
    ["a certificate that nobody vouches for", "localhost", {}],
  ])("is refused at %s, before a byte of the request", async (_name, host, trusting) => {
    const server = await premises.tls((_request, response) => void response.end("private"))
    const names = { "other.example": ["127.0.0.1"] }
    const egress = createTestEgress({
      allowPrivate: true,
      names,
      ...trusting,
      open: (_address, port) => new Socket().connect(port, "127.0.0.1"),
      // The peer is 127.0.0.1 where 127.0.0.2 was asked for, which is not what is shown here.
      guard: false,
    })
    await expect(egress.fetch(server.url("/", host))).rejects.toMatchObject({ code: "URL_UNREACHABLE" })
    expect(server.requests).toEqual([])
    await drained(server)
  })
})
