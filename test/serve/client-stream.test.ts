import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { assembleClient } from "../../core/serve/client/client.ts"
import { createSseReader, type SseMessage } from "../../core/serve/client/sse.ts"
import { type ClientHouse, openClientHouse, quickTiming, type Way } from "./client-house.ts"

const PHONE = "79001234567"

describe("Server-sent events", () => {
  const text = [
    "id: 7\nretry: 3000\n\n",
    ": heartbeat\n\n",
    "id: 8\r\nevent: message.sent\r\ndata: one\r\ndata:two\r\n\r\n",
    "event\ndata: bare\n\n",
    "data\n\n",
    "id: 9\rdata: ünï 😀\r\r",
    "id: 10\ndata: never ended\n",
  ].join("")

  it("are read the same however they are cut", () => {
    const expected: SseMessage[] = [
      { event: "message.sent", data: "one\ntwo" },
      { event: "message", data: "bare" },
      { event: "message", data: "" },
      { event: "message", data: "ünï 😀" },
    ]
    const bytes = new TextEncoder().encode(text)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const reader = createSseReader()
        const decoder = new TextDecoder()
        const seen: SseMessage[] = []
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        for (const [at, from] of places.entries())
          seen.push(...reader.push(decoder.decode(bytes.slice(from, places[at + 1] ?? from), { stream: true })))
        expect(seen).toEqual(expected)
        expect([reader.lastId, reader.retryMs]).toEqual(["9", 3_000])
      }),
    )
  })
})

describe("The stream of a company's events", () => {
  let house: ClientHouse
  beforeEach(async () => {
    house = await openClientHouse()
    await house.link("salon-1")
  })
  afterEach(() => house.stop())

  /** The stream ends after so many chunks, each time it is opened, `times` times. */
  const cutting = (chunks: number, times: number): { readonly way: Way; readonly opened: (string | null)[] } => {
    const opened: (string | null)[] = []
    return {
      opened,
      async way(request, go) {
        const answer = await go(request)
        if (!request.url.includes("/events") || answer.body === null) return answer
        opened.push(request.headers.get("last-event-id"))
        if (opened.length > times) return answer
        const reader = answer.body.getReader()
        let left = chunks
        const cut = new ReadableStream<Uint8Array>({
          async pull(controller) {
            if (left-- > 0) {
              const { done, value } = await reader.read()
              if (!done) return controller.enqueue(value)
            }
            await reader.cancel()
            controller.error(new TypeError("terminated"))
          },
        })
        return new Response(cut, answer)
      },
    }
  }

  const send = (count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, at) => house.client().sendMessage(PHONE, `${at}`, { companyId: "salon-1" })),
    )

  it("has each event once and in order, however often it is cut off", async () => {
    await send(5)
    const { way, opened } = cutting(3, 4)
    const last = (await house.client().events.list("salon-1", { limit: 200 })).data.at(-1)?.position ?? 0
    const seen: unknown[] = []
    for await (const event of house.client({ way }).sessions.events("salon-1", { after: 0 })) {
      seen.push("position" in event ? event.position : event.type)
      if (seen.length === last) break
    }
    expect(seen).toEqual(Array.from({ length: last }, (_, at) => at + 1))
    expect(opened.length).toBeGreaterThan(2)
    expect(opened[0]).toBeNull()
    expect(house.waits.every((ms) => ms >= 3_000)).toBe(true)
  })

  it("misses nothing when it is cut off before the first event", async () => {
    const { way, opened } = cutting(1, 1)
    const meanwhile: Way = async (request, go) => {
      // Between the first connection and the second.
      if (opened.length === 1) await send(1)
      return way(request, go)
    }
    for await (const event of house.client({ way: meanwhile }).sessions.events("salon-1")) {
      expect(event.type).toBe("message.sent")
      break
    }
    expect(opened[1]).toMatch(/^\d+$/)
  })

  it("shows a code under its type, and goes on after it", async () => {
    const { provider } = house.everything
    provider.onConnect = (line) => queueMicrotask(() => line.qr("2@canary-qr"))
    const types: string[] = []
    const stream = house.client().sessions.events("salon-9")
    const reading = (async () => {
      for await (const event of stream) {
        types.push(event.type)
        if (event.type === "session.qr.code") return event.data
      }
      return undefined
    })()
    await house.client().sessions.initialize("salon-9")
    expect(await reading).toMatchObject({ qr: "2@canary-qr", attempt: 1 })
  })

  it("lets go of its connection when its reader has had enough", async () => {
    const signals: AbortSignal[] = []
    const way: Way = (request, go) => {
      signals.push(request.signal)
      return go(request)
    }
    for await (const _ of house.client({ way }).sessions.events("salon-1", { after: 0 })) break
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it("ends with the caller's signal, with its reason", async () => {
    const stop = new AbortController()
    const stream = house.client().sessions.events("salon-1", {}, { signal: stop.signal })
    const waiting = stream.next()
    stop.abort(new Error("Enough"))
    await expect(waiting).rejects.toThrow("Enough")
  })

  it("ends when the server refuses, and does not come back", async () => {
    let asked = 0
    const way: Way = (request, go) => {
      asked++
      return go(request)
    }
    const stream = house.client({ way, apiKey: "wak_0123456789_unknown" }).sessions.events("salon-1")
    await expect(stream.next()).rejects.toMatchObject({ code: "UNAUTHORIZED", status: 401 })
    expect(asked).toBe(1)
  })

  it("says that nobody is there, after the tries of any other call", async () => {
    let asked = 0
    const way: Way = async () => {
      asked++
      throw new TypeError("fetch failed")
    }
    const stream = house.client({ way, retries: 2 }).sessions.events("salon-1")
    await expect(stream.next()).rejects.toMatchObject({ code: "NETWORK_ERROR" })
    expect(asked).toBe(3)
  })

  it("is opened anew when nothing has been heard for longer than the server is ever silent", async () => {
    const deadlines: number[] = []
    let opened = 0
    const client = assembleClient(
      {
        url: "http://localhost",
        // Open, and as dead as a cable that was pulled.
        fetch: async (_, { signal }) => {
          const first = ++opened === 1
          const body = new ReadableStream<Uint8Array>({
            start(controller) {
              if (!first) return controller.enqueue(new TextEncoder().encode('data: {"type":"message.sent"}\n\n'))
              signal?.addEventListener("abort", () => controller.error(new TypeError("aborted")))
            },
          })
          return new Response(body)
        },
      },
      {
        ...quickTiming([]),
        after(ms, task) {
          deadlines.push(ms)
          if (opened === 0) queueMicrotask(() => setImmediate(task))
          return () => undefined
        },
      },
    )
    for await (const event of client.sessions.events("salon-1")) {
      expect(event.type).toBe("message.sent")
      break
    }
    expect(opened).toBe(2)
    expect(deadlines[0]).toBeGreaterThan(15_000)
  })
})
