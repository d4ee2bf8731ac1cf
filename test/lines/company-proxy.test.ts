import { describe, expect, it } from "vitest"
import { openWeb, type Web } from "./web.ts"

const OWN = "socks5://ann:s3cret@proxy.example:1080"
const put = (web: Web, proxy: string | null, key = "acme-all") =>
  web.call("PUT", "/companies/acme", { proxy }, { "x-api-key": key })

/** A house where the company is there, and names lead where the test says. */
async function open(places: Record<string, readonly string[]> = {}, more: { allowPrivate?: boolean } = {}) {
  const web = openWeb({
    egress: {
      async resolve(host) {
        const found = places[host]
        if (found === undefined) throw new Error("There is no such name")
        return found
      },
      ...more,
    },
  })
  await web.call("PUT", "/companies/acme", { name: "Acme" }, { "x-api-key": "admin" })
  return web
}
const statusOf = async (web: Web) => (await web.call("GET", "/sessions/acme")).json.data
const quiet = (web: Web) => expect(web.house.log.text()).not.toMatch(/s3cret|proxy\.example|127\.0|10\.0\.0/)

describe("a proxy that a company's own key sets", () => {
  it("is the company's, and connected to at the address where it was found", async () => {
    const web = await open({ "proxy.example": ["203.0.114.7"] })
    expect(await put(web, OWN)).toMatchObject({
      status: 200,
      json: { data: { proxy: "socks5://***@proxy.example:1080" } },
    })
    expect(await web.house.lines.companySettings.proxy("acme")).toEqual({ url: OWN, trusted: false })
    await web.house.connect("acme")
    expect(web.house.provider.line("acme").input.options.proxy).toEqual({ url: OWN, address: "203.0.114.7" })
    quiet(web)
  })

  it.each([
    "socks5://ann:s3cret@127.0.0.1:1080",
    "socks5://ann:s3cret@127.1:1080",
    "socks5h://ann:s3cret@0x7f.1:1080",
    "socks5://ann:s3cret@2130706433:1080",
    "socks4://ann@%31%32%37.0.0.1:1080",
    "http://１２７.０.０.１:8080",
    "https://ann:s3cret@[::ffff:127.0.0.1]:8443",
    "socks5://[::1]:1080",
    "http://10.0.0.1:3128",
    "http://169.254.169.254",
    "socks5://inside.example",
    "http://both.example:8080",
    "http://nobody.example:8080",
    "http://proxy.example:25",
    "socks5://proxy.example:22",
  ])("is refused when the server may not connect to it: %s", async (proxy) => {
    const web = await open({
      "proxy.example": ["203.0.114.7"],
      "inside.example": ["127.0.0.1"],
      "both.example": ["203.0.114.7", "10.0.0.1"],
    })
    const answer = await put(web, proxy)
    expect(answer).toMatchObject({
      status: 400,
      json: { error: { code: "VALIDATION_ERROR", details: [{ path: "proxy" }] } },
    })
    expect(JSON.stringify(answer.json)).not.toMatch(/s3cret|example|127|10\.0/)
    expect(await web.house.lines.companySettings.proxy("acme")).toBeUndefined()
    quiet(web)
  })

  it("says the same of a name that nobody knows and of one that leads inside", async () => {
    const web = await open({ "inside.example": ["127.0.0.1"] })
    const [inside, unknown] = [await put(web, "http://inside.example"), await put(web, "http://nobody.example")]
    expect(inside.json.error).toEqual(unknown.json.error)
  })

  it("may stand inside where URLs may lead there", async () => {
    const web = await open({ "inside.example": ["10.0.0.1"] }, { allowPrivate: true })
    expect((await put(web, "http://inside.example:8080")).status).toBe(200)
    await web.house.connect("acme")
    expect(web.house.provider.line("acme").input.options.proxy?.address).toBe("10.0.0.1")
  })

  it("is changed and taken away by it, and by the admin key, whose it then is", async () => {
    const web = await open({ "proxy.example": ["203.0.114.7"], "other.example": ["203.0.114.8"] })
    await put(web, OWN)
    expect((await put(web, "http://other.example")).status).toBe(200)
    expect((await put(web, null)).status).toBe(200)
    await put(web, OWN)
    expect((await put(web, "http://10.0.0.1:3128", "admin")).status).toBe(200)
    for (const proxy of [OWN, null]) {
      const refused = await put(web, proxy)
      expect(refused).toMatchObject({ status: 403, json: { error: { code: "FORBIDDEN" } } })
      expect(refused.json.error).toMatchObject({ message: expect.stringContaining("admin key") })
    }
    expect(await web.house.lines.companySettings.proxy("acme")).toMatchObject({ trusted: true })
    await put(web, null, "admin")
    expect((await put(web, OWN)).status).toBe(200)
  })

  it("stays the company's own after a restart", async () => {
    const web = await open({ "proxy.example": ["203.0.114.7"] })
    await put(web, OWN)
    const next = await web.house.reopen("kill")
    expect(await next.lines.companySettings.proxy("acme")).toEqual({ url: OWN, trusted: false })
  })
})

describe("a proxy that leads inside when the line connects", () => {
  it("ends a linked line with its reason, is looked at again each five minutes, and heals", async () => {
    const places: Record<string, readonly string[]> = { "proxy.example": ["203.0.114.7"] }
    const web = await open(places)
    const { provider, clock } = web.house
    await put(web, OWN)
    await web.house.connect("acme")
    const before = provider.connections.length
    places["proxy.example"] = ["127.0.0.1"]
    provider.line("acme").end("unreachable")
    await clock.advance(60_000)
    expect(await statusOf(web)).toMatchObject({
      status: "failed",
      lastError: { code: "PROXY_REFUSED", message: expect.stringContaining("public address") },
    })
    const asked = web.house.log.lines.filter(({ message }) => message === "A URL was refused").length
    expect(asked).toBe(1)
    await clock.advance(3_600_000)
    const later = web.house.log.lines.filter(({ message }) => message === "A URL was refused").length
    expect(later).toBeGreaterThan(8)
    expect(later).toBeLessThan(16)
    expect(provider.connections).toHaveLength(before)
    quiet(web)

    places["proxy.example"] = ["203.0.114.9"]
    await clock.advance(330_000)
    expect(provider.line("acme").input.options.proxy).toEqual({ url: OWN, address: "203.0.114.9" })
    await provider.line("acme").open()
    expect(await statusOf(web)).toMatchObject({ status: "connected" })
  })

  it("ends a pairing with its reason", async () => {
    const places: Record<string, readonly string[]> = { "proxy.example": ["203.0.114.7"] }
    const web = await open(places)
    await put(web, OWN)
    places["proxy.example"] = ["169.254.169.254"]
    const started = await web.call("POST", "/sessions/acme/initialize", {})
    expect(started.json.data).toMatchObject({ status: "failed", lastError: { code: "PROXY_REFUSED" } })
    await web.house.clock.advance(3_600_000)
    expect(web.house.provider.connections).toHaveLength(0)
    quiet(web)
  })

  it("or that nobody knows for now, makes the line wait as for any network that is away", async () => {
    const places: Record<string, readonly string[]> = { "proxy.example": ["203.0.114.7"] }
    const web = await open(places)
    const { provider, clock } = web.house
    await put(web, OWN)
    await web.house.connect("acme")
    const before = provider.connections.length
    delete places["proxy.example"]
    provider.line("acme").end("unreachable")
    await clock.advance(60_000)
    expect(await statusOf(web)).toMatchObject({ status: "reconnecting", lastError: { code: "UNREACHABLE" } })
    expect(provider.connections).toHaveLength(before)
    places["proxy.example"] = ["203.0.114.7"]
    await clock.advance(60_000)
    expect(provider.connections.length).toBeGreaterThan(before)
  })
})

describe("a proxy that the admin key sets", () => {
  it.each(["http://127.0.0.1:3128", "socks5://10.0.0.1", "http://192.168.0.1:81", "http://later.example"])(
    "may stand anywhere, and come to life later: %s",
    async (proxy) => {
      const web = await open()
      expect((await put(web, proxy, "admin")).status).toBe(200)
    },
  )

  it.each(["http://0.0.0.0:3128", "socks5://224.0.0.1", "http://[::127.0.0.1]"])(
    "is refused where no proxy can be: %s",
    async (proxy) => {
      const web = await open()
      expect(await put(web, proxy, "admin")).toMatchObject({
        status: 400,
        json: { error: { details: [{ path: "proxy" }] } },
      })
    },
  )
})
