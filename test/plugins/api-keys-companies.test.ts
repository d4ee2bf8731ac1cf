import { describe, expect, it } from "vitest"
import { definePlugin, type Principal } from "../../core/plugin.ts"
import apiKeys from "../../plugins/api-keys/index.ts"
import type { Answer } from "../http/harness.ts"
import type { MatrixHouse } from "../http/matrix-house.ts"
import { createPluginHouse } from "./house.ts"
import { ADMIN, keyHouses, keysOf, type Made } from "./api-keys-houses.ts"

const sessions = "/api/whatsapp/sessions"
const every = ["send", "read", "session", "admin"]

const open = keyHouses()

const make = async (house: MatrixHouse, company: string, more: Record<string, unknown> = {}): Promise<Made> => {
  const body = { name: "shop", scopes: every, ...more }
  const answer = await house.call("POST", keysOf(company), { key: ADMIN, body })
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining('"wak_')])
  return answer.json.data as unknown as Made
}
const opens = async (house: MatrixHouse, key: string): Promise<number> =>
  (await house.call("GET", sessions, { key })).status
const codes = (answer: Answer): string[] => (answer.json.error.details ?? []).map(({ path }) => path)

describe("A company's key", () => {
  it("is shown once, with what it may do, and makes the company", async () => {
    const house = await open()
    const body = { name: "shop backend", scopes: ["send", "read", "send"], expiresAt: "2999-01-01T00:00:00+02:00" }
    const answer = await house.call("POST", keysOf("acme"), { key: ADMIN, body })
    expect(answer.status).toBe(201)
    expect(answer.headers.get("cache-control")).toBe("no-store")
    const { key, keyId, ...rest } = answer.json.data as unknown as Made & Record<string, unknown>
    expect(key).toMatch(new RegExp(`^wak_${keyId}_[A-Za-z0-9_-]{43}$`))
    expect(keyId).toMatch(/^[a-z0-9]{10}$/)
    expect(rest).toEqual({
      companyId: "acme",
      name: "shop backend",
      scopes: ["send", "read"],
      state: "active",
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      expiresAt: "2998-12-31T22:00:00.000Z",
      lastUsedAt: null,
    })
    expect((await house.call("GET", "/api/whatsapp/companies/acme", { key })).json.data).toMatchObject({
      companyId: "acme",
    })
  })

  it("opens its own company by either header, and nothing of the server's", async () => {
    const house = await open()
    const { key } = await make(house, "acme")
    expect(await opens(house, key)).toBe(200)
    const bearer = await house.call("GET", sessions, { headers: { authorization: `Bearer ${key}` } })
    expect(bearer.status).toBe(200)
    const both = await house.call("GET", sessions, { key, headers: { authorization: `Bearer ${key}` } })
    expect(both.status).toBe(200)
    for (const [method, path] of [
      ["GET", "/api/whatsapp/settings"],
      ["GET", "/api/whatsapp/metrics"],
      ["POST", "/api/whatsapp/companies/acme/import"],
    ] as const) {
      expect((await house.call(method, path, { key })).status).toBe(403)
    }
  })

  it("is kept nowhere: not in the ledger, not in the log, not in a list, and its digest is not shown either", async () => {
    const house = await open()
    const { key, keyId } = await make(house, "acme")
    await opens(house, key)
    const answer = await house.call("GET", keysOf("acme"), { key: ADMIN })
    const kept: unknown[] = []
    for (const company of ["", "acme"]) kept.push(...(await house.ledger.dump(company, undefined, 500)).records)
    const text = JSON.stringify(kept, (_, part: unknown) =>
      part instanceof Uint8Array ? Buffer.from(part).toString("latin1") : part,
    )
    expect(text).toContain(keyId)
    const secret = key.slice(`wak_${keyId}_`.length)
    for (const place of [text, house.log.text(), answer.text]) expect(place).not.toContain(secret)
    expect(Object.keys((answer.json.data as unknown as object[])[0] as object).sort()).toEqual([
      ...["companyId", "createdAt", "expiresAt", "keyId", "lastUsedAt", "name", "scopes", "state"],
    ])
  })

  it("with the scope admin opens all that its company has, and others only what they name", async () => {
    const house = await open()
    const { key: admin } = await make(house, "acme", { scopes: ["admin"] })
    const { key: reader } = await make(house, "acme", { scopes: ["read"] })
    const tried = (key: string) =>
      Promise.all(
        (
          [
            ["GET", "/api/whatsapp/companies/acme"],
            ["GET", "/api/whatsapp/contacts/acme/check"],
            ["GET", "/api/whatsapp/sessions/acme/qr"],
            ["GET", keysOf("acme")],
          ] as const
        ).map(async ([method, path]) => (await house.call(method, path, { key })).status !== 403),
      )
    expect(await tried(admin)).toEqual([true, true, true, true])
    expect(await tried(reader)).toEqual([true, false, false, false])
  })

  it.each([
    ["by default", {}],
    ["with records sealed", { WHATSAPP_ENCRYPTION_KEY: "ab".repeat(32), WHATSAPP_ENCRYPT_MESSAGES: "true" }],
  ])("costs one digest and no read of the ledger once it is known, %s", async (_, env) => {
    const house = await open({ env })
    const { key } = await make(house, "acme")
    house.forgetWork()
    await house.call("GET", "/api/whatsapp/health", { key })
    const first = house.work()
    expect(first.ledger).toContain("get")
    await house.settle()
    house.forgetWork()
    for (let time = 0; time < 10; time++)
      expect((await house.call("GET", "/api/whatsapp/health", { key })).status).toBe(200)
    const { digests, ledger } = house.work()
    expect(digests.filter((name) => name === "sha256")).toHaveLength(10)
    expect(digests.filter((name) => name === "equal")).toHaveLength(20)
    expect(ledger).toEqual([])
  })
})

describe("Several keys of a company", () => {
  it("live side by side, so that one can take the place of another", async () => {
    const house = await open()
    const old = await make(house, "acme")
    const next = await make(house, "acme")
    expect([await opens(house, old.key), await opens(house, next.key)]).toEqual([200, 200])
    expect((await house.call("DELETE", `${keysOf("acme")}/${old.keyId}`, { key: next.key })).status).toBe(200)
    expect([await opens(house, old.key), await opens(house, next.key)]).toEqual([401, 200])
  })

  it("are listed oldest first, page by page", async () => {
    const house = await open()
    const made: string[] = []
    for (let index = 0; index < 5; index++) {
      made.push((await make(house, "acme", { name: `key ${index}` })).keyId)
      house.ahead(5)
    }
    const seen: unknown[] = []
    for (let cursor = ""; ; ) {
      const answer = await house.call("GET", `${keysOf("acme")}?limit=2${cursor}`, { key: ADMIN })
      seen.push(...(answer.json.data as unknown as { keyId: string }[]).map(({ keyId }) => keyId))
      const { nextCursor } = answer.json
      if (typeof nextCursor !== "string") break
      cursor = `&cursor=${nextCursor}`
    }
    expect(seen).toEqual(made)
    const odd = await house.call("GET", `${keysOf("acme")}?cursor=no`, { key: ADMIN })
    expect([odd.status, codes(odd)]).toEqual([400, ["cursor"]])
  })

  it("are at most 100; an expired one makes room, a live one never", async () => {
    const house = await open()
    const first = await make(house, "acme", { expiresAt: new Date(Date.now() + 60_000).toISOString() })
    const rest = await Promise.all(Array.from({ length: 99 }, () => make(house, "acme")))
    const more = () => house.call("POST", keysOf("acme"), { key: ADMIN, body: { name: "x", scopes: ["read"] } })
    expect((await more()).json.error.code).toBe("TOO_MANY_KEYS")
    house.ahead(60_000)
    expect((await more()).status).toBe(201)
    expect((await more()).status).toBe(409)
    const ids = (await house.call("GET", `${keysOf("acme")}?limit=200`, { key: ADMIN })).json.data as unknown as Made[]
    expect(ids).toHaveLength(100)
    expect(ids.map(({ keyId }) => keyId)).not.toContain(first.keyId)
    expect(await opens(house, (rest[0] as Made).key)).toBe(200)
    expect((await make(house, "other")).key).toContain("wak_")
  })

  it("made at the same moment are all there, and never one too many", async () => {
    const house = await open()
    await make(house, "acme")
    const answers = await Promise.all(
      Array.from({ length: 110 }, () =>
        house.call("POST", keysOf("acme"), { key: ADMIN, body: { name: "x", scopes: ["read"] } }),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(99)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(11)
  })
})

describe("What a key is asked to be", () => {
  it.each<readonly [string, Record<string, unknown>, string[]]>([
    ["no name", { name: undefined }, ["name"]],
    ["an empty name", { name: "" }, ["name"]],
    ["a name of 101 characters", { name: "n".repeat(101) }, ["name"]],
    ["a name with a line break", { name: "a\nb" }, ["name"]],
    ["no scopes", { scopes: [] }, ["scopes"]],
    ["the operator's scope", { scopes: ["read", "operator"] }, ["scopes.1"]],
    ["a scope that is none", { scopes: ["none"] }, ["scopes.0"]],
    ["a scope as a text", { scopes: "send" }, ["scopes"]],
    ["a time gone by", { expiresAt: "2020-01-01T00:00:00Z" }, ["expiresAt"]],
    ["this very moment", { expiresAt: new Date().toISOString() }, ["expiresAt"]],
    ["a time without a zone", { expiresAt: "2999-01-01T00:00:00" }, ["expiresAt"]],
    ["a number for a time", { expiresAt: 4_000_000_000_000 }, ["expiresAt"]],
    ["fields of its own", { hash: "00", keyId: "aaaaaaaaaa", companyId: "acme" }, [""]],
    ["several faults", { name: "", scopes: [], expiresAt: "soon" }, ["name", "scopes", "expiresAt"]],
  ])("%s is refused by the field's name, and makes nothing", async (_, more, paths) => {
    const house = await open()
    const body = { name: "canary", scopes: ["read"], ...more }
    const answer = await house.call("POST", keysOf("acme"), { key: ADMIN, body })
    expect([answer.status, answer.json.error.code, codes(answer).sort()]).toEqual([
      400,
      "VALIDATION_ERROR",
      paths.toSorted(),
    ])
    expect(answer.text).not.toContain("canary")
    expect((await house.call("GET", keysOf("acme"), { key: ADMIN })).status).toBe(404)
  })

  it("can be nothing beyond what its maker may do", async () => {
    const house = await open()
    const { key } = await make(house, "acme", { scopes: ["admin"] })
    const child = await house.call("POST", keysOf("acme"), { key, body: { name: "child", scopes: every } })
    expect(child.status).toBe(201)
    for (const scopes of [["send"], ["read"], ["session"], ["send", "read", "session"]]) {
      const { key: lesser } = await make(house, "acme", { scopes })
      const answer = await house.call("POST", keysOf("acme"), { key: lesser, body: { name: "x", scopes: ["send"] } })
      expect(answer.status).toBe(403)
    }
    const foreign = await house.call("POST", keysOf("other"), { key, body: { name: "x", scopes: ["read"] } })
    expect(foreign.status).toBe(403)
    expect((await house.call("GET", keysOf("other"), { key: ADMIN })).status).toBe(404)
  })

  it("nor beyond that of a caller whom another plugin has let in", async () => {
    const caller: Principal = { kind: "company", company: "acme", scopes: new Set(["admin", "read"]) }
    const doorman = definePlugin({
      name: "doorman",
      description: "Lets everybody in for little",
      setup: ({ on }) => on("request:identify", () => caller),
    })
    const house = await createPluginHouse({
      plugins: [
        [doorman, {}],
        [apiKeys, {}],
      ],
    })
    house.companies.acme = {}
    const ask = (scopes: readonly string[]) => house.call("POST", keysOf("acme"), { body: { name: "x", scopes } })
    const refused = await ask(["read", "send", "session"])
    expect([refused.status, refused.json.error.details]).toEqual([403, { scopes: ["send", "session"] }])
    expect((await ask(["read", "admin"])).status).toBe(201)
    await house.stop()
  })
})
