import { describe, expect, it } from "vitest"
import apiKeys from "../../plugins/api-keys/index.ts"
import { sampleRoutes } from "../http/harness.ts"
import { type CallInit, createPluginHouse, type PluginHouse } from "./house.ts"

const KEY = "canary-key-of-24-characters"
const path = "/api/whatsapp/sessions"

const houseWith = (config: Record<string, unknown>, settings = {}): Promise<PluginHouse> =>
  createPluginHouse({ plugins: [[apiKeys, config]], routes: sampleRoutes, settings })

describe("With an admin key", () => {
  it.each([
    ["X-API-Key", { "x-api-key": KEY }],
    ["Authorization: Bearer", { authorization: `Bearer ${KEY}` }],
    ["bearer in any case", { authorization: `bearer  ${KEY}` }],
  ])("%s opens, from anywhere", async (_, headers) => {
    const house = await houseWith({ apiKey: KEY })
    const answer = await house.call("GET", path, { headers, remoteAddress: "203.0.113.9" })
    expect(answer.json).toMatchObject({ success: true, data: { kind: "admin" } })
  })

  it.each([
    ["no key", "", {}],
    ["a wrong key", "", { "x-api-key": "wrong" }],
    ["an empty key", "", { "x-api-key": "" }],
    ["the beginning of the key", "", { "x-api-key": KEY.slice(0, -1) }],
    ["more than the key", "", { "x-api-key": `${KEY}x` }],
    ["the key in another case", "", { "x-api-key": KEY.toUpperCase() }],
    ["the key by another scheme", "", { authorization: `Basic ${KEY}` }],
    ["the key without a scheme", "", { authorization: KEY }],
    ["the key in the URL", `?api_key=${KEY}&key=${KEY}&access_token=${KEY}&x-api-key=${KEY}`, {}],
    ["the key in a cookie", "", { cookie: `x-api-key=${KEY}` }],
    ["a wrong key beside the right one", "", { "x-api-key": "wrong", authorization: `Bearer ${KEY}` }],
    ["loopback", "", { host: "localhost" }],
  ])("%s does not open", async (_, query, headers) => {
    const house = await houseWith({ apiKey: KEY })
    const answer = await house.call("GET", `${path}${query}`, { headers })
    expect([answer.status, answer.json.error.code]).toEqual([401, "UNAUTHORIZED"])
    expect(`${answer.text}${house.log.text()}`).not.toContain(KEY)
  })
})

describe("Failed attempts", () => {
  const wrong = (house: PluginHouse, remoteAddress = "203.0.113.9", headers = {}) =>
    house.call("GET", path, { headers: { "x-api-key": "wrong", ...headers }, remoteAddress })

  const fail = async (house: PluginHouse, times: number): Promise<void> => {
    for (let time = 0; time < times; time++) expect((await wrong(house)).status).toBe(401)
  }

  it("are refused with a time to wait after 20 in a minute, by address, and a good key never is", async () => {
    const house = await houseWith({ apiKey: KEY })
    await fail(house, 19)
    await house.clock.advance(15_000)
    await fail(house, 1)
    const refused = await wrong(house)
    expect([refused.status, refused.json.error.code, refused.json.error.isRetryable]).toEqual([
      429,
      "TOO_MANY_ATTEMPTS",
      true,
    ])
    expect(refused.headers.get("retry-after")).toBe("45")
    expect((await wrong(house, "203.0.113.10")).status).toBe(401)
    const good = await house.call("GET", path, { headers: { "x-api-key": KEY }, remoteAddress: "203.0.113.9" })
    expect(good.status).toBe(200)
  })

  it("are forgotten after a minute, and refused ones do not count again", async () => {
    const house = await houseWith({ apiKey: KEY })
    await fail(house, 20)
    await house.clock.advance(59_999)
    expect((await wrong(house)).status).toBe(429)
    await house.clock.advance(1)
    await fail(house, 20)
    expect((await wrong(house)).status).toBe(429)
  })

  it("are not made by calls without a key", async () => {
    const house = await houseWith({ apiKey: KEY })
    for (let time = 0; time < 30; time++) {
      expect((await house.call("GET", path, { remoteAddress: "203.0.113.9" })).status).toBe(401)
    }
  })

  it("are counted by whom a trusted proxy names, and not by whom anybody else names", async () => {
    const house = await houseWith({ apiKey: KEY }, { trustedProxies: ["203.0.113.9"] })
    for (let time = 0; time < 20; time++) await wrong(house, "203.0.113.9", { "x-forwarded-for": "198.51.100.1" })
    const named = (address: string, peer = "203.0.113.9") => wrong(house, peer, { "x-forwarded-for": address })
    expect((await named("198.51.100.1")).status).toBe(429)
    expect((await named("198.51.100.2")).status).toBe(401)
    for (let time = 0; time < 19; time++) await named(`192.0.2.${time}`, "203.0.113.77")
    expect((await named("192.0.2.200", "203.0.113.77")).status).toBe(401)
    expect((await named("192.0.2.201", "203.0.113.77")).status).toBe(429)
  })

  it("are counted in bounded memory: with 10,000 addresses since, one that was silent is forgotten", async () => {
    const { createAttempts } = await import("../../plugins/api-keys/attempts.ts")
    const { clock } = await houseWith({ apiKey: KEY })
    const attempts = createAttempts(clock)
    for (let time = 0; time < 20; time++) attempts.failed("first")
    expect(attempts.failed("first")).toBe(60)
    for (let address = 0; address < 9_999; address++) attempts.failed(String(address))
    expect(attempts.failed("first")).toBe(60)
    for (let address = 10_000; address < 20_000; address++) attempts.failed(String(address))
    expect(attempts.failed("first")).toBeUndefined()
  })
})

describe("Without any key", () => {
  const own: CallInit = { headers: { host: "localhost:3000" }, remoteAddress: "127.0.0.1" }

  it.each([
    ["127.0.0.1", "localhost"],
    ["127.0.0.1", "localhost:3000"],
    ["127.0.0.1", "LOCALHOST:80"],
    ["127.0.0.1", "127.0.0.1:65535"],
    ["::1", "[::1]:3000"],
    ["::ffff:127.0.0.1", "[::1]"],
    ["127.9.9.9", "127.0.0.1"],
  ])("a call from %s to %s is served", async (remoteAddress, host) => {
    const house = await houseWith({})
    const answer = await house.call("GET", path, { headers: { host }, remoteAddress })
    expect(answer.json).toMatchObject({ success: true, data: { kind: "loopback" } })
  })

  it.each(["http://localhost", "http://localhost:8080", "https://127.0.0.1:3000", "http://[::1]:3000"])(
    "a page from %s is served",
    async (origin) => {
      const answer = await (await houseWith({})).call("GET", path, { ...own, headers: { ...own.headers, origin } })
      expect(answer.status).toBe(200)
    },
  )

  const refused: readonly (readonly [string, CallInit])[] = [
    ...["203.0.113.9", "10.0.0.1", "::ffff:10.0.0.1", "::2", "0.0.0.0", "", "127.0.0.1.evil"].map(
      (remoteAddress) => [`an address: ${remoteAddress}`, { ...own, remoteAddress }] as const,
    ),
    ...["", "example.org", "localhost.evil", "evil.localhost", "127.0.0.1.nip.io", "127.1", "[::ffff:127.0.0.1]"].map(
      (host) => [`a Host: ${host}`, { ...own, headers: { host } }] as const,
    ),
    ...["localhost:", "localhost:999999", "localhost:80:80", "localhost, evil", "user@localhost", "0.0.0.0:3000"].map(
      (host) => [`a Host: ${host}`, { ...own, headers: { host } }] as const,
    ),
    ...["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Anything", "X-Real-IP", "Via"].map(
      (name) => [`a header: ${name}`, { ...own, headers: { ...own.headers, [name]: "127.0.0.1" } }] as const,
    ),
    ...[
      "null",
      "http://evil.example",
      "http://localhost.evil",
      "https://localhost@evil",
      "file://",
      "localhost",
      "",
    ].map((origin) => [`an Origin: ${origin}`, { ...own, headers: { ...own.headers, origin } }] as const),
  ]
  it.each(refused)("refused, with the remedy, for %s", async (_, init) => {
    const answer = await (await houseWith({})).call("GET", path, init)
    expect([answer.status, answer.json.error.code]).toEqual([401, "UNAUTHORIZED"])
    expect(answer.json.error.message).toContain("set WHATSAPP_API_KEY")
  })

  it("refused where the runtime does not tell the address", async () => {
    const house = await houseWith({})
    const request = new Request(`http://localhost${path}`, { headers: { host: "localhost" } })
    expect((await house.http.fetch(request, {})).status).toBe(401)
  })

  it("refused through a proxy on this machine, even a trusted one that names this machine", async () => {
    const house = await houseWith({}, { trustedProxies: ["127.0.0.1"] })
    const headers = { host: "localhost", "x-forwarded-for": "127.0.0.1" }
    expect((await house.call("GET", path, { headers })).status).toBe(401)
  })
})

describe("The settings", () => {
  const check = (config: Record<string, unknown>, loopback: boolean) =>
    apiKeys.check?.(apiKeys.config?.parse(config) as never, { host: "h", loopback, multiTenant: true })

  it("need a key of at least 24 characters for an address other than loopback", () => {
    expect(check({}, true)).toEqual([])
    expect(check({ apiKey: "x".repeat(24) }, false)).toEqual([])
    for (const config of [{}, { apiKey: "canary".repeat(3) }]) {
      const [problem] = check(config, false) ?? []
      expect(problem?.variable).toBe("WHATSAPP_API_KEY")
      expect(problem?.message).toContain("at least 24 characters")
      expect(problem?.message).not.toContain("canary")
    }
    expect(apiKeys.guardsPublicHost).toBe(true)
  })

  it.each(["two words", "ключ", "a\nb"])("do not take a key that no header can carry: %j", (apiKey) => {
    const result = apiKeys.config?.safeParse({ apiKey })
    expect(result?.success).toBe(false)
    expect(result?.error?.message).not.toContain(apiKey)
  })
})
