import { connect } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { createTestEgress } from "../support/egress.ts"
import { drained, inside, openPremises, type TestServer } from "./servers.ts"

const premises = openPremises()
afterEach(() => premises.close())

const bytes = (body: string): Uint8Array => new TextEncoder().encode(body)
const redirecting = (location: (port: number) => string, status = 302): Promise<TestServer> =>
  premises.http((request, response) => {
    const port = request.socket.localPort ?? 0
    if (request.url === "/end") response.end("here")
    else response.writeHead(status, { location: location(port) }).end("on your way")
  })

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])("with status %i is refused unless it is asked for", async (status) => {
    const server = await redirecting(() => "/end", status)
    await expect(inside().fetch(server.url())).rejects.toMatchObject({ fault: { reason: "redirects" } })
    expect(server.requests).toHaveLength(1)
    expect(new TextDecoder().decode((await inside().fetch(server.url(), { redirects: 1 })).body)).toBe("here")
    await drained(server)
  })

  it("is followed as often as was said, and no more", async () => {
    const server = await premises.http((request, response) => {
      const left = Number(request.url?.slice(1))
      if (left === 0) response.end("here")
      else response.writeHead(302, { location: `/${left - 1}` }).end()
    })
    expect((await inside().fetch(server.url("/3"), { redirects: 3 })).status).toBe(200)
    await expect(inside().fetch(server.url("/4"), { redirects: 3 })).rejects.toMatchObject({
      fault: { reason: "redirects" },
    })
    expect(server.requests.map(({ url }) => url)).toEqual(["/3", "/2", "/1", "/0", "/4", "/3", "/2", "/1"])
  })

  it("without a place to go to is an answer", async () => {
    const server = await premises.http((_request, response) => void response.writeHead(302).end("nowhere"))
    expect(await inside().fetch(server.url(), { redirects: 3 })).toMatchObject({ status: 302 })
  })

  it.each([
    ["file:///etc/passwd", "scheme"],
    ["data:text/plain,a", "scheme"],
    ["http://user:secret@127.0.0.1:8080/", "credentials"],
    ["http://127.0.0.1:22/", "port"],
    ["http://", "syntax"],
    ["http://nobody.invalid/", "unresolved"],
  ])("to %s is judged like every other", async (location, reason) => {
    const server = await redirecting(() => location)
    await expect(inside().fetch(server.url(), { redirects: 3 })).rejects.toMatchObject({ fault: { reason } })
    expect(server.requests).toHaveLength(1)
  })
})

describe("a chain of redirects from the public to the inside", () => {
  /** `public.example` is on this machine, as whatever is dialled, and sends the caller on to a name that it has not judged. */
  const chain = async (guard: boolean, last: (port: number) => string) => {
    const server = await premises.http((request, response) => {
      const port = request.socket.localPort ?? 0
      const location = request.url === "/2" ? last(port) : `/${Number(request.url?.slice(1)) + 1}`
      if (request.headers.host?.startsWith("public") === true) response.writeHead(302, { location }).end()
      else response.end("inside")
    })
    const dialled: string[] = []
    const egress = createTestEgress({
      guard,
      names: { "rebound.example": ["127.0.0.1"] },
      open(address, port) {
        dialled.push(address)
        const socket = connect({ host: "127.0.0.1", port })
        // What stands for a public server says that it is one.
        if (address === "93.184.215.14") Object.defineProperty(socket, "remoteAddress", { get: () => address })
        return socket
      },
    })
    const answer = egress.fetch(server.url("/0", "public.example"), { redirects: 5 })
    return { answer, dialled, server }
  }
  const lasts: readonly (readonly [string, (port: number) => string])[] = [
    ["an address", (port) => `http://127.0.0.1:${port}/`],
    ["an address in another notation", (port) => `http://0x7f.1:${port}/`],
    ["IPv4 inside IPv6", (port) => `//[::ffff:7f00:1]:${port}/`],
    ["a name", (port) => `http://localhost:${port}/`],
    ["a name that was bound anew", (port) => `http://rebound.example:${port}/`],
  ]

  it.each(lasts)("ends before %s", async (_name, last) => {
    const { answer, dialled, server } = await chain(true, last)
    await expect(answer).rejects.toMatchObject({ name: "UrlRefused", fault: { reason: "address" } })
    expect(dialled).toEqual(["93.184.215.14", "93.184.215.14", "93.184.215.14"])
    expect(server.requests).toHaveLength(3)
  })

  it.each(lasts)("gets to %s with the guard off", async (_name, last) => {
    const { answer, dialled, server } = await chain(false, last)
    expect(new TextDecoder().decode((await answer).body)).toBe("inside")
    expect(dialled).toHaveLength(4)
    expect(server.requests).toHaveLength(4)
  })

  it("is refused as well where the operator gave the first URL", async () => {
    const goal = await premises.http((_request, response) => void response.end("inside"))
    const server = await redirecting(() => goal.url())
    const egress = createTestEgress()
    const trusted = { trusted: true, redirects: 3 }
    await expect(egress.fetch(server.url(), trusted)).rejects.toMatchObject({ fault: { reason: "address" } })
    expect([server.requests.length, goal.connections]).toEqual([1, 0])
    const own = await redirecting(() => "/end")
    expect((await egress.fetch(own.url(), trusted)).status).toBe(200)
  })
})

describe("what a redirect carries on", () => {
  const HEADERS = {
    authorization: "Bearer secret",
    cookie: "session=secret",
    "x-api-key": "secret",
    "webhook-signature": "v1,secret",
    accept: "text/plain",
    "content-type": "application/json",
  }
  const arrived = async (status: number, foreign: boolean) => {
    let method = ""
    let body = ""
    const server = await premises.http((request, response) => {
      const { localPort: port = 0 } = request.socket
      const location = foreign ? `http://localhost:${port}/end` : "/end"
      if (request.url === "/") response.writeHead(status, { location })
      else method = request.method ?? ""
      request.on("data", (chunk: Buffer) => {
        if (request.url === "/end") body += chunk.toString()
      })
      request.on("end", () => response.end())
    })
    const post = { method: "POST", headers: HEADERS, body: bytes("the body"), redirects: 1 } as const
    await inside().fetch(server.url(), post)
    return { method, body, headers: server.requests.at(-1)?.headers ?? {} }
  }

  it.each([301, 302, 303])("with status %i is a GET without a body", async (status) => {
    const { method, body, headers } = await arrived(status, false)
    expect([method, body, headers["content-type"], headers["content-length"]]).toEqual([
      "GET",
      "",
      undefined,
      undefined,
    ])
    expect(headers).toMatchObject({ authorization: "Bearer secret", cookie: "session=secret", "x-api-key": "secret" })
  })

  it.each([307, 308])("with status %i is the same request", async (status) => {
    const { method, body, headers } = await arrived(status, false)
    expect([method, body]).toEqual(["POST", "the body"])
    expect(headers).toMatchObject(HEADERS)
  })

  it.each([302, 307])("to another origin holds no secret, with status %i", async (status) => {
    const { headers } = await arrived(status, true)
    expect(JSON.stringify(headers)).not.toContain("secret")
    expect(headers.accept).toBe("text/plain")
  })
})
