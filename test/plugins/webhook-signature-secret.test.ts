import { describe, expect, it } from "vitest"
import plugin from "../../plugins/webhook-signature/index.ts"
import { builtIn } from "../support/built-in.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"
import { hubSignature } from "./webhook-signature-house.ts"

const PATH = "/api/whatsapp/companies/acme/webhook-secret"
const DAY_S = 86_400
const BODY = "{}"

async function open(config: Readonly<Record<string, unknown>> = {}, kept?: unknown): Promise<PluginHouse> {
  const house = await createPluginHouse({
    plugins: [...builtIn("api-keys").map((keys) => [keys, {}] as const), [plugin, config]],
  })
  house.companies.acme = kept === undefined ? {} : { webhookSecret: kept }
  return house
}

async function make(house: PluginHouse, body?: unknown): Promise<{ secret: string; formerValidUntil: string | null }> {
  const { status, json } = await house.call("POST", PATH, { body })
  expect([status, json.error]).toEqual([201, undefined])
  return json.data as { secret: string; formerValidUntil: string | null }
}

async function valid(house: PluginHouse, secrets: readonly string[]): Promise<readonly boolean[]> {
  return Promise.all(
    secrets.map(async (secret) => {
      const headers = new Headers({ "x-hub-signature-256": hubSignature(secret, BODY) })
      const body = new TextEncoder().encode(BODY)
      const said = await house.hooks.first("webhook:verify", { company: "acme", body, headers })
      return said !== undefined && "scheme" in said
    }),
  )
}

describe("a secret that is made here", () => {
  it("has 32 random bytes, counts at once, and is another each time", async () => {
    const house = await open()
    const first = await make(house)
    const second = await make(house)
    for (const { secret } of [first, second]) {
      expect(Buffer.from(secret.replace(/^whsec_/, ""), "base64")).toHaveLength(32)
      expect(secret.startsWith("whsec_")).toBe(true)
    }
    expect(first.secret).not.toBe(second.secret)
    expect(first.formerValidUntil).toBeNull()
    expect(await valid(house, [second.secret])).toEqual([true])
    expect(house.log.text()).not.toContain(second.secret.slice(6))
  })

  it.each([
    ["one that was set", "former", "former"],
    ["the newest of two", ["former", "oldest"], "former"],
  ])("leaves %s valid for a day", async (_, kept, former) => {
    const house = await open({}, kept)
    const { secret, formerValidUntil } = await make(house)
    expect(formerValidUntil).toBe(new Date(house.clock.now() + DAY_S * 1_000).toISOString())
    expect(await valid(house, [secret, former, "oldest"])).toEqual([true, true, false])
    await house.clock.advance(DAY_S * 1_000 - 1)
    expect(await valid(house, [secret, former])).toEqual([true, true])
    await house.clock.advance(1)
    expect(await valid(house, [secret, former])).toEqual([true, false])
  })

  it("leaves the server's valid meanwhile where the company had none", async () => {
    const house = await open({ secret: "server", secretOld: "server-old" })
    const { secret, formerValidUntil } = await make(house)
    expect(formerValidUntil).not.toBeNull()
    expect(await valid(house, [secret, "server", "server-old"])).toEqual([true, true, false])
    await house.clock.advance(DAY_S * 1_000)
    expect(await valid(house, [secret, "server"])).toEqual([true, false])
  })

  it("made twice, leaves nothing of the first of three", async () => {
    const house = await open({ secret: "server" }, "first")
    const second = await make(house)
    const third = await make(house)
    expect(await valid(house, ["first", second.secret, third.secret, "server"])).toEqual([false, true, true, false])
  })

  it("may end the one before it at once, or leave it for as long as a week", async () => {
    const house = await open({}, "former")
    const { secret, formerValidUntil } = await make(house, { overlapSeconds: 0 })
    expect(formerValidUntil).toBeNull()
    expect(await valid(house, [secret, "former"])).toEqual([true, false])
    await make(house, { overlapSeconds: 7 * DAY_S })
    await house.clock.advance(7 * DAY_S * 1_000 - 1)
    expect(await valid(house, [secret])).toEqual([true])
    for (const overlapSeconds of [-1, 7 * DAY_S + 1, 0.5, "1"]) {
      const { status, json } = await house.call("POST", PATH, { body: { overlapSeconds } })
      expect([status, json.error.details]).toMatchObject([400, [{ path: "overlapSeconds" }]])
    }
  })

  it("is for companies that exist", async () => {
    const house = await open()
    const { status, json } = await house.call("POST", PATH.replace("acme", "nobody"))
    expect([status, json.error.code]).toEqual([404, "NOT_FOUND"])
    expect(house.companies.nobody).toBeUndefined()
  })

  it("needs the scope admin, and is never cached", async () => {
    const house = await open()
    expect((await house.call("POST", PATH, { remoteAddress: "203.0.113.9" })).status).toBe(401)
    const route = house.http.document() as { paths: Record<string, { post: { description: string } }> }
    const spec = route.paths["/api/whatsapp/companies/{companyId}/webhook-secret"]
    expect(spec?.post.description).toContain("`admin`")
    expect((await house.call("POST", PATH)).headers.get("cache-control")).toBe("no-store")
  })
})
