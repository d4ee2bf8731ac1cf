import { readFile } from "node:fs/promises"
import { createHmac } from "node:crypto"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { temporaryFolder } from "../support/folder.ts"
import { type GuideHouse, type GuideOptions, openGuideHouse, type Told } from "./house.ts"
import { exportsOf, runIn } from "./shell.ts"
import { SETTINGS, SHELL, TROUBLES } from "./words.ts"

let house: GuideHouse
let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  await house.stop()
  await folder.remove()
})

interface Setting {
  readonly variable: string
  readonly value: unknown
  readonly source: string
}

async function open(options: GuideOptions = {}): Promise<ReadonlyMap<string, Setting>> {
  house = await openGuideHouse(options)
  const { json } = await house.ask("GET", "/api/whatsapp/settings")
  return new Map((json.data as unknown as Setting[]).map((setting) => [setting.variable, setting]))
}

const message = { phone: "79001234567", message: "Hello from Company 123!" }
const send = (body: object): Promise<Told> => house.ask("POST", "/api/whatsapp/send", body)

/** How a table writes that there is none. */
const NOTHING = new Set(["-", "null"])

/** A value as it is exported; nothing for one that there is not. */
function written(value: unknown): string {
  if (value === undefined) return "not a setting"
  if (Array.isArray(value)) return value.join(",")
  if (value === null) return ""
  return typeof value === "string" ? value : JSON.stringify(value)
}

describe("The tables of variables", () => {
  it("tell every default as it is in force", async () => {
    const found = await open()
    const inForce = SETTINGS.map(([variable]) => [variable, written(found.get(variable)?.value)])
    expect(inForce).toEqual(
      SETTINGS.map(([variable, byDefault]) => [variable, NOTHING.has(byDefault) ? "" : byDefault]),
    )
    expect(SETTINGS.filter(([variable]) => found.get(variable)?.source !== "default")).toEqual([])
    expect(found.get("WHATSAPP_LOG_LEVEL")?.value).toBe("info")
    expect(new Set(SETTINGS.map(([variable]) => variable)).size).toBe(39)
  })

  it("take every default when it is exported in so many words", async () => {
    const given = SETTINGS.filter(([, byDefault]) => !NOTHING.has(byDefault))
    // The log goes beside the data, for this test alone.
    const env = { ...Object.fromEntries(given), WHATSAPP_LOG_PATH: `${folder.path}/whatsapp.log` }
    const found = await open({ env })
    expect(given.filter(([variable]) => found.get(variable)?.source !== "environment")).toEqual([])
  })
})

describe("What is exported", () => {
  it("for a quick start, for monitoring and to find a fault is in force", async () => {
    const exported = [SHELL.quickStart.replace("npm start", ""), SHELL.monitoring, SHELL.debugging]
    const found = await open({ env: await exportsOf(exported.join("\n")) })
    const set = [...found.values()].filter(({ source }) => source === "environment")
    expect(Object.fromEntries(set.map(({ variable, value }) => [variable, value]))).toMatchObject({
      WHATSAPP_MULTI_TENANT: true,
      WHATSAPP_MAX_SESSIONS: 1000,
      WHATSAPP_METRICS_ENABLED: true,
      WHATSAPP_HEALTH_CHECK_ENABLED: true,
      WHATSAPP_ALERTING_ENABLED: true,
      // The paths of such URLs are often secrets, and never shown.
      WHATSAPP_ALERT_WEBHOOK: "***",
      WHATSAPP_ALERT_ERROR_RATE: 0.05,
      WHATSAPP_ALERT_MEMORY_MB: 1000,
      WHATSAPP_LOG_LEVEL: "debug",
      WHATSAPP_DEBUG_SESSIONS: true,
      WHATSAPP_DEBUG_BAILEYS: true,
    })
  })

  it("for a single company lets calls leave out which one", async () => {
    await open({ env: await exportsOf(SHELL.singleTenant) })
    expect((await send(message)).json.error.message).toBe(TROUBLES.noSession)
    await house.connect("962302")
    const sent = await send(message)
    expect([sent.status, sent.json.data.companyId]).toEqual([200, "962302"])
    expect((await send({ ...message, companyId: "962302" })).status).toBe(200)
    expect((await send({ ...message, companyId: "company-123" })).status).toBe(403)
  })

  it("to leave the single company behind asks for a company again", async () => {
    const env = await exportsOf(SHELL.fromSingleToMulti, await exportsOf(SHELL.singleTenant))
    expect(env).toEqual({ WHATSAPP_MULTI_TENANT: "true" })
    await open({ env })
    expect((await send(message)).json.error.message).toBe(TROUBLES.noCompany)
  })

  it("as a limit lets a hundred messages a minute out and no more", async () => {
    await open({ env: await exportsOf(SHELL.rateLimiting) })
    await house.connect("company-123")
    await house.connect("company-456")
    const answers = await Promise.all(Array.from({ length: 101 }, () => send({ ...message, companyId: "company-123" })))
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.map(({ status, json }) => [status, json.error.message])).toEqual([[429, TROUBLES.tooMany]])
    expect((await send({ ...message, companyId: "company-456" })).status).toBe(200)
  })

  it("as blocked numbers keeps those from being written to, in any spelling", async () => {
    await open({ env: await exportsOf(SHELL.blocking) })
    await house.connect("company-123")
    const codes: unknown[] = []
    for (const phone of ["79001234567", "79009999999", "+7 900 999-99-99", "79001234568"]) {
      const { status, json } = await send({ ...message, companyId: "company-123", phone })
      codes.push(json.error?.code ?? status)
    }
    expect(codes).toEqual(["PHONE_BLOCKED", "PHONE_BLOCKED", "PHONE_BLOCKED", 200])
  })

  it("as a webhook secret lets in what is signed with it, and nothing else", async () => {
    const env = await exportsOf(SHELL.webhooks)
    expect(env.WHATSAPP_WEBHOOK_SECRET).toBe("your-secret-key-here")
    await open({ env })
    await house.connect("company-123")
    const body = JSON.stringify({ type: "message.send", data: message })
    const post = (secret: string): Promise<Response> => {
      const digest = createHmac("sha256", secret).update(body).digest("hex")
      const headers = { "Content-Type": "application/json", "X-Hub-Signature-256": `sha256=${digest}` }
      return house.fetch("/api/whatsapp/webhooks/company-123", { method: "POST", headers, body })
    }
    expect((await post("another-secret-key-here")).status).toBe(401)
    expect((await post("your-secret-key-here")).status).toBe(200)
    expect(house.provider.line("company-123").sent).toHaveLength(1)
  })
})

describe("A .env file", () => {
  it("made by the lines for it is read at the start", async () => {
    await runIn(folder.path, SHELL.envFile)
    expect(await readFile(`${folder.path}/.env`, "utf8")).toContain("WHATSAPP_MAX_SESSIONS=100\n")
    const found = await open({ folder: folder.path })
    expect(found.get("WHATSAPP_MULTI_TENANT")).toMatchObject({ value: true, source: ".env" })
    expect(found.get("WHATSAPP_MAX_SESSIONS")).toMatchObject({ value: 100, source: ".env" })
  })

  it("gives way to what the shell exports", async () => {
    await runIn(folder.path, SHELL.envFile)
    const found = await open({ folder: folder.path, env: await exportsOf("export WHATSAPP_MAX_SESSIONS=500") })
    expect(found.get("WHATSAPP_MAX_SESSIONS")).toMatchObject({ value: 500, source: "environment" })
  })
})
