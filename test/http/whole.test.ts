import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { notBuiltRoutes } from "../../config/not-built-routes.ts"
import { definePlugin } from "../../core/plugin.ts"
import { documentFaults, operationsOf } from "./openapi-rules.ts"
import { fakeCreds } from "../support/fake-provider.ts"
import { startWhole, type Whole } from "./whole.ts"

const text = { phone: "79001234567", message: "Hi" }

describe("The whole server", () => {
  let whole: Whole
  beforeAll(async () => {
    whole = await startWhole()
  })
  afterAll(() => whole.stop())

  it("documents exactly what it mounts, soundly", async () => {
    const { json } = await whole.call("GET", "/openapi.json")
    expect(documentFaults(json)).toEqual([])
    const mounted = whole.app.routes().filter(({ route }) => route.spec.documented !== false)
    const names = mounted.map(({ route }) => `${route.spec.method} ${route.spec.path}`)
    expect(
      operationsOf(json)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names.sort())
  })

  it("promises nothing as missing that is there", () => {
    // One that takes a call and can only refuse it is mounted, and left out of the document.
    const documented = whole.app.routes().filter(({ route }) => route.spec.documented !== false)
    const there = new Set(documented.map(({ route }) => shape(route.spec)))
    expect(notBuiltRoutes.filter((route) => there.has(shape(route)))).toEqual([])
    expect(new Set(notBuiltRoutes.map(shape)).size).toBe(notBuiltRoutes.length)
  })

  it("answers 501 on every promised route that is missing", async () => {
    for (const { method, path } of notBuiltRoutes) {
      const picture = { phone: "79001234567", type: "image", mediaUrl: "https://files.example/a.png" }
      const body = method === "get" || method === "delete" ? undefined : { companyId: "a", ...picture }
      const answer = await whole.call(method.toUpperCase(), path.replace(/\{[^}]*\}/g, "a"), body)
      expect([method, path, answer.status, answer.json.error.code]).toEqual([method, path, 501, "NOT_SUPPORTED"])
    }
  })

  it("needs a key, or this machine, for everything but what is open to all", async () => {
    const open: string[] = []
    for (const { route } of whole.app.routes()) {
      const { method, path } = route.spec
      const url = `http://localhost${path.replace(/\{[^}]*\}/g, "a")}`
      const request = new Request(url, { method: method.toUpperCase(), headers: { host: "localhost" } })
      const answer = await whole.app.fetch(request, { remoteAddress: "203.0.113.9" })
      if (answer.status !== 401) open.push(path)
      await answer.body?.cancel()
    }
    expect(open.sort()).toEqual(["/docs", "/docs/{file}", "/healthz", "/openapi.json", "/readyz"])
  })

  it("names everything at fault in one send", async () => {
    const answer = await whole.call("POST", "/api/whatsapp/send", {
      companyId: "a",
      phone: "abc",
      message: "",
      ttl: -1,
    })
    expect(answer.json.error.code).toBe("VALIDATION_ERROR")
    expect(answer.json.error.details.map(({ path, code }) => [path, code])).toEqual([
      ["phone", "INVALID_PHONE"],
      ["message", "INVALID_MESSAGE"],
      ["ttl", "VALIDATION_ERROR"],
    ])
    const odd = await whole.call("POST", "/api/whatsapp/send", {
      companyId: "a",
      phone: "8 900 123-45-67",
      message: "",
    })
    expect(odd.json.error.details.map(({ path }) => path)).toEqual(["message", "phone"])
    expect(odd.text).toContain("write the number internationally")
  })

  it("says in the guide's words what the guide says", async () => {
    const send = async (body: object) => {
      const { status, json } = await whole.call("POST", "/api/whatsapp/send", body)
      return [status, json.error.message]
    }
    expect(await send(text)).toEqual([400, "Company ID is required in multi-tenant mode"])
    expect(await send({ ...text, companyId: "company 123" })).toEqual([400, "Invalid company ID format"])
    expect(await send({ ...text, companyId: "company-123" })).toEqual([409, "No active session for company"])
  })

  it("shows a QR code to the guide's own call, with its body and without", async () => {
    const path = "/api/whatsapp/sessions/company-123/initialize"
    const guide = await whole.call("POST", path, { usePairingCode: false, phoneNumber: "79001234567" })
    expect([guide.status, guide.json.data.status, guide.json.data.qr]).toEqual([200, "qr", "2@qr"])
    expect((await whole.call("POST", path)).json.data.qr).toBe("2@qr")
    expect((await whole.call("POST", path, undefined, { "content-type": "application/json" })).status).toBe(200)
  })

  it("is healthy, alive and ready", async () => {
    for (const path of ["/healthz", "/readyz"]) expect((await whole.call("GET", path)).status).toBe(200)
    const { json } = await whole.call("GET", "/api/whatsapp/health")
    expect(json).toMatchObject({ success: true, data: { status: "healthy", provider: "fake" } })
  })
})

describe("What the document says of an answer", () => {
  it("is so, from linking to erasing", async () => {
    const whole = await startWhole()
    const seen = new Set<string>()
    const call = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
      const answer = await whole.call(method, `/api/whatsapp${path}`, body, headers)
      const template = whole.app.routes().find(({ route }) => {
        const pattern = new RegExp(`^${route.spec.path.replace(/\{[^}]*\}/g, "[^/]+")}$`)
        return route.spec.method === method.toLowerCase() && pattern.test(`/api/whatsapp${path.replace(/\?.*/, "")}`)
      })
      const told = template?.route.spec.responses[answer.status]?.schema
      if (told === undefined) throw new Error(`${method} ${path} ${answer.status} is not described: ${answer.text}`)
      const parsed = told.safeParse(answer.json)
      expect([method, path, parsed.error?.issues]).toEqual([method, path, undefined])
      // Nothing is in the answer that the document does not tell of.
      expect(parsed.data).toEqual(answer.json)
      seen.add(`${method.toLowerCase()} ${template?.route.spec.path}`)
      return answer.json.data
    }
    const one = "/sessions/shop"
    await call("POST", `${one}/initialize`, {})
    await call("GET", `${one}/qr`)
    await call("POST", `${one}/pairing-code`, { phoneNumber: "+7 900 000-00-01" })
    const linking = whole.provider.connections.length
    await whole.provider.line("shop").link()
    // The line comes back by itself once it is linked.
    await expect.poll(() => whole.provider.connections.length).toBe(linking + 1)
    await whole.provider.line("shop").open()
    await expect.poll(async () => (await call("GET", one)).status).toBe("connected")
    const sent = await call("POST", "/send", { companyId: "shop", ...text })
    await call("POST", "/companies/shop/messages", { to: "79001234567@s.whatsapp.net", message: "\u0000Hi" })
    const later = { prefer: "respond-async" }
    await call("POST", "/send", { companyId: "shop", ...text }, later)
    const batch = await call("POST", "/send/batch", { companyId: "shop", messages: [text, { phone: "x" }] })
    for (const method of ["GET", "DELETE"]) await call(method, `/send/batch/${String(batch.batchId)}`)
    await call("GET", "/messages/shop?limit=1")
    await call("GET", `/messages/shop/${String(sent.messageId)}`)
    await call("GET", "/sessions")
    await call("GET", "/events/shop")
    await call("GET", "/health")
    await call("GET", "/contacts/shop/check?phone=79001234567")
    await call("POST", "/presence/shop", { presence: "available" })
    const secret = "a secret of another system"
    await call("PUT", "/companies/shop", { name: "Shop", webhookSecret: secret })
    await call("GET", "/companies/shop")
    const signed = (body: unknown, headers?: Record<string, string>) => {
      const digest = createHmac("sha256", secret).update(JSON.stringify(body)).digest("hex")
      return call("POST", "/webhooks/shop", body, { "x-hub-signature-256": `sha256=${digest}`, ...headers })
    }
    for (const time of ["first", "again"]) {
      expect((await signed({ type: "message.send", data: text })).repeated).toBe(time === "again" ? true : undefined)
    }
    await signed({ type: "message.send", data: text, id: "later" }, later)
    await signed({ type: "session.initialize" })
    await call("POST", `${one}/disconnect`)
    await call("GET", `${one}/status`)
    await call("POST", `${one}/restart`)
    await call("POST", `${one}/logout`)
    await call("DELETE", one)
    await call("GET", "/settings")
    await call("GET", "/plugins")
    await call("GET", "/companies")
    await call("DELETE", "/companies/shop")
    const files = { "creds.json": fakeCreds("79000000009", "elsewhere", 1) }
    await call("POST", "/companies/kiosk/import", { files, dryRun: true })
    await whole.stop()
    const core = whole.app
      .routes()
      .filter(({ owner, route }) => owner === "core" && route.spec.documented !== false)
      .filter(({ route }) => route.spec.responses[200]?.contentType === undefined)
    const missed = core.map(({ route }) => `${route.spec.method} ${route.spec.path}`).filter((name) => !seen.has(name))
    expect(missed).toEqual([])
  })
})

describe("A start", () => {
  it.each([
    ["WHATSAPP_COMPANY_ID_PATTERN", { WHATSAPP_COMPANY_ID_PATTERN: "(?=canary)" }],
    ["WHATSAPP_ALLOWED_PHONE_PATTERN", { WHATSAPP_ALLOWED_PHONE_PATTERN: "(canary)\\1" }],
    ["WHATSAPP_API_KEY", { HOST: "0.0.0.0" }],
    ["WHATSAPP_API_KEY", { HOST: "0.0.0.0", WHATSAPP_API_KEY: "canary" }],
    ["WHATSAPP_API_KEY", { WHATSAPP_API_KEY: "canary canary" }],
    ["DEFAULT_COMPANY_ID", { WHATSAPP_MULTI_TENANT: "false" }],
    ["DEFAULT_COMPANY_ID", { WHATSAPP_MULTI_TENANT: "false", DEFAULT_COMPANY_ID: "all" }],
    ["WHATSAPP_TRUSTED_PROXIES", { WHATSAPP_TRUSTED_PROXIES: "proxy" }],
    ["WHATSAPP_HEALTH_CHECK_INTERVAL", { WHATSAPP_HEALTH_CHECK_INTERVAL: "0" }],
  ])("stops for a %s that is not accepted, by its name and without its value", async (variable, env) => {
    const failure = await startWhole(env).then(
      () => undefined,
      (error: Error) => error.message,
    )
    expect(failure).toContain(variable)
    expect(failure).not.toContain("canary")
  })
})

describe("A message of a type that is not built yet", () => {
  it("is 501, whatever a plugin thinks of a text that it does not have", async () => {
    const whole = await startWhole()
    const to = { companyId: "acme", phone: "79001234567" }
    const image = { ...to, type: "image", media: { url: "https://example.com/cat.png" } }
    const answers = [
      await whole.call("POST", "/api/whatsapp/send", image),
      await whole.call("POST", "/api/whatsapp/send", { ...image, phone: "nobody" }),
    ]
    await whole.stop()
    expect(answers.map(({ json }) => json.error.code)).toEqual(["NOT_SUPPORTED", "INVALID_PHONE"])
  })
})

describe("A code of a plugin's own", () => {
  it("reaches the caller in the guide's words, with its time to wait", async () => {
    const limiter = definePlugin({
      name: "limiter",
      description: "Lets nobody send",
      errors: { RATE_LIMIT_EXCEEDED: { status: 429, message: "Rate limit exceeded", retryable: true } },
      setup({ on, reject }) {
        on("message:validate", () => reject("RATE_LIMIT_EXCEEDED", { retryAfter: 12 }))
      },
    })
    const whole = await startWhole({}, [limiter])
    const answer = await whole.call("POST", "/api/whatsapp/send", { companyId: "a", ...text })
    await whole.stop()
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "12"])
    expect(answer.json.error).toEqual({
      code: "RATE_LIMIT_EXCEEDED",
      message: "Rate limit exceeded",
      isRetryable: true,
      retryAfter: 12,
    })
  })
})

describe("With an admin key", () => {
  it("a key opens and this machine alone does not", async () => {
    const whole = await startWhole({ WHATSAPP_API_KEY: "k".repeat(24) })
    const statuses = [
      (await whole.call("GET", "/api/whatsapp/sessions")).status,
      (await whole.call("GET", "/api/whatsapp/sessions", undefined, { "x-api-key": "k".repeat(24) })).status,
    ]
    await whole.stop()
    expect(statuses).toEqual([401, 200])
  })
})

const shape = ({ method, path }: { readonly method: string; readonly path: string }): string =>
  `${method} ${path.replace(/\{[^}]*\}/g, "{}")}`
