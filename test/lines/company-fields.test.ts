import { describe, expect, it } from "vitest"
import { companyFieldsOf } from "../../core/line/company-fields.ts"
import { definePlugin, z } from "../../core/plugin.ts"
import { callOf } from "./house.ts"
import { openStoredWeb, type Web } from "./web.ts"

const fields = {
  limit: { schema: z.int({ error: "expected a whole number" }).positive(), description: "How many" },
  secret: { schema: z.string({ error: "expected a text" }).min(8), description: "A secret", secret: true },
}
const SECRET = "hush-hush-hush"
const open = (): Promise<Web> => openStoredWeb({ companyFields: fields, stores: ["here"] })
const put = (web: Web, body: unknown, key = "admin") => web.call("PUT", "/companies/acme", body, { "x-api-key": key })
const view = (web: Web) => web.house.lines.views.companies(["limit", "secret"])

describe("settings of companies that plugins declare", () => {
  it("are part of the company, checked by the plugin's schema, and null where nothing is set", async () => {
    const web = await open()
    expect((await put(web, { name: "Acme" })).json.data).toMatchObject({ limit: null, secret: null })
    expect((await put(web, { limit: 5 })).json.data).toMatchObject({ name: "Acme", limit: 5 })
    const bad = await put(web, { limit: "many" })
    expect(bad).toMatchObject({ status: 400, json: { error: { details: [{ path: "limit" }] } } })
    expect((await web.call("GET", "/companies/acme")).json.data).toMatchObject({ limit: 5 })
    expect((await put(web, { limit: null })).json.data).toMatchObject({ limit: null })
  })

  it("show a secret to nobody but the plugin, and take the answer back unchanged", async () => {
    const web = await open()
    const set = await put(web, { secret: SECRET })
    expect(set.json.data).toMatchObject({ secret: "***" })
    await put(web, set.json.data)
    expect(await view(web).settings("acme")).toEqual({ secret: SECRET })
    expect(JSON.stringify([set.json, web.house.log.lines])).not.toContain(SECRET)
  })

  it("leave an export without secrets, unless credentials are asked for", async () => {
    const web = await open()
    await put(web, { limit: 3, secret: SECRET })
    const storage = web.house.lines.views.storage("own")
    await storage.of("acme").put("open", "an open record")
    await storage.secretsOf("acme").put("shut", "a shut record")
    const text = async (query: string) => (await web.fetch("GET", `/companies/acme/export${query}`)).text()
    const bytesOf = (value: string): string => Buffer.from(value).toString("base64").slice(0, 12)
    const plain = await text("")
    const full = await text("?credentials=true")
    for (const word of [SECRET, "a shut record"]) {
      expect(plain).not.toContain(word)
      expect(plain).not.toContain(bytesOf(word))
      expect(full).toContain(word)
    }
    expect(plain).toContain("an open record")
  })

  it("survive a restart", async () => {
    const web = await open()
    await put(web, { limit: 3, secret: SECRET })
    const next = await web.house.reopen("kill")
    expect(await next.lines.views.companies([]).settings("acme")).toEqual({ limit: 3, secret: SECRET })
  })

  it("come at once the second time, as the same frozen object until one of them changes", async () => {
    const web = await open()
    await put(web, { limit: 3 })
    const first = await view(web).settings("acme")
    expect(view(web).settings("acme")).toBe(first)
    expect(Object.isFrozen(first)).toBe(true)
    await put(web, { limit: 4 })
    expect(await view(web).settings("acme")).toEqual({ limit: 4 })
  })

  it("are forgotten with the company: the next one of its id has none of them", async () => {
    const web = await open()
    await put(web, { limit: 3 })
    await view(web).settings("acme")
    const before = view(web).generation("acme")
    expect((await web.call("DELETE", "/companies/acme")).status).toBe(200)
    expect(await view(web).settings("acme")).toEqual({})
    await put(web, {})
    expect(await view(web).settings("acme")).toEqual({})
    expect(view(web).generation("acme")).not.toBe(before)
  })

  it("are changed by their plugin one after another, and by no other plugin", async () => {
    const web = await open()
    await put(web, { limit: 1 })
    const raise = () => view(web).change(callOf("acme"), ({ limit }) => ({ limit: Number(limit) + 1 }))
    await Promise.all([raise(), raise(), raise()])
    expect(await view(web).settings("acme")).toMatchObject({ limit: 4 })
    const other = web.house.lines.views.companies(["theirs"])
    await expect(other.change(callOf("acme"), () => ({ limit: 9 }))).rejects.toThrow("limit")
    expect(await view(web).settings("acme")).toMatchObject({ limit: 4 })
  })

  it("stop the start when two plugins declare one, or when core has it", () => {
    const plugin = (name: string, field: string) =>
      definePlugin({
        name,
        description: "x",
        companySettings: { [field]: { schema: z.string(), description: "x" } },
        setup: () => undefined,
      })
    const { problems } = companyFieldsOf(
      [plugin("one", "limit"), plugin("two", "limit"), plugin("three", "proxy")],
      ["proxy"],
    )
    expect(problems).toEqual([
      "Plugin two: the company setting limit has an owner already",
      "Plugin three: the company setting proxy has an owner already",
    ])
  })
})

describe("records of a plugin", () => {
  it("belong to the plugin and the company, and end with it", async () => {
    const web = await open()
    await put(web, {})
    const mine = web.house.lines.views.storage("mine")
    const theirs = web.house.lines.views.storage("theirs")
    await mine.of("acme").put("key", { n: 1, bytes: Uint8Array.of(1, 2) })
    await mine.of("").put("house", true)
    expect(await mine.of("acme").get("key")).toEqual({ n: 1, bytes: Uint8Array.of(1, 2) })
    expect(await theirs.of("acme").get("key")).toBeUndefined()
    expect(await mine.of("other").get("key")).toBeUndefined()
    expect(await mine.secretsOf("acme").get("key")).toBeUndefined()
    await web.call("DELETE", "/companies/acme")
    expect(await mine.of("acme").get("key")).toBeUndefined()
    await expect(mine.of("acme").put("key", 1)).rejects.toMatchObject({ code: "COMPANY_ERASED" })
    expect(await mine.of("").get("house")).toBe(true)
  })

  it("are listed in pages, counted, due at their time, and changed together or not at all", async () => {
    const web = await open()
    await put(web, {})
    const storage = web.house.lines.views.storage("mine")
    const records = storage.of("acme")
    expect(await records.putIfAbsent("a", 1, { due: 50 })).toBe(true)
    expect(await records.putIfAbsent("a", 2)).toBe(false)
    expect(
      await records.commit([
        { op: "put", key: "b", value: 2 },
        { op: "putIfAbsent", key: "a", value: 3 },
      ]),
    ).toBe(false)
    expect(await records.get("b")).toBeUndefined()
    await records.commit([
      { op: "put", key: "b", value: 2 },
      { op: "increment", key: "n", by: 2 },
    ])
    await records.increment("n", 3)
    expect(await records.numbers()).toEqual({ n: 5 })
    const first = await records.list<number>({ limit: 1 })
    const rest = await records.list<number>({ limit: 5, ...(first.next === null ? {} : { after: first.next }) })
    expect([...first.records, ...rest.records]).toEqual([
      { key: "a", value: 1 },
      { key: "b", value: 2 },
    ])
    expect(await storage.due(49, 10)).toEqual([])
    expect(await storage.due(50, 10)).toEqual([{ company: "acme", key: "a", value: 1, due: 50 }])
    await records.delete("a")
    expect(await storage.due(50, 10)).toEqual([])
  })
})
