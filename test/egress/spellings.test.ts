import { createServer, type Server } from "node:http"
import { type AddressInfo, connect, isIPv4 } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { OpenSocket } from "../../adapters/egress/dial.ts"
import type { Egress } from "../../core/egress.ts"
import { createTestEgress } from "../support/egress.ts"
import { elsewhere, loopback, names, type Spelling } from "./spellings.ts"

/** What arrived, on a port of this machine over IPv4 and IPv6. */
let server: Server
let port: number
let arrived = 0
/** Where this machine itself answers. */
let reachable: ReadonlySet<string> = new Set(loopback.map(({ address }) => address))

const listen = (host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ port: 0, host, ipv6Only: false }, resolve)
  })

beforeAll(async () => {
  server = createServer((_request, response) => {
    arrived++
    response.end("inside")
  })
  await listen("::").catch(() => {
    // A machine without IPv6: whatever is dialled over it is answered over IPv4.
    reachable = new Set([...reachable].filter((address) => isIPv4(address)))
    return listen("0.0.0.0")
  })
  port = (server.address() as AddressInfo).port
})
afterAll(() => void server.close())

const all = [...loopback, ...elsewhere]
const cases = (spellings: readonly Spelling[]) => spellings.map(({ url, address }) => [url, address] as const)
const filled = (url: string): string => url.replace("{port}", String(port))

/** A way out that tells what was dialled. Where nobody of ours is, this machine answers in their stead. */
function open(guard: boolean): { readonly egress: Egress; readonly dialled: string[] } {
  const dialled: string[] = []
  const openSocket: OpenSocket = (address, to) => {
    dialled.push(address)
    return connect({ host: reachable.has(address) ? address : "127.0.0.1", port: to })
  }
  return { egress: createTestEgress({ guard, names, open: openSocket }), dialled }
}

describe("a URL that leads inside", () => {
  it("is shown in more than 60 spellings", () => {
    expect(new Set(all.map(({ url }) => url)).size).toBe(all.length)
    expect(all.length).toBeGreaterThan(100)
  })

  it.each(cases(all))("is judged to be none, fetched from by nobody, and no proxy: %j", async (url) => {
    const before = arrived
    const { egress, dialled } = open(true)
    const fault = await egress.judge(filled(url))
    expect(["address", "syntax", "credentials"]).toContain(fault?.reason)
    await expect(egress.fetch(filled(url))).rejects.toMatchObject({ name: "UrlRefused", fault })
    await expect(egress.resolve(filled(url))).rejects.toMatchObject({ name: "UrlRefused" })
    const hostOf = /^http:\/\/([^/@]*):\{port\}\/$/.exec(url)?.[1]
    if (hostOf !== undefined) {
      const socks = `socks5://user:secret@${hostOf}:${port}`
      await expect(egress.resolve(socks, { schemes: ["socks5:"] })).rejects.toMatchObject({ name: "UrlRefused" })
    }
    expect([dialled, arrived]).toEqual([[], before])
  })

  it.each(cases(loopback))("is reached with the guard off: %j", async (url, address) => {
    const before = arrived
    const { egress, dialled } = open(false)
    expect(await egress.judge(filled(url))).toBeUndefined()
    const { body } = await egress.fetch(filled(url))
    expect(new TextDecoder().decode(body)).toBe("inside")
    expect(dialled).toContain(address)
    expect(arrived).toBe(before + 1)
  })

  it.each(cases(elsewhere))("is dialled with the guard off: %j at %s", async (url, address) => {
    const { egress, dialled } = open(false)
    expect((await egress.fetch(filled(url))).status).toBe(200)
    expect(dialled).toEqual([address])
  })
})

describe("a URL that leads to the public", () => {
  it.each([
    ["http://93.184.215.14/", "93.184.215.14"],
    ["https://93.184.215.14:8443/a?b=c#d", "93.184.215.14"],
    ["http://0x5db8d70e/", "93.184.215.14"],
    ["http://[2606:4700:4700::1111]/", "2606:4700:4700::1111"],
    ["http://[::ffff:93.184.215.14]/", "93.184.215.14"],
    // Octal: 0127 is 87.
    ["http://0127.0.0.1/", "87.0.0.1"],
    ["http://public.example./", "93.184.215.14"],
    ["http://büro.example/", "93.184.215.14"],
  ])("is judged to be one: %j", async (url, address) => {
    const { egress, dialled } = open(true)
    expect(await egress.judge(url)).toBeUndefined()
    expect(await egress.resolve(url)).toMatchObject({ address })
    expect(dialled).toEqual([])
  })
})

describe("a URL that may not be used wherever it leads", () => {
  it.each([
    ["", "syntax"],
    ["public.example/a", "syntax"],
    ["//public.example/a", "syntax"],
    ["http://", "syntax"],
    ["http://public.example/a b", "syntax"],
    ["http://public.example\\a", "syntax"],
    ["http://public..example/", "syntax"],
    [`http://${"a".repeat(64)}.example/`, "syntax"],
    [`http://public.example/${"a".repeat(9_000)}`, "syntax"],
    ["http://public.example:65536/", "syntax"],
    ["file:///etc/passwd", "scheme"],
    ["ftp://public.example/", "scheme"],
    ["gopher://public.example/", "scheme"],
    ["data:text/plain,hello", "scheme"],
    ["javascript:alert(1)", "scheme"],
    ["blob:http://public.example/a", "scheme"],
    ["ws://public.example/", "scheme"],
    ["socks5://public.example/", "scheme"],
    ["http://user:secret@public.example/", "credentials"],
    ["http://user@public.example/", "credentials"],
    ["http://:secret@public.example/", "credentials"],
    ["http://public.example:22/", "port"],
    ["http://public.example:25/", "port"],
    ["http://public.example:1023/", "port"],
    ["http://public.example:0/", "port"],
    ["http://nobody.invalid/", "unresolved"],
  ])("is refused for its own reason: %j", async (url, reason) => {
    const fault = await open(true).egress.judge(url)
    expect(fault?.reason).toBe(reason)
    expect(fault?.message).not.toMatch(/secret|public\.example|passwd|invalid/)
  })

  it("says the same of a name that nobody knows and of one that leads inside", async () => {
    const { egress } = open(true)
    const [unknown, inside] = [await egress.judge("http://a.invalid/"), await egress.judge("http://localhost/")]
    expect(unknown?.message).toBe(inside?.message)
  })

  it("may be let through by its schemes, by any port, and by the operator's word", async () => {
    const { egress } = open(true)
    expect(await egress.judge("http://public.example/", { schemes: ["https:"] })).toMatchObject({ reason: "scheme" })
    expect(await egress.judge("http://public.example:25/", { anyPort: true })).toBeUndefined()
    expect(await egress.judge("http://10.0.0.1/", { trusted: true })).toBeUndefined()
    expect(await egress.judge("http://169.254.1.1/", { trusted: true })).toBeUndefined()
    expect(await egress.judge("http://224.0.0.1/", { trusted: true })).toMatchObject({ reason: "address" })
    expect(await egress.judge("http://user:secret@10.0.0.1/", { trusted: true })).toMatchObject({
      reason: "credentials",
    })
  })
})

describe("where private addresses are allowed", () => {
  const egress = createTestEgress({ allowPrivate: true, names })

  it.each(["http://127.0.0.1:8080/", "http://10.0.0.1/", "http://[::1]/", "http://[fd12::1]/", "http://localhost/"])(
    "%s may be reached",
    async (url) => {
      expect(await egress.judge(url)).toBeUndefined()
    },
  )

  it.each([
    ["http://169.254.169.254/", "address"],
    ["http://metadata.names.example/", "address"],
    ["http://[fd00:ec2::254]/", "address"],
    ["http://[fe80::1]/", "address"],
    ["http://0.0.0.0/", "address"],
    ["http://224.0.0.1/", "address"],
    ["http://[::127.0.0.1]/", "address"],
    ["http://127.0.0.1:22/", "port"],
    ["http://user@127.0.0.1/", "credentials"],
    ["http:\\\\127.0.0.1/", "syntax"],
    ["file:///etc/passwd", "scheme"],
    ["http://nobody.invalid/", "unresolved"],
  ])("%s may not", async (url, reason) => {
    expect(await egress.judge(url)).toMatchObject({ reason })
  })
})
