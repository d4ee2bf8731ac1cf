import { Socket } from "node:net"
import { setImmediate } from "node:timers/promises"
import { createTestClock } from "../support/clock.ts"
import { createTestEgress } from "../support/egress.ts"
import { afterEach, describe, expect, it, vi } from "vitest"
import { drained, inside, openPremises } from "./servers.ts"

const premises = openPremises()
afterEach(() => premises.close())

describe("the time of a fetch", () => {
  const repeat = async (socket: Socket, text: string): Promise<void> => {
    for (; !socket.destroyed; await setImmediate()) socket.write(text)
  }
  const trickle = (socket: Socket, head: string): void => {
    socket.write(head)
    void repeat(socket, "a")
  }

  it.each([
    ["a server that says nothing", (_socket: Socket) => undefined],
    ["headers that trickle", (socket: Socket) => trickle(socket, "HTTP/1.1 200 OK\r\nX: ")],
    ["a body that trickles", (socket: Socket) => trickle(socket, "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n")],
    ["interim answers without end", (socket: Socket) => void repeat(socket, "HTTP/1.1 103 Early Hints\r\n\r\n")],
  ])("is over with %s", async (_name, talk) => {
    const clock = createTestClock()
    const server = await premises.tcp((socket) => void socket.once("data", () => talk(socket)))
    const fetching = inside({ clock }).fetch(server.url())
    const failed = expect(fetching).rejects.toMatchObject({ code: expect.stringMatching(/URL_TIMEOUT|UNUSABLE/) })
    await vi.waitFor(() => expect(server.open).toBe(1), { timeout: 10_000 })
    await clock.advance(15_000)
    await failed
    await drained(server)
    expect(clock.armed).toBe(0)
  })

  it("is over in a TLS handshake that does not go on", async () => {
    const clock = createTestClock()
    const server = await premises.tcp((socket) => void socket.resume())
    const failed = expect(inside({ clock }).fetch(`https://127.0.0.1:${server.port}/`)).rejects.toMatchObject({
      code: "URL_TIMEOUT",
    })
    await vi.waitFor(() => expect(server.open).toBe(1), { timeout: 10_000 })
    await clock.advance(15_000)
    await failed
    await drained(server)
  })

  it("is over while name servers think, and a judgement does not wait that long", async () => {
    const clock = createTestClock()
    const signals: AbortSignal[] = []
    const resolve = (_host: string, { signal }: { signal: AbortSignal }): Promise<string[]> => {
      signals.push(signal)
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))))
    }
    const egress = createTestEgress({ clock, resolve })
    const judging = egress.judge("http://slow.example/")
    const failed = expect(egress.fetch("http://slow.example/")).rejects.toMatchObject({ code: "URL_TIMEOUT" })
    await clock.advance(1_500)
    expect(await judging).toMatchObject({ reason: "unresolved" })
    await clock.advance(13_500)
    await failed
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(clock.armed).toBe(0)
  })

  it("is shared among the addresses of a name, and over when none of them answers", async () => {
    const clock = createTestClock()
    const dialled: string[] = []
    const mute: Socket[] = []
    const open = (address: string): Socket => {
      dialled.push(address)
      const socket = new Socket()
      mute.push(socket)
      return socket
    }
    const names = { "many.example": ["1.1.1.1", "1.1.1.2", "2606:4700::1", "1.1.1.3", "1.1.1.4", "1.1.1.5"] }
    const fetching = createTestEgress({ clock, open, names }).fetch("http://many.example/", { timeoutMs: 8_000 })
    const failed = expect(fetching).rejects.toMatchObject({ code: expect.stringMatching(/URL_(TIMEOUT|UNREACHABLE)/) })
    await clock.advance(2_000)
    expect(dialled).toEqual(["1.1.1.1", "1.1.1.2"])
    await clock.advance(6_000)
    await failed
    expect(dialled).toEqual(["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"])
    expect(mute.every((socket) => socket.destroyed)).toBe(true)
    expect(clock.armed).toBe(0)
  })

  it("leaves no timer behind for an address that refused", async () => {
    const clock = createTestClock()
    const server = await premises.http((_request, response) => void response.end("here"))
    const egress = inside({ clock, names: { "two.example": ["127.0.0.9", "127.0.0.1"] } })
    expect((await egress.fetch(server.url("/", "two.example"))).status).toBe(200)
    expect(clock.armed).toBe(0)
  })

  it("is the caller's to end", async () => {
    const server = await premises.http((_request, response) => void response.writeHead(200).write("a"))
    const gone = new AbortController()
    const failed = expect(inside().fetch(server.url(), { signal: gone.signal })).rejects.toThrow("no longer wanted")
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 10_000 })
    gone.abort(new Error("no longer wanted"))
    await failed
    await drained(server)
    await expect(inside().fetch(server.url(), { signal: gone.signal })).rejects.toThrow("no longer wanted")
    expect(server.connections).toBe(1)
  })
})
