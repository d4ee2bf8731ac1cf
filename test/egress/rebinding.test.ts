import { connect } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { createTestEgress, PUBLIC } from "../support/egress.ts"
import { createTestLog } from "../support/log.ts"
import { drained, inside, openPremises } from "./servers.ts"

const premises = openPremises()
afterEach(() => premises.close())

/** A name server in the hands of whoever gave the URL: one answer to each question, the last one from then on. */
function nameServer(...answers: readonly (readonly string[])[]) {
  let asked = 0
  return {
    resolve: async (): Promise<readonly string[]> => answers[Math.min(asked++, answers.length - 1)] ?? [],
    get asked() {
      return asked
    },
  }
}

describe("a name that is bound anew", () => {
  it("between a judgement and its use leads to nobody", async () => {
    const server = await premises.http((_request, response) => void response.end("inside"))
    const { resolve } = nameServer([PUBLIC], ["127.0.0.1"])
    const egress = createTestEgress({ resolve })
    expect(await egress.judge(server.url("/", "rebinding.example"))).toBeUndefined()
    await expect(egress.fetch(server.url("/", "rebinding.example"))).rejects.toMatchObject({
      fault: { reason: "address" },
    })
    expect(server.connections).toBe(0)
  })

  it("between its judgement and the connection is not asked for again: the judged address is dialled", async () => {
    const server = await premises.http((_request, response) => void response.end("inside"))
    const names = nameServer([PUBLIC], ["127.0.0.1"])
    const dialled: string[] = []
    const egress = createTestEgress({
      resolve: names.resolve,
      open(address, port) {
        dialled.push(address)
        return connect({ host: "127.0.0.1", port })
      },
    })
    await expect(egress.fetch(server.url("/", "rebinding.example"))).rejects.toMatchObject({ name: "UrlRefused" })
    expect([dialled, names.asked]).toEqual([[PUBLIC], 1])
  })

  it("leads inside with the guard off", async () => {
    const server = await premises.http((_request, response) => void response.end("inside"))
    const { resolve } = nameServer([PUBLIC], ["127.0.0.1"])
    const egress = createTestEgress({ resolve, guard: false })
    expect(await egress.judge(server.url("/", "rebinding.example"))).toBeUndefined()
    expect((await egress.fetch(server.url("/", "rebinding.example"))).status).toBe(200)
    expect(server.requests[0]?.headers.host).toBe(`rebinding.example:${server.port}`)
  })

  it("has no address at all", async () => {
    const egress = createTestEgress({ resolve: nameServer([]).resolve })
    expect(await egress.judge("http://rebinding.example/")).toMatchObject({ reason: "unresolved" })
  })

  it.each([[["not an address"]], [["127.1"]], [[PUBLIC, "0x7f000001"]], [[""]]])(
    "has addresses that are none: %j",
    async (answer) => {
      const egress = createTestEgress({ resolve: nameServer(answer).resolve })
      expect(await egress.judge("http://rebinding.example/")).toMatchObject({ reason: "address" })
    },
  )
})

describe("the peer that was reached", () => {
  const redirected = (guard: boolean, log = createTestLog()) =>
    createTestEgress({ guard, log, open: (_address, port) => connect({ host: "127.0.0.1", port }) })

  it("is another than the one judged: not a byte is written, and its address is not told", async () => {
    const said: string[] = []
    const server = await premises.tcp((socket) => void socket.on("data", (data) => said.push(data.toString())))
    const log = createTestLog()
    const fetching = redirected(true, log).fetch(server.url("/secret", "public.example"))
    await expect(fetching).rejects.toMatchObject({ name: "UrlRefused", fault: { reason: "address" } })
    await fetching.catch((error: Error) => expect(error.message).not.toMatch(/127|93\.|public\.example|secret/))
    expect(log.text()).not.toMatch(/127\.|93\.|public\.example|secret/)
    expect(log.lines).toHaveLength(1)
    await drained(server)
    expect([server.connections, said]).toEqual([1, []])
  })

  it("is another than the one judged, and public as well", async () => {
    const server = await premises.http((_request, response) => void response.end("somebody else"))
    const egress = createTestEgress({
      open(_address, port) {
        const socket = connect({ host: "127.0.0.1", port })
        Object.defineProperty(socket, "remoteAddress", { get: () => "93.184.215.15" })
        return socket
      },
    })
    await expect(egress.fetch(server.url("/", "public.example"))).rejects.toMatchObject({
      fault: { reason: "address" },
    })
    expect(server.requests).toEqual([])
  })

  it("is written to with the guard off", async () => {
    const server = await premises.http((_request, response) => void response.end("inside"))
    expect((await redirected(false).fetch(server.url("/", "public.example"))).status).toBe(200)
  })

  it("may show its IPv4 address inside IPv6", async () => {
    const server = await premises.http((_request, response) => void response.end("here"))
    const egress = inside({
      open(address, port) {
        const socket = connect({ host: address, port })
        Object.defineProperty(socket, "remoteAddress", { get: () => `::ffff:${address}` })
        return socket
      },
    })
    expect((await egress.fetch(server.url())).status).toBe(200)
  })

  it("shows no address, and is gone or hidden", async () => {
    const server = await premises.http((_request, response) => void response.end("here"))
    const egress = inside({
      open(address, port) {
        const socket = connect({ host: address, port })
        Object.defineProperty(socket, "remoteAddress", { get: () => undefined })
        return socket
      },
    })
    await expect(egress.fetch(server.url())).rejects.toMatchObject({ fault: { reason: "address" } })
    expect(server.requests).toEqual([])
  })
})
