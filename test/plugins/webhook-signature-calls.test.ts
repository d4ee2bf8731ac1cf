import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { definePlugin } from "../../core/plugin.ts"
import { until } from "../support/platform.ts"
import { read } from "../http/harness.ts"
import { startWhole, type Whole } from "../http/whole.ts"

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const KEY = Buffer.from(SECRET.slice("whsec_".length), "base64")
const OTHER = "a secret of the whole server"
const PATH = "/api/whatsapp/webhooks"
const send = (message: string, more: object = {}) =>
  JSON.stringify({ type: "message.send", data: { phone: "79001234567", message, ...more } })
const bytes = (...parts: (string | Uint8Array)[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))))

let ids = 0
const standard = (body: string | Uint8Array, id = `msg_${++ids}`, stamp = Math.floor(Date.now() / 1_000)) => {
  const mac = createHmac("sha256", KEY).update(`${id}.${stamp}.`).update(body).digest("base64")
  return { "webhook-id": id, "webhook-timestamp": String(stamp), "webhook-signature": `v1,${mac}` }
}
const hub = (body: string | Uint8Array, secret = SECRET) => ({
  "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
})

async function linked(whole: Whole, company: string, headers: Record<string, string> = {}): Promise<void> {
  const before = whole.provider.connections.length
  await whole.call("POST", `/api/whatsapp/sessions/${company}/initialize`, {}, headers)
  await whole.provider.line(company).link()
  // The line comes back by itself once it is linked.
  const begun = async () => (whole.provider.connections.length === before + 2 ? true : undefined)
  await until("the linked line is connecting", 20_000, begun)
  await whole.provider.line(company).open()
}

async function post(whole: Whole, body: string | Uint8Array<ArrayBuffer>, headers: object, company = "acme") {
  const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body }
  // From anywhere, and without a key.
  return read(
    await whole.app.fetch(new Request(`http://shop.example${PATH}/${company}`, init), { remoteAddress: "203.0.113.9" }),
  )
}

/** A plugin that reads every body as text before it says that it is none of its business. */
const reader = (name: string) =>
  definePlugin({
    name,
    description: "Reads texts",
    setup({ on, log }) {
      on("webhook:verify", async ({ body, headers }) => {
        const text = new TextDecoder().decode(body)
        const again = await new Response(new Uint8Array(body)).text()
        log.debug({ length: text.length + again.length, type: headers.get("content-type") }, "Read")
        return undefined
      })
    },
  })

describe.each([
  ["alone", []],
  ["behind a plugin that reads texts", ["early", "api-keys", "webhook-signature", "validation"]],
  ["before a plugin that reads texts", ["api-keys", "webhook-signature", "late", "validation"]],
])("a signed call, verified %s", (_, plugins) => {
  let whole: Whole
  beforeAll(async () => {
    const more = plugins.length === 0 ? [] : [reader("early"), reader("late")]
    const chosen = plugins.length === 0 ? {} : { WHATSAPP_PLUGINS: plugins.join(",") }
    whole = await startWhole({ ...chosen, WHATSAPP_WEBHOOK_SECRET: OTHER }, more)
    await linked(whole, "acme")
    await linked(whole, "shop")
    await whole.call("PUT", "/api/whatsapp/companies/acme", { webhookSecret: SECRET })
  })
  afterAll(() => whole.stop())
  const texts = (company = "acme") =>
    whole.provider.line(company).sent.map(({ wire }) => new TextDecoder().decode(wire))

  it("needs no key and sends, by either scheme", async () => {
    for (const sign of [standard, hub]) {
      const body = send(`by ${sign.name}`)
      expect((await post(whole, body, sign(body))).json).toMatchObject({ success: true, data: { status: "sent" } })
    }
    expect(texts()).toEqual(["by standard", "by hub"])
  })

  it("counts as the bytes that came: a mark in front, odd spacing, escapes, whatever is signed", async () => {
    for (const body of [
      bytes("\uFEFF", send("with a mark")),
      bytes("\r\n\t", send("with spaces"), "  \n"),
      bytes(send("ä").replace("ä", "\\u00e4")),
      bytes(send("😀 ﷽ \u2028")),
    ]) {
      expect((await post(whole, body, standard(body))).status).toBe(200)
      expect((await post(whole, body, hub(body))).status).toBe(200)
    }
  })

  it("that is genuine and no JSON is 400, and is not remembered", async () => {
    for (const body of [
      bytes(Uint8Array.of(0xff, 0xfe, 0x7b, 0x7d)),
      bytes(send("half").slice(0, -3)),
      bytes('{"type":"message.send","data":{"message":"', Uint8Array.of(0xc3, 0x28), '"}}'),
      bytes('{"type":"message.send","__proto__":{}}'),
      bytes("[".repeat(40), "]".repeat(40)),
      bytes(""),
    ]) {
      for (const headers of [standard(body), hub(body)]) {
        for (const time of [1, 2]) {
          const { status, json } = await post(whole, body, headers)
          expect([time, status, json.error.code]).toEqual([time, 400, "INVALID_JSON"])
        }
      }
    }
  })

  it("altered, written anew, stale, early or signed with another secret is refused, and sends nothing", async () => {
    const before = texts().length
    const body = send("never", { ttl: 5 })
    const now = Math.floor(Date.now() / 1_000)
    const refused: [string | Uint8Array<ArrayBuffer>, object][] = [
      [body.replace("never", "Never"), standard(body)],
      [JSON.stringify(JSON.parse(body), null, 2), standard(body)],
      [bytes("\uFEFF", body), standard(body)],
      [bytes(body, "\0"), hub(body)],
      [body, standard(bytes("\uFEFF", body))],
      [body, standard(body, "old", now - 301)],
      [body, standard(body, "new", now + 360)],
      [body, hub(body, OTHER)],
      [body, {}],
      [bytes(Uint8Array.of(0xff)), standard(bytes(Uint8Array.of(0xfe)))],
      ["{", standard("{}")],
    ]
    for (const [said, headers] of refused) {
      const { status, json } = await post(whole, said, headers)
      expect([status, json.error.code]).toEqual([401, "INVALID_SIGNATURE"])
    }
    // The exact edges are looked at under a clock that stands still.
    for (const stamp of [now - 240, now + 240]) {
      expect((await post(whole, body, standard(body, `edge_${stamp}`, stamp))).status).toBe(200)
    }
    expect(texts()).toHaveLength(before + 2)
  })

  it("has one effect, though it comes a hundred times at once and again later with another stamp", async () => {
    const before = texts().length
    const body = send("once")
    const headers = standard(body, "once")
    const answers = await Promise.all(Array.from({ length: 100 }, () => post(whole, body, headers)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const now = Math.floor(Date.now() / 1_000)
    expect((await post(whole, body, standard(body, "once", now + 1))).json.data.repeated).toBe(true)
    const other = send("another body")
    expect((await post(whole, other, standard(other, "once"))).json.data.repeated).toBe(true)
    expect(texts()).toHaveLength(before + 1)
  })

  it("of the other scheme is known by its body, which an id makes another one", async () => {
    const before = texts().length
    const body = send("same")
    for (let i = 0; i < 3; i++) expect((await post(whole, body, hub(body))).status).toBe(200)
    const meant = JSON.stringify({ ...JSON.parse(body), id: "again" })
    expect((await post(whole, meant, hub(meant))).json.data.repeated).toBeUndefined()
    expect(texts()).toHaveLength(before + 2)
  })

  it("that is signed in both ways is one call, also stripped of one of them", async () => {
    const before = texts().length
    const body = send("both ways")
    const both = { ...standard(body), ...hub(body) }
    expect((await post(whole, body, both)).json.data.repeated).toBeUndefined()
    expect((await post(whole, body, hub(body))).json.data.repeated).toBe(true)
    // The same text meant twice has another id.
    expect((await post(whole, body, { ...standard(body), ...hub(body) })).json.data.repeated).toBeUndefined()
    expect(texts()).toHaveLength(before + 2)
  })

  it("is for the company of its secret: the server's for one that has none, and no answer tells who exists", async () => {
    const body = send("whose")
    expect((await post(whole, body, hub(body, OTHER), "shop")).status).toBe(200)
    const ends = await Promise.all(
      ["acme", "shop", "nobody"].map((company) => post(whole, body, hub(body, "wrong"), company)),
    )
    const [first] = ends
    for (const { status, json, headers } of ends) {
      expect([status, { ...json, requestId: "" }]).toEqual([401, { ...first?.json, requestId: "" }])
      expect([...headers.keys()]).toEqual([...(first?.headers.keys() ?? [])])
    }
    expect((await post(whole, body, hub(body, OTHER), "nobody")).json.error.code).toBe("INVALID_SIGNATURE")
  })
})

describe("the server's secret", () => {
  it.each([
    ["WHATSAPP_WEBHOOK_SECRET", "", "must not be empty"],
    ["WHATSAPP_WEBHOOK_SECRET_OLD", "", "must not be empty"],
    ["WHATSAPP_WEBHOOK_SECRET", "whsec_", "base64"],
    ["WHATSAPP_WEBHOOK_SECRET", "whsec_not-base-64-at-all", "base64"],
    ["WHATSAPP_WEBHOOK_SECRET_OLD", "the former one, alone", "needs WHATSAPP_WEBHOOK_SECRET"],
  ])("in %s as %j stops the start, which says why and not what", async (variable, value, reason) => {
    const failure = await startWhole({ [variable]: value }).then(
      () => "started",
      (thrown: Error) => thrown.message,
    )
    expect(failure).toContain(`${variable}: `)
    expect(failure).toContain(reason)
    if (value.length > "whsec_".length) expect(failure).not.toContain(value)
  })
})

describe("a company's secret", () => {
  it("is set, kept, taken away and refused like its other settings, and never shown", async () => {
    const whole = await startWhole()
    await linked(whole, "acme")
    const put = (webhookSecret: unknown) => whole.call("PUT", "/api/whatsapp/companies/acme", { webhookSecret })
    const valid = async (secret: string): Promise<boolean> => {
      const body = send(`by ${secret}, number ${++ids}`)
      return (await post(whole, body, hub(body, secret))).status === 200
    }
    expect((await put("first secret")).json.data.webhookSecret).toBe("***")
    expect(await valid("first secret")).toBe(true)
    expect((await put("***")).status).toBe(200)
    expect(await valid("first secret")).toBe(true)
    expect((await put(["second secret", "first secret"])).json.data.webhookSecret).toBe("***")
    expect([await valid("first secret"), await valid("second secret")]).toEqual([true, true])
    for (const [bad, path, sentence] of [
      ["", "webhookSecret", "1 to 500 characters"],
      ["whsec_not-base64", "webhookSecret", "base64"],
      [77_777_777, "webhookSecret", "a list of one or two"],
      [["aaaaaaaa", "bbbbbbbb", "cccccccc"], "webhookSecret", "a list of one or two"],
      [["aaaaaaaa", "***"], "webhookSecret.1", "not stars alone"],
    ] as const) {
      const { status, json, text } = await put(bad)
      expect([status, json.error.details]).toMatchObject([400, [{ path, message: expect.stringContaining(sentence) }]])
      expect(text).not.toMatch(/aaaa|7777|not-base64/)
    }
    expect([await valid("first secret"), await valid("second secret")]).toEqual([true, true])
    expect((await put(null)).json.data.webhookSecret).toBeNull()
    expect([await valid("first secret"), await valid("second secret")]).toEqual([false, false])
    await whole.stop()
  })

  it("that is made here takes its place, and a company's other settings stay", async () => {
    const whole = await startWhole()
    await linked(whole, "acme")
    await whole.call("PUT", "/api/whatsapp/companies/acme", { name: "Acme", webhookSecret: "former" })
    const made = await whole.call("POST", "/api/whatsapp/companies/acme/webhook-secret")
    expect(made.status).toBe(201)
    const view = await whole.call("GET", "/api/whatsapp/companies/acme")
    expect(view.json.data).toMatchObject({ name: "Acme", webhookSecret: "***" })
    for (const secret of [String(made.json.data.secret), "former"]) {
      const body = send(`signed with one of ${++ids}`)
      expect((await post(whole, body, hub(body, secret))).status).toBe(200)
    }
    await whole.stop()
  })
})

describe("a call without a signature", () => {
  it("is let in with a key that may send, where validation is off; a wrong signature never is", async () => {
    const key = "an-admin-key-of-enough-length"
    const whole = await startWhole({
      WHATSAPP_VALIDATE_WEBHOOKS: "false",
      WHATSAPP_API_KEY: key,
      WHATSAPP_WEBHOOK_SECRET: OTHER,
    })
    const admin = { "x-api-key": key }
    await linked(whole, "acme", admin)
    const body = send("unsigned")
    const codeOf = async (headers: object) => {
      const { status, json } = await post(whole, body, headers)
      return json.success === true ? status : json.error.code
    }
    expect(await codeOf({})).toBe("UNAUTHORIZED")
    expect(await codeOf({ "x-api-key": "wrong" })).toBe("UNAUTHORIZED")
    expect(await codeOf(admin)).toBe(200)
    expect(await codeOf({ ...admin, ...hub(body, "wrong") })).toBe("INVALID_SIGNATURE")
    expect(await codeOf({ ...admin, "webhook-signature": "v1,x" })).toBe("INVALID_SIGNATURE")
    expect(await codeOf(hub(body, OTHER))).toBe(200)
    await whole.stop()
  })

  it("is let in from this machine without any key, where validation is off and no key is set", async () => {
    const whole = await startWhole({ WHATSAPP_VALIDATE_WEBHOOKS: "false" })
    const local = await whole.call("POST", `${PATH}/acme`, { type: "session.initialize" })
    expect([local.status, local.json.data.companyId]).toEqual([202, "acme"])
    expect((await post(whole, "{}", {})).status).toBe(401)
    await whole.stop()
  })

  it("is refused where validation is on, whatever key it brings", async () => {
    const key = "an-admin-key-of-enough-length"
    const whole = await startWhole({ WHATSAPP_API_KEY: key })
    expect((await post(whole, "{}", { "x-api-key": key })).json.error.code).toBe("INVALID_SIGNATURE")
    await whole.stop()
  })
})
