import { createServer } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { getRequestListener } from "@hono/node-server"
import { afterEach, describe, expect, it } from "vitest"
import { openWeb, type Web } from "./web.ts"

interface Seen {
  readonly id: string | undefined
  readonly event: string
  readonly data: Record<string, unknown>
}

/** Reads a stream of server-sent events as it comes. */
const reader = (response: Response) => {
  const chunks = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ""
  let done = false
  const pump = async (): Promise<void> => {
    for (;;) {
      const chunk = await chunks?.read()
      if (chunk === undefined || chunk.done) break
      text += decoder.decode(chunk.value)
    }
    done = true
  }
  const pumping = pump().catch(() => {
    done = true
  })
  return {
    events: (): Seen[] =>
      text
        .split("\n\n")
        .filter((block) => block.includes("data: "))
        .map((block) => {
          const field = (name: string) =>
            block
              .split("\n")
              .find((line) => line.startsWith(`${name}: `))
              ?.slice(name.length + 2)
          return { id: field("id"), event: field("event") ?? "", data: JSON.parse(field("data") ?? "{}") }
        }),
    text: () => text,
    get done() {
      return done
    },
    cancel: async () => {
      await chunks?.cancel()
      await pumping
    },
  }
}

const message = (text: string) => ({ companyId: "acme", phone: "79001234567", message: text })

describe("GET /events", () => {
  it("replays the log after a position, each event with its number", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    await web.call("POST", "/send", message("one"))
    const all = (await web.call("GET", "/events/acme")).json as unknown as {
      data: { position: number; type: string; timestamp: string }[]
      nextCursor: string | null
    }
    expect(all.data.map(({ position }) => position)).toEqual(all.data.map((_, index) => index + 1))
    expect(all.data.at(-1)).toMatchObject({ type: "message.sent", companyId: "acme" })
    expect(all.data[0]?.timestamp).toMatch(/Z$/)
    expect(all.nextCursor).toBeNull()
    const rest = (await web.call("GET", `/events/acme?after=${all.data.length - 1}&limit=5`)).json
    expect(rest.data).toHaveLength(1)
    expect((await web.call("GET", "/events/acme?after=-1")).status).toBe(400)
    expect((await web.call("GET", "/events/other")).json.data).toEqual([])
  })

  it("goes on from page to page", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    const seen: number[] = []
    let cursor: string | null = "0"
    for (let pages = 0; cursor !== null && pages < 20; pages++) {
      const page = (await web.call("GET", `/events/acme?limit=2&cursor=${cursor}`)).json as unknown as {
        data: { position: number }[]
        nextCursor: string | null
      }
      seen.push(...page.data.map(({ position }) => position))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(Array.from({ length: await web.house.lines.events.tail("acme") }, (_, index) => index + 1))
  })

  it("names the request that an event follows from", async () => {
    const web = openWeb()
    const asked = web.call("POST", "/sessions/acme/initialize", {}, { "x-request-id": "req-link" })
    await web.house.clock.settle()
    web.house.provider.line("acme").qr("2@qr")
    await asked
    await web.house.provider.line("acme").link()
    await web.house.clock.advance(1)
    await web.house.provider.line("acme").open()
    await web.house.clock.settle()
    await web.call("POST", "/send", message("hi"), { "x-request-id": "req-send" })
    web.house.provider.line("acme").end("unreachable")
    await web.house.clock.settle()
    const told = (await web.house.events("acme")).map(({ type, data }) => [type, data.status, data.requestId])
    expect(told).toEqual([
      ["session.status", "connecting", "req-link"],
      ["session.status", "qr", "req-link"],
      ["session.qr", undefined, "req-link"],
      ["session.status", "connecting", "req-link"],
      ["session.status", "reconnecting", "req-link"],
      ["session.status", "connected", "req-link"],
      ["message.sent", "sent", "req-send"],
      ["session.status", "reconnecting", undefined],
    ])
  })
})

describe("the live stream", () => {
  it("tells what happens from now on, in order and with its position", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    const stream = reader(await web.fetch("GET", "/sessions/acme/events"))
    await web.house.clock.settle()
    expect(stream.events()).toEqual([])
    await web.call("POST", "/send", message("one"))
    await web.call("POST", "/send", message("two"))
    await web.house.clock.settle()
    expect(stream.events().map(({ event, data }) => [event, (data.data as { message: string }).message])).toEqual([
      ["message.sent", "one"],
      ["message.sent", "two"],
    ])
    await stream.cancel()
  })

  it("resumes after Last-Event-ID without a gap or a repeat, however the two meet", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    for (let n = 0; n < 250; n++) await web.call("POST", "/send", message(String(n)))
    const opening = web.fetch("GET", "/sessions/acme/events", { headers: { "last-event-id": "3" } })
    const sending = (async () => {
      for (let n = 250; n < 300; n++) await web.call("POST", "/send", message(String(n)))
    })()
    const stream = reader(await opening)
    await sending
    for (let turn = 0; turn < 20; turn++) await web.house.clock.settle()
    const ids = stream.events().map(({ id }) => Number(id))
    const tail = await web.house.lines.events.tail("acme")
    expect(ids).toEqual(Array.from({ length: tail - 3 }, (_, index) => index + 4))
    await stream.cancel()
  })

  it("shows codes live and unlogged to whoever may see them, the current one at once", async () => {
    const web = openWeb()
    const asked = web.call("POST", "/sessions/acme/initialize", {})
    await web.house.clock.settle()
    const seen = reader(await web.fetch("GET", "/sessions/acme/events", { headers: { "x-api-key": "acme-all" } }))
    const blind = reader(await web.fetch("GET", "/sessions/acme/events", { headers: { "x-api-key": "acme-read" } }))
    web.house.provider.line("acme").qr("2@secret")
    await asked
    const late = reader(await web.fetch("GET", "/sessions/acme/events", { headers: { "x-api-key": "acme-all" } }))
    await web.house.clock.settle()
    for (const stream of [seen, late]) {
      const code = stream.events().find(({ event }) => event === "session.qr.code")
      expect(code).toMatchObject({ id: undefined, data: { qr: "2@secret", attempt: 1, maxAttempts: 3 } })
    }
    expect(seen.events().map(({ event }) => event)).toContain("session.qr")
    expect(blind.events().map(({ event }) => event)).toContain("session.qr")
    expect(blind.text()).not.toContain("2@secret")
    expect(JSON.stringify(await web.house.events("acme"))).not.toContain("2@secret")
    await Promise.all([seen, blind, late].map((stream) => stream.cancel()))
  })

  it("beats every 15 s", async () => {
    const web = openWeb()
    const stream = reader(await web.fetch("GET", "/sessions/acme/events"))
    await web.house.clock.advance(45_000)
    expect(stream.text().match(/: heartbeat/g)).toHaveLength(3)
    await stream.cancel()
  })

  it("is refused beyond the limit of its company, and a place is free again once a client has gone", async () => {
    const web = openWeb({ settings: { maxListeners: 2 } })
    const first = reader(await web.fetch("GET", "/sessions/acme/events"))
    const second = reader(await web.fetch("GET", "/sessions/acme/events"))
    expect(await web.call("GET", "/sessions/acme/events")).toMatchObject({
      status: 429,
      json: { error: { code: "TOO_MANY_LISTENERS", isRetryable: true } },
    })
    expect((await web.fetch("GET", "/sessions/other/events")).status).toBe(200)
    await first.cancel()
    expect(web.house.lines.events.subscribers("acme")).toBe(1)
    expect((await web.fetch("GET", "/sessions/acme/events")).status).toBe(200)
    await second.cancel()
  })

  it("lets go of a client that takes nothing any more", async () => {
    const web = openWeb()
    const response = await web.fetch("GET", "/sessions/acme/events")
    expect(response.status).toBe(200)
    await web.house.clock.advance(15_000 * 30)
    expect(web.house.lines.events.subscribers("acme")).toBe(0)
    expect(web.house.clock.armed).toBe(0)
  })

  it("ends when the house closes", async () => {
    const web = openWeb()
    const stream = reader(await web.fetch("GET", "/sessions/acme/events"))
    await web.house.clock.settle()
    web.house.lines.release()
    await web.house.clock.settle()
    expect(stream.done).toBe(true)
    expect(web.house.clock.armed).toBe(0)
  })

  it("refuses a position that is none", async () => {
    const web = openWeb()
    const answer = await web.call("GET", "/sessions/acme/events", undefined, { "last-event-id": "abc" })
    expect(answer).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    expect(web.house.lines.events.subscribers("acme")).toBe(0)
  })
})

describe("over a real socket", () => {
  const open: { web: Web; close: () => void }[] = []
  afterEach(() => {
    for (const { close } of open.splice(0)) close()
  })

  const serve = async (): Promise<{ web: Web; port: number }> => {
    const web = openWeb()
    const listener = getRequestListener((request) => web.http.fetch(request))
    const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    open.push({ web, close: () => void (server.closeAllConnections(), server.close()) })
    return { web, port: (server.address() as AddressInfo).port }
  }

  const client = async (port: number): Promise<{ socket: Socket; text: () => string }> => {
    const socket = connect(port, "127.0.0.1")
    let text = ""
    socket.on("data", (data) => {
      text += data.toString()
    })
    socket.write("GET /api/whatsapp/sessions/acme/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
    await until(() => text.includes("retry: 3000"))
    return { socket, text: () => text }
  }

  const until = async (seen: () => boolean): Promise<void> => {
    for (const end = performance.now() + 5_000; !seen(); ) {
      if (performance.now() > end) throw new Error("Waited 5 s in vain")
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  it("events arrive as they happen, and clients that vanish are noticed and freed", async () => {
    const { web, port } = await serve()
    const clients = [await client(port), await client(port), await client(port)]
    expect(web.house.lines.events.subscribers("acme")).toBe(3)
    await web.house.connect("acme")
    await until(() => clients.every(({ text }) => text().includes('"status":"connected"')))
    clients[0]?.socket.destroy()
    clients[1]?.socket.resetAndDestroy()
    await until(() => web.house.lines.events.subscribers("acme") === 1)
    clients[2]?.socket.end()
    await until(() => web.house.lines.events.subscribers("acme") === 0)
    // What is left is the line's own timer.
    expect(web.house.clock.armed).toBe(1)
  })
})
