import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import type { Ledger } from "../../core/ledger.ts"
import { createAttempts } from "../../plugins/api-keys/attempts.ts"
import { isKeyId, keyIdIn, newKey } from "../../plugins/api-keys/key-text.ts"
import type { CallInit, MatrixHouse } from "../http/matrix-house.ts"
import { createTestClock } from "../support/clock.ts"
import { ADMIN, keyHouses, keysOf, type Made } from "./api-keys-houses.ts"

const company = (id: string) => `/api/whatsapp/companies/${id}`

const open = keyHouses()

const make = async (
  house: MatrixHouse,
  id: string,
  more: object = {},
  by: CallInit = { key: ADMIN },
): Promise<Made> => {
  const body = { name: "shop", scopes: ["read"], ...more }
  const answer = await house.call("POST", keysOf(id), { ...by, body })
  expect(answer.status).toBe(201)
  return answer.json.data as unknown as Made
}

/** The same key with its last letter changed. */
const spoilt = (key: string): string => key.slice(0, -1) + (key.endsWith("A") ? "B" : "A")

/** A key of each kind; each has been used once, unless it cannot be. */
async function kinds(house: MatrixHouse): Promise<Readonly<Record<string, string>>> {
  const [good, revoked, expired] = [
    await make(house, "acme"),
    await make(house, "acme"),
    await make(house, "acme", { expiresAt: new Date(Date.now() + 3_600_000).toISOString() }),
  ]
  for (const { key } of [good, revoked, expired])
    expect((await house.call("GET", company("acme"), { key })).status).toBe(200)
  await house.call("DELETE", `${keysOf("acme")}/${revoked.keyId}`, { key: ADMIN })
  house.ahead(3_600_000)
  return {
    wrong: spoilt(good.key),
    unknown: newKey((length) => crypto.getRandomValues(new Uint8Array(length))).text,
    expired: expired.key,
    revoked: revoked.key,
    "expired and wrong": spoilt(expired.key),
    garbled: "garbled",
    "the prefix alone": "wak_",
    "a key cut off": good.key.slice(0, -1),
    "a key with more behind it": `${good.key}A`,
    "no admin key either": `${ADMIN}x`,
    good: good.key,
  }
}

describe("A key that does not count", () => {
  it("costs the same digests and gets the same answer, whatever is wrong with it", async () => {
    const house = await open()
    const { good = "", ...bad } = await kinds(house)
    const work: Record<string, readonly string[]> = {}
    const answers = new Set<string>()
    let from = 0
    for (const [name, key] of Object.entries(bad)) {
      await house.settle()
      house.forgetWork()
      const answer = await house.call("GET", company("acme"), { key, address: `203.0.113.${from++}` })
      work[name] = house.work().digests
      answers.add(JSON.stringify([answer.status, { ...answer.json, requestId: "" }]))
    }
    // Nor can it be told from a good one that names a company of others.
    house.forgetWork()
    expect((await house.call("GET", company("other"), { key: good })).status).toBe(403)
    work.foreign = house.work().digests
    for (const [name, digests] of Object.entries(work))
      expect([name, digests]).toEqual([name, ["sha256", "equal", "equal"]])
    expect([...answers]).toHaveLength(1)
    expect([...answers][0]).toContain('401,{"success":false,"error":{"code":"UNAUTHORIZED"')
  })

  it("is refused without a digest when there is none to take one of", async () => {
    const house = await open()
    house.forgetWork()
    expect((await house.call("GET", company("acme"))).status).toBe(401)
    expect((await house.call("GET", company("acme"), { headers: { authorization: "Bearer" } })).status).toBe(401)
    expect(house.work()).toEqual({ digests: [], ledger: [] })
  })

  it.each<readonly [string, (key: string) => CallInit]>([
    ["of letters that are not ASCII", (key) => ({ key: `${key.slice(0, -1)}é` })],
    ["of 16,000 characters", (key) => ({ key: key.padEnd(16_000, "A") })],
    ["with a key id in capitals", (key) => ({ key: key.replace(/^wak_(.{10})/, (id) => id.toUpperCase()) })],
    ["with its secret in capitals", (key) => ({ key: key.slice(0, 15) + key.slice(15).toUpperCase() })],
    ["twice in one header", (key) => ({ key: `${key}, ${key}` })],
    ["with a space inside", (key) => ({ key: `${key.slice(0, 20)} ${key.slice(20)}` })],
    ["by another scheme", (key) => ({ headers: { authorization: `Basic ${key}` } })],
    ["without a scheme", (key) => ({ headers: { authorization: key } })],
    ["in a cookie", (key) => ({ headers: { cookie: `x-api-key=${key}` } })],
    ["beside another one", (key) => ({ key, headers: { authorization: `Bearer ${ADMIN}` } })],
    ["beside a wrong one", (key) => ({ key, headers: { authorization: "Bearer wrong" } })],
  ])("is one %s", async (_, init) => {
    const house = await open()
    const { key } = await make(house, "acme")
    const answer = await house.call("GET", company("acme"), init(key))
    expect([answer.status, answer.json.error.code]).toEqual([401, "UNAUTHORIZED"])
    expect(answer.text + house.log.text()).not.toContain(key.slice(15))
    expect((await house.call("GET", company("acme"), { key })).status).toBe(200)
  })

  it("is one in the URL: it is not looked at, not even to be refused, and the log has the route alone", async () => {
    const house = await open()
    const { key } = await make(house, "acme")
    house.forgetWork()
    for (const name of ["api_key", "key", "access_token", "x-api-key", "token"]) {
      const answer = await house.call("GET", `${company("acme")}?${name}=${key}`)
      expect([answer.status, answer.json.error.code]).toEqual([401, "UNAUTHORIZED"])
    }
    expect(house.work().digests).toEqual([])
    expect(house.log.text()).not.toContain(key)
  })
})

describe("Failed attempts", () => {
  const address = "203.0.113.9"

  it("with keys of companies are counted by address: the 21st in a minute is 429, and a good key never is", async () => {
    const house = await open()
    const { good = "", revoked, expired, ...bad } = await kinds(house)
    const failing = [revoked, expired, ...Object.values(bad)]
    const statuses: number[] = []
    for (let time = 0; time < 21; time++) {
      const key = failing[time % failing.length] ?? ""
      statuses.push((await house.call("GET", company("acme"), { key, address })).status)
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429])
    for (const key of [good, ADMIN])
      expect((await house.call("GET", company("acme"), { key, address })).status).toBe(200)
    const next = await make(house, "acme", {}, { key: ADMIN, address })
    expect((await house.call("GET", company("acme"), { key: next.key, address })).status).toBe(200)
  })

  it("are not made by a good key that asks for too much, nor by calls without a key", async () => {
    const house = await open()
    const { key } = await make(house, "acme")
    for (let time = 0; time < 25; time++) {
      expect((await house.call("GET", company("other"), { key, address })).status).toBe(403)
      expect((await house.call("GET", company("acme"), { address })).status).toBe(401)
    }
    expect((await house.call("GET", company("acme"), { key: "wrong", address })).status).toBe(401)
  })

  it.each<readonly [string, readonly string[], boolean]>([
    [
      "of IPv6 addresses of one /64 count together",
      ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:0DB8:0001:0002::"],
      true,
    ],
    ["of short spellings of one /64 count together", ["2001:db8::1", "2001:db8:0:0:5::", "2001:db8::5:0:0:1"], true],
    ["of addresses with and without a zone count together", ["fe80::1%eth0", "fe80::2"], true],
    [
      "of spellings of one IPv4 address count together",
      ["198.51.100.1", "::ffff:198.51.100.1", "::FFFF:198.51.100.1"],
      true,
    ],
    ["of IPv6 addresses of two /64 count apart", ["2001:db8:1:2::1", "2001:db8:1:3::1"], false],
    ["of two IPv4 addresses in IPv6 count apart", ["::ffff:198.51.100.1", "::ffff:198.51.100.2"], false],
    ["of loopback and another address count apart", ["::1", "2001:db8::1"], false],
  ])("%s", (_, addresses, together) => {
    const attempts = createAttempts(createTestClock())
    const [first = "", ...rest] = addresses
    for (let time = 0; time < 20; time++) attempts.failed(first)
    for (const other of rest) expect(attempts.failed(other) !== undefined).toBe(together)
  })
})

describe("Without an admin key", () => {
  const keyless = { env: { WHATSAPP_API_KEY: "" } }
  const outside = "203.0.113.9"

  it("this machine makes keys, and they open from anywhere", async () => {
    const house = await open(keyless)
    const { key } = await make(house, "acme", {}, {})
    expect((await house.call("GET", company("acme"), { key, address: outside })).status).toBe(200)
    expect((await house.call("GET", company("other"), { key, address: outside })).status).toBe(403)
    const none = await house.call("GET", company("acme"), { address: outside })
    expect([none.status, none.json.error.message]).toEqual([401, expect.stringContaining("set WHATSAPP_API_KEY")])
  })

  it("a call with a key is judged by that alone, also from this machine", async () => {
    const house = await open(keyless)
    const { key, keyId } = await make(house, "acme", {}, {})
    expect((await house.call("GET", company("other"), { key })).status).toBe(403)
    expect((await house.call("GET", company("acme"), { key: spoilt(key) })).status).toBe(401)
    expect((await house.call("DELETE", `${keysOf("acme")}/${keyId}`)).status).toBe(200)
    expect((await house.call("GET", company("acme"), { key })).status).toBe(401)
    expect(
      (await house.call("GET", company("acme"), { headers: { authorization: "Bearer garbled key" } })).status,
    ).toBe(401)
    expect((await house.call("GET", company("acme"), { key: "" })).status).toBe(200)
  })

  it("nothing is served to what a foreign page has its browser fetch, and programs are", async () => {
    const house = await open(keyless)
    const asked = async (site: string): Promise<number> =>
      (await house.call("GET", "/api/whatsapp/sessions", { headers: { "sec-fetch-site": site } })).status
    expect([
      await asked("cross-site"),
      await asked("same-origin"),
      await asked("same-site"),
      await asked("none"),
    ]).toEqual([...[401, 200, 200, 200]])
  })
})

describe("While the ledger is away", () => {
  it("the admin key and keys in use are served, others hear that storage is unavailable", async () => {
    let away = false
    const wrap = (ledger: Ledger): Ledger => ({
      ...ledger,
      async get(...input) {
        if (away) throw appError("STORAGE_UNAVAILABLE")
        return ledger.get(...input)
      },
    })
    const house = await open({ wrap })
    const [used, fresh] = [await make(house, "acme"), await make(house, "acme")]
    await house.call("GET", company("acme"), { key: used.key })
    away = true
    const health = async (key: string) => (await house.call("GET", "/api/whatsapp/health", { key })).status
    expect([await health(ADMIN), await health(used.key), await health(spoilt(used.key))]).toEqual([200, 200, 401])
    const refused = await house.call("GET", "/api/whatsapp/health", { key: fresh.key })
    expect([refused.status, refused.json.error.code, refused.json.error.isRetryable]).toEqual([
      503,
      "STORAGE_UNAVAILABLE",
      true,
    ])
    away = false
    expect(await health(fresh.key)).toBe(200)
  })
})

describe("The text of a key", () => {
  it("has an id of [a-z0-9], all letters alike likely, and a secret of 43 letters", () => {
    const seen = new Map<string, number>()
    const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
    const keys = Array.from({ length: 5_000 }, () => newKey(random))
    for (const { keyId, text } of keys) {
      expect(isKeyId(keyId) && keyIdIn(text) === keyId && text.length === 58).toBe(true)
      for (const letter of keyId) seen.set(letter, (seen.get(letter) ?? 0) + 1)
    }
    expect(seen.size).toBe(36)
    // 50,000 letters over 36: 1,389 of each, give or take 37.
    for (const count of seen.values()) expect(Math.abs(count - 1_389)).toBeLessThan(6 * 37)
    expect(new Set(keys.map(({ text }) => text)).size).toBe(5_000)
    expect(keys.some(({ text }) => text.slice(15).includes("_"))).toBe(true)
  })

  it("never takes a letter from a byte that would favour some", () => {
    const bytes = [255, 254, 253, 252, 251, 0, 35, 36, 71, 72]
    const { keyId } = newKey((length) => Uint8Array.from({ length }, (_, at) => bytes[at % bytes.length] ?? 0))
    // 251 is the last of "9"; then a, 9, a, 9, a, and again from the next draw.
    expect(keyId).toBe("9a9a9a9a9a")
  })
})
