import { connect } from "node:net"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Listener } from "../../core/listen.ts"
import { listenNode } from "../../core/serve/listen-node.ts"
import { createHouse, type House } from "./harness.ts"

/** What a socket says until it is closed, or until `enough` answers have come. */
function speak(url: string, lines: readonly (string | Buffer)[], enough = 1): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    let heard = ""
    socket.setTimeout(10_000, () => socket.destroy(new Error(`Silence after: ${heard}`)))
    socket.on("data", (data) => {
      heard += data.toString("latin1")
      const answers = heard.split("HTTP/1.1 ").length - 1
      if (answers >= enough && heard.endsWith("}")) socket.end()
    })
    socket.on("close", () => resolve(heard))
    // A server that has answered may close while the rest is still being sent.
    socket.on("error", (error: NodeJS.ErrnoException) => (heard === "" ? reject(error) : resolve(heard)))
    for (const line of lines) socket.write(line)
  })
}

const statuses = (heard: string): string[] => [...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1] ?? "")
const good = JSON.stringify({ companyId: "a", phone: "79001234567", message: "Hi" })

function post(more: readonly string[], path = "/api/whatsapp/send"): string {
  const always = [`POST ${path} HTTP/1.1`, "Host: localhost", "Content-Type: application/json", "X-API-Key: admin"]
  return `${[...always, ...more].join("\r\n")}\r\n\r\n`
}

describe("Over a real socket", () => {
  let house: House
  let server: Listener
  beforeEach(async () => {
    house = createHouse({ settings: { bodyLimit: 1_000 } })
    server = await listenNode({ host: "127.0.0.1", port: 0, fetch: house.http.fetch })
  })
  afterEach(() => server.close())

  it("a body that is declared too large is refused before it is sent", async () => {
    const heard = await speak(server.url, [post(["Content-Length: 1001"])])
    expect(statuses(heard)[0]).toBe("413")
    expect(heard).toContain('"code":"PAYLOAD_TOO_LARGE"')
  })

  it("a client that sends far too much all the same still hears why", async () => {
    const headers = { "content-type": "application/json", "x-api-key": "admin" }
    const body = "x".repeat(5_000_000)
    const answer = await fetch(`${server.url}/api/whatsapp/send`, { method: "POST", headers, body })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ error: { code: "PAYLOAD_TOO_LARGE" } })
  })

  it("a body in pieces is refused when it has grown too large, whatever the key", async () => {
    const piece = `1f4\r\n${"x".repeat(500)}\r\n`
    const head = post(["Transfer-Encoding: chunked"]).replace("X-API-Key: admin", "X-API-Key: wrong")
    const heard = await speak(server.url, [head, piece, piece, piece])
    expect(statuses(heard)[0]).toBe("413")
    expect(heard).toContain('"code":"PAYLOAD_TOO_LARGE"')
  })

  it("a body in pieces that fits is served", async () => {
    const hex = good.length.toString(16)
    const heard = await speak(server.url, [post(["Transfer-Encoding: chunked"]), `${hex}\r\n${good}\r\n0\r\n\r\n`])
    expect(statuses(heard)).toEqual(["200"])
  })

  it("initialize is served without a body, a content type or a length", async () => {
    const bare = "POST /api/whatsapp/sessions/a/initialize HTTP/1.1\r\nHost: localhost\r\nX-API-Key: admin\r\n\r\n"
    expect(statuses(await speak(server.url, [bare]))).toEqual(["200"])
    const empty = bare.replace("\r\n\r\n", "\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n")
    expect(statuses(await speak(server.url, [empty]))).toEqual(["200"])
  })

  it("a body that nobody reads does not become the next request", async () => {
    const smuggled = "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"
    const refused = post([`Content-Length: ${smuggled.length}`]).replace("X-API-Key: admin", "X-API-Key: wrong")
    const heard = await speak(server.url, [refused, smuggled, post([`Content-Length: ${good.length}`]), good], 2)
    expect(statuses(heard).filter((status) => status !== "401")).not.toContain("404")
    expect(heard).not.toContain('"kind":"anonymous"')
    expect(statuses(heard)[0]).toBe("401")
  })

  it("requests one after another on one connection are each answered", async () => {
    const one = `${post([`Content-Length: ${good.length}`])}${good}`
    expect(statuses(await speak(server.url, [one, one, one], 3))).toEqual(["200", "200", "200"])
  })

  it("the peer's address is known to whoever identifies", async () => {
    const seen: unknown[] = []
    const watching = createHouse({
      identify: false,
      prepare: (hooks) =>
        hooks.add("watch", "request:identify", ({ remoteAddress }) => {
          seen.push(remoteAddress)
          return undefined
        }),
    })
    const other = await listenNode({ host: "127.0.0.1", port: 0, fetch: watching.http.fetch })
    const heard = await speak(other.url, ["GET /api/whatsapp/sessions HTTP/1.1\r\nHost: x\r\n\r\n"])
    await other.close()
    expect([statuses(heard), seen]).toEqual([["401"], ["127.0.0.1"]])
  })

  it("HEAD says what GET would, without a body", async () => {
    const heard = await speak(server.url, ["HEAD /open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"])
    expect(statuses(heard)).toEqual(["200"])
    expect(heard.split("\r\n\r\n")[1]).toBe("")
  })
})
