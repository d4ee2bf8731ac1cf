import { describe, expect, it } from "vitest"
import blocking from "../../plugins/blocking/index.ts"
import { principals } from "../http/harness.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

const PATH = "/api/whatsapp/companies/a/blocklist"

const open = async (entries: readonly string[] = []): Promise<PluginHouse> => {
  const house = await createPluginHouse({
    plugins: [[blocking, { blockedNumbers: "79009999999" }]],
    prepare: (hooks) =>
      hooks.add("keys", "request:identify", ({ headers }) => principals[headers.get("x-api-key") ?? "admin"]),
  })
  house.companies.a = Object.freeze({ blockedNumbers: entries, other: 1 })
  house.companies.b = Object.freeze({ blockedNumbers: ["79002222222"] })
  return house
}

const listed = (house: PluginHouse): unknown => house.companies.a?.blockedNumbers

/** An import as another type than JSON. */
const upload = async (house: PluginHouse, text: string | Uint8Array<ArrayBuffer>, type: string, query = "") => {
  const request = new Request(`http://localhost${PATH}/import${query}`, {
    method: "POST",
    headers: { "content-type": type },
    body: text,
  })
  let answered: Response | undefined
  const asked = house.http.fetch(request).then((response) => void (answered = response))
  for (let turn = 0; turn < 2_000 && answered === undefined; turn++) await house.clock.advance(1)
  await asked
  return {
    status: answered?.status,
    json: (await answered?.json()) as { data: Record<string, unknown> & { faults: { line: number }[] } },
  }
}

describe("The list of a company", () => {
  it("comes in pages, sorted, each entry as phone or LID", async () => {
    const house = await open(["79003", "79001", "555@lid", "79002"].map((one) => one.replace("7900", "7900123456")))
    const first = await house.call("GET", `${PATH}?limit=3`)
    expect(first.json).toMatchObject({
      data: [
        { number: "555@lid", phone: null, lid: "555" },
        { number: "79001234561", phone: "79001234561", lid: null },
        { number: "79001234562" },
      ],
    })
    const rest = await house.call("GET", `${PATH}?limit=3&cursor=${String(first.json.nextCursor)}`)
    expect(rest.json).toMatchObject({ data: [{ number: "79001234563" }], nextCursor: null })
    expect(JSON.stringify([first.json, rest.json])).not.toMatch(/79009999999|79002222222/)
  })

  it("takes one number or several, in any spelling, and says what was new", async () => {
    const house = await open()
    const one = await house.call("POST", PATH, { body: { phone: "+7 900 123-45-67" } })
    expect(one.json).toEqual({ success: true, data: { added: 1, duplicates: 0, total: 1 } })
    const numbers = ["79001234567@c.us", "+55 11 98765-4321", "551187654321", "555@lid"]
    const more = await house.call("POST", PATH, { body: { numbers } })
    expect(more.json.data).toEqual({ added: 2, duplicates: 2, total: 3 })
    expect(listed(house)).toEqual(["79001234567", "5511987654321", "555@lid"])
    expect(house.companies.a).toMatchObject({ other: 1 })
  })

  it("takes nothing when one of several is wrong, and names each without an echo", async () => {
    const house = await open()
    const answer = await house.call("POST", PATH, { body: { numbers: ["+79001234567", "canary", "12@g.us"] } })
    expect(answer).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    expect(answer.json.error.details.map(({ path, code }) => [path, code])).toEqual([
      ["numbers.1", "INVALID_PHONE"],
      ["numbers.2", "INVALID_PHONE"],
    ])
    expect(answer.text).not.toMatch(/canary|12@/)
    const single = await house.call("POST", PATH, { body: { phone: "89001234567" } })
    expect(single.json.error).toMatchObject({ code: "INVALID_PHONE", details: [{ path: "phone" }] })
    expect(listed(house)).toEqual([])
  })

  it.each([[{}], [{ phone: "+79001234567", numbers: ["+79001234567"] }], [{ numbers: [] }], [{ numbers: "x" }]])(
    "wants a number or numbers: %j",
    async (body) => {
      expect((await (await open()).call("POST", PATH, { body })).status).toBe(400)
    },
  )

  it("gives a number back by any spelling", async () => {
    const house = await open(["79001234567", "5511987654321"])
    const gone = await house.call("DELETE", `${PATH}/${encodeURIComponent("+55 (11) 8765-4321")}`)
    expect(gone.json).toEqual({ success: true, data: { removed: 1, total: 1 } })
    expect(listed(house)).toEqual(["79001234567"])
    expect((await house.call("DELETE", `${PATH}/5511987654321`)).status).toBe(404)
    expect((await house.call("DELETE", `${PATH}/79009999999`)).status).toBe(404)
    expect((await house.call("DELETE", `${PATH}/canary`)).json.error.code).toBe("INVALID_PHONE")
  })

  it("is its own admin's, and there is none of a company that does not exist", async () => {
    const house = await open()
    const body = { phone: "+79001234567" }
    const key = (name: string) => ({ headers: { "x-api-key": name } })
    expect((await house.call("GET", PATH, key("company-a"))).status).toBe(200)
    for (const [method, path] of [
      ["GET", PATH],
      ["POST", PATH],
      ["DELETE", `${PATH}/79001234567`],
    ] as const) {
      const there = path.replace("/a/", "/b/")
      const nowhere = path.replace("/a/", "/nowhere/")
      const given = method === "POST" ? { body } : {}
      expect((await house.call(method, path, { ...given, ...key("reader-a") })).status).toBe(403)
      expect((await house.call(method, there, { ...given, ...key("company-a") })).status).toBe(403)
      expect((await house.call(method, nowhere, given)).status).toBe(404)
    }
    expect(Object.keys(house.companies)).toEqual(["a", "b"])
  })
})

describe("An import", () => {
  it("takes one number a line, what is none is named by its line, and nothing is repeated", async () => {
    const house = await open(["79001234567"])
    const text = "\uFEFFphone\r\n+7 900 123-45-67\r\n\r\ncanary\r\n+7 900 765-43-21\r\n79007654321\r\n89001234567"
    const answer = await upload(house, text, "text/plain; charset=utf-8")
    expect(answer).toMatchObject({
      status: 200,
      json: { data: { dryRun: false, accepted: 1, duplicates: 2, rejected: 2, total: 2 } },
    })
    expect(answer.json.data.faults.map(({ line }) => line)).toEqual([4, 7])
    expect(JSON.stringify(answer.json)).not.toMatch(/canary|8900/)
    expect(listed(house)).toEqual(["79001234567", "79007654321"])
  })

  it("reads the first column of a table", async () => {
    const house = await open()
    const text = 'Phone;Name\n"+7 900 123-45-67",Ann\n79007654321;Bob;x\n79005555555\tCid\n'
    expect((await upload(house, text, "text/csv")).json.data).toMatchObject({ accepted: 3, rejected: 0, total: 3 })
    expect(listed(house)).toEqual(["79001234567", "79007654321", "79005555555"])
  })

  it("takes a JSON list, bare or in `numbers`", async () => {
    const house = await open()
    const bare = await house.call("POST", `${PATH}/import`, { body: ["+79001234567", 5, null] })
    expect(bare.json.data).toMatchObject({ accepted: 1, rejected: 2, faults: [{ line: 2 }, { line: 3 }] })
    const named = await house.call("POST", `${PATH}/import`, { body: { numbers: ["+79007654321"] } })
    expect(named.json.data).toMatchObject({ accepted: 1, total: 2 })
    expect((await house.call("POST", `${PATH}/import`, { body: {} })).status).toBe(400)
    expect((await house.call("POST", `${PATH}/import`, { body: { numbers: "x" } })).status).toBe(400)
  })

  it("changes nothing with dryRun, and says what it would do", async () => {
    const house = await open(["79001234567"])
    const dry = await upload(house, "79001234567\n79007654321\ncanary", "text/plain", "?dryRun=true")
    expect(dry.json.data).toMatchObject({ dryRun: true, accepted: 1, duplicates: 1, rejected: 1, total: 2 })
    expect(listed(house)).toEqual(["79001234567"])
    expect((await upload(house, "79007654321", "text/plain", "?dryRun=perhaps")).status).toBe(400)
  })

  it("fills the list to its end and not beyond, all or nothing, while others get their turns", async () => {
    const house = await open(["79001234567"])
    const text = (count: number) => Array.from({ length: count }, (_, at) => `7901${1_000_000 + at}`).join("\n")
    const much = await upload(house, text(10_000), "text/plain")
    expect(much).toMatchObject({ status: 400, json: { error: { code: "VALIDATION_ERROR" } } })
    expect(listed(house)).toEqual(["79001234567"])
    expect((await upload(house, text(9_999), "text/plain")).json.data).toMatchObject({ accepted: 9_999, total: 10_000 })
    const again = await upload(house, text(9_999), "text/plain")
    expect(again.json.data).toMatchObject({ accepted: 0, duplicates: 9_999, total: 10_000 })
    expect((await house.call("POST", PATH, { body: { phone: "+79007654321" } })).status).toBe(400)
  })

  it("has a limit of lines, and wants UTF-8 in one of its types", async () => {
    const house = await open()
    expect((await upload(house, "x\n".repeat(50_002), "text/plain")).status).toBe(400)
    expect((await upload(house, Uint8Array.of(0xff, 0xfe), "text/plain")).status).toBe(400)
    expect((await upload(house, "79001234567", "application/octet-stream")).status).toBe(415)
    expect(listed(house)).toEqual([])
  })
})
