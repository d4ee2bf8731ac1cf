import { describe, expect, it } from "vitest"
import type { Answer } from "../lines/web.ts"
import { dumpOf } from "../lines/inhabited.ts"
import { theBuiltIn } from "../support/built-in.ts"
import { openPluginLines, type PluginLines, type PluginLinesOptions } from "./on-lines.ts"

const PHONE = "79001234567"
const NEVER = 1_000_000_000

interface Diagnosis {
  readonly companyId: string
  readonly phone: string | null
  readonly wouldSend: boolean
  readonly summary: string
  readonly findings: readonly { readonly check: string; readonly ok: boolean; readonly detail: string }[]
}

type Configs = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const BESIDE = ["validation", "blocking", "rate-limit", "pacing"] as const

/** A house with the plugins that have a say in sends; health's own checks are off, so that nobody but the test asks. */
const open = async (configs: Configs = {}, more: Partial<PluginLinesOptions> = {}): Promise<PluginLines> => {
  const plugins = [...BESIDE, "health"].map((name) => {
    const config = name === "health" ? { enabled: "false" } : {}
    return [theBuiltIn(name), { ...config, ...configs[name] }] as const
  })
  const lines = await openPluginLines({ plugins, ...more, settings: { keepAliveMs: NEVER, ...more.settings } })
  lines.house.provider.contacts.set(PHONE, { address: `${PHONE}@s.whatsapp.net`, lid: null })
  return lines
}

const connected = async (configs: Configs = {}, more: Partial<PluginLinesOptions> = {}): Promise<PluginLines> => {
  const lines = await open(configs, more)
  await lines.house.connect("acme")
  return lines
}

/** As a caller does; time goes on as long as the answer takes. */
const post = async (lines: PluginLines, path: string, body: object): Promise<Answer> => {
  const answer: { done?: Answer } = {}
  const asked = lines.call("POST", path, body).then((got) => {
    answer.done = got
  })
  await lines.house.clock.settle()
  while (answer.done === undefined) await lines.house.clock.advance(500)
  await asked
  return answer.done
}

const diagnose = async (lines: PluginLines, phone: unknown = PHONE, company = "acme"): Promise<Diagnosis> => {
  const { status, json } = await post(lines, "/diagnose", { companyId: company, phone })
  expect(status).toBe(200)
  return json.data as unknown as Diagnosis
}

const send = (lines: PluginLines, phone: unknown = PHONE, company = "acme"): Promise<Answer> =>
  post(lines, "/send", { companyId: company, phone, message: "hello" })

/** Somebody writes to the company. */
const hear = ({ house }: PluginLines, phone = PHONE): Promise<void> =>
  house.provider.line("acme").input.intake.message({
    chat: { kind: "person", phone, lid: null },
    sender: { phone, lid: null },
    fromMe: false,
    wireId: "IN1",
    at: house.clock.now(),
    pushName: null,
    content: { type: "text", text: "hi" },
    wire: new Uint8Array(),
    offline: false,
  })

/** Every number that WhatsApp is asked about from now on. */
const questionsOf = ({ house }: PluginLines): string[] => {
  const asked: string[] = []
  const { contacts } = house.provider
  const get = contacts.get.bind(contacts)
  contacts.get = (phone) => {
    asked.push(phone)
    return get(phone)
  }
  return asked
}

const failing = ({ findings }: Diagnosis): string[] => findings.filter(({ ok }) => !ok).map(({ check }) => check)

const BEGINNINGS = [
  [200, "A message would go out at once"],
  [202, "A message would be accepted and wait: "],
  [422, "A message would not arrive: "],
] as const

/** What is diagnosed is what a real send then gets, on the same house. */
const agree = async (
  lines: PluginLines,
  checks: readonly string[],
  status: number,
  phone: unknown = PHONE,
  company = "acme",
): Promise<Diagnosis> => {
  const diagnosis = await diagnose(lines, phone, company)
  expect(failing(diagnosis)).toEqual(checks)
  expect(diagnosis.wouldSend).toBe(status === 200)
  const [, beginning = "A message would be refused: "] = BEGINNINGS.find(([code]) => code === status) ?? []
  expect(diagnosis.summary.startsWith(beginning)).toBe(true)
  const sent = await send(lines, phone, company)
  expect(sent.status).toBe(status)
  if (status >= 400 && status !== 422) expect(diagnosis.summary).not.toContain("undefined")
  return diagnosis
}

describe("POST /api/whatsapp/diagnose agrees with a send", () => {
  it("to somebody whom nothing keeps a message from, in a fixed order", async () => {
    const lines = await connected()
    const diagnosis = await agree(lines, [], 200, "+7 (900) 123-45-67")
    expect(diagnosis).toMatchObject({ companyId: "acme", phone: PHONE })
    expect(diagnosis.findings.map(({ check }) => check)).toEqual([
      ...["company", "session", "proof", "phone", "whatsapp", "blocked", "rate", "pace", "restriction"],
      ...["queue", "lastError"],
    ])
  })

  it("to a blocked number, by whichever list", async () => {
    const lines = await connected({ blocking: { blockedNumbers: PHONE } })
    expect((await agree(lines, ["blocked"], 403)).summary).toContain("WHATSAPP_BLOCKED_NUMBERS")
    await lines.call("PUT", "/companies/acme", { blockedNumbers: ["79007654321"] })
    lines.house.provider.contacts.set("79007654321", { address: "79007654321@s.whatsapp.net", lid: null })
    expect((await agree(lines, ["blocked"], 403, "79007654321")).summary).toContain("blockedNumbers")
  })

  it("when the limit is used up", async () => {
    const lines = await connected({ "rate-limit": { perCompany: 2 } })
    for (const left of ["2 of 2", "1 of 2"]) {
      const { findings } = await agree(lines, [], 200)
      expect(findings.find(({ check }) => check === "rate")?.detail).toContain(left)
    }
    await agree(lines, ["rate"], 429)
  })

  it("of a restricted line to somebody new, and to somebody who has written", async () => {
    const lines = await connected()
    const line = lines.house.provider.line("acme")
    line.emit({ type: "restriction", restriction: { kind: "reachout", until: lines.house.clock.now() + 3_600_000 } })
    await agree(lines, ["restriction"], 423)
    await hear(lines)
    const { findings } = await agree(lines, [], 200)
    expect(findings.find(({ check }) => check === "restriction")?.detail).toContain("not in the way")
  })

  it("of a company that nobody has made, and of one that was never initialized", async () => {
    const lines = await open()
    await agree(lines, ["company", "session", "proof"], 409)
    await lines.call("PUT", "/companies/acme", {})
    await agree(lines, ["session", "proof"], 409)
  })

  it("of a line that is logged out, disconnected or waits to be linked, over a restart as well", async () => {
    const lines = await connected()
    const unlinked = lines.call("POST", "/sessions/acme/logout")
    await lines.house.clock.advance(10_000)
    await unlinked
    expect((await agree(lines, ["session", "proof"], 409)).summary).toContain("logged out")
    const next = await lines.reopen("stop")
    next.house.provider.contacts.set(PHONE, { address: `${PHONE}@s.whatsapp.net`, lid: null })
    expect((await agree(next, ["session", "proof"], 409)).summary).toContain("logged out")
    const begun = next.call("POST", "/sessions/acme/initialize", {})
    await next.house.clock.settle()
    next.house.provider.line("acme").qr("code")
    await begun
    expect((await agree(next, ["session", "proof"], 409)).summary).toContain("scan the QR code")
  })

  it("of a line that comes back by itself, and of one that rests with credentials and is not started for it", async () => {
    const lines = await connected()
    lines.house.provider.onConnect = (connection) => connection.end("unreachable")
    lines.house.provider.line("acme").end("unreachable")
    await lines.house.clock.settle()
    expect((await agree(lines, ["session", "proof", "lastError"], 202)).summary).toContain("reconnecting")

    const resting = await (await connected()).reopen("stop")
    const before = resting.house.provider.connections.length
    await diagnose(resting)
    expect(resting.house.provider.connections.length).toBe(before)
    expect(resting.house.lines.sessions.peek("acme")).toBeUndefined()
    await agree(resting, ["session", "proof"], 202)
  })

  it("when the server has no place for one more session", async () => {
    const first = await connected({}, { settings: { maxSessions: 1 } })
    const lines = await first.reopen("stop")
    const begun = lines.call("POST", "/sessions/other/initialize", {})
    await lines.house.clock.settle()
    lines.house.provider.line("other").qr("code")
    await begun
    expect((await agree(lines, ["session", "proof"], 503)).summary).toContain("WHATSAPP_MAX_SESSIONS")
  })

  it("of a line that says connected and does not answer", async () => {
    const lines = await connected()
    const line = lines.house.provider.line("acme")
    line.mute = true
    lines.house.provider.policy = () => "hold"
    await agree(lines, ["proof"], 202)
  })

  it("to a number that is not on WhatsApp", async () => {
    const lines = await connected()
    lines.house.provider.policy = () => ({ outcome: "not-on-whatsapp" })
    await agree(lines, ["whatsapp"], 422, "79005556677")
  })

  it("in quiet hours, with the day's first contacts used up, and behind what waits for the same chat", async () => {
    const now = new Date(Date.UTC(2026, 0, 1))
    expect(now.getUTCHours()).toBe(0)
    const quiet = await connected({ pacing: { enabled: "true", quietHours: "22:00-08:00" } })
    const { summary } = await agree(quiet, ["pace"], 202)
    expect(summary).toContain("until 2026-01-01T08:00:00.000Z")
    expect(failing(await diagnose(quiet))).toEqual(["pace", "queue"])

    const shy = await connected({ pacing: { enabled: "true", firstContacts: 1, recipientSpacingMs: 0 } })
    await agree(shy, [], 200)
    shy.house.provider.contacts.set("79005556677", { address: "79005556677@s.whatsapp.net", lid: null })
    expect((await agree(shy, ["pace"], 202, "79005556677")).summary).toContain("first contacts")
  })

  it("to somebody who has written lately, whom pacing does not hold back", async () => {
    const lines = await connected({ pacing: { enabled: "true", quietHours: "22:00-08:00" } })
    await hear(lines)
    const { findings } = await agree(lines, [], 200)
    expect(findings.find(({ check }) => check === "pace")?.detail).toContain("have written lately")
  })

  it("that is held back for a moment only, and then goes", async () => {
    const lines = await connected({ pacing: { enabled: "true", intervalMs: 4_000, jitter: 0 } })
    await agree(lines, [], 200)
    await agree(lines, [], 200)
  })

  it("to what is no phone, a number in no country, and one that the pattern refuses", async () => {
    const lines = await connected({ validation: { allowedPhonePattern: "^7" } })
    for (const [phone, status] of [
      ["canary", 400],
      [{ digits: "canary" }, 400],
      ["+999 1234567", 400],
      ["4915112345678", 400],
    ] as const) {
      const diagnosis = await agree(lines, ["phone"], status, phone)
      expect(JSON.stringify(diagnosis)).not.toContain("canary")
    }
    const { findings } = await diagnose(lines, "4915112345678")
    expect(findings.find(({ check }) => check === "whatsapp")?.detail).toContain("Not asked")
  })

  it("to a number of two spellings, by the one that has the account", async () => {
    const lines = await connected()
    lines.house.provider.contacts.set("552188887777", { address: "552188887777@s.whatsapp.net", lid: null })
    const diagnosis = await agree(lines, [], 200, "5521988887777")
    expect(diagnosis.phone).toBe("552188887777")
    expect((await send(lines, "5521988887777")).json.data.to).toBe("552188887777")
  })

  it("to such a number by what was learned of it within a day, and asks anew after that", async () => {
    const lines = await connected()
    lines.house.provider.contacts.set("552188887777", { address: "552188887777@s.whatsapp.net", lid: null })
    await send(lines, "5521988887777")
    const asked = questionsOf(lines)
    for (let hour = 0; hour < 23; hour++) await lines.house.clock.advance(3_600_000)
    expect(failing(await diagnose(lines, "5521988887777"))).toEqual([])
    expect(asked).toEqual([])
    await lines.house.clock.advance(7_200_000)
    expect(failing(await diagnose(lines, "5521988887777"))).toEqual([])
    expect(asked).toEqual(["552188887777"])
  })

  it("to a group and to a LID", async () => {
    const lines = await connected()
    await agree(lines, [], 200, "120363012345678901@g.us")
    await agree(lines, [], 200, "100000000000009@lid")
  })
})

describe("a diagnosis", () => {
  it("costs neither quota nor a row, sends nothing, and is no activity", async () => {
    const lines = await connected({ "rate-limit": { perCompany: 3 }, pacing: { enabled: "true", firstContacts: 1 } })
    const { ledger, provider } = lines.house
    const records = async () => (await dumpOf(ledger, "acme")).map((record) => JSON.stringify(record))
    const before = await records()
    for (let time = 0; time < 10; time++) {
      const { wouldSend, findings } = await diagnose(lines)
      expect(wouldSend).toBe(true)
      expect(findings.find(({ check }) => check === "rate")?.detail).toContain("3 of 3")
      expect(findings.find(({ check }) => check === "pace")?.detail).toContain("1 of 1 first contacts")
    }
    expect(await records()).toEqual(before)
    expect(provider.line("acme").sent).toEqual([])
    expect((await send(lines)).status).toBe(200)
  })

  it("asks WhatsApp once, however often somebody wants to know, and of so many numbers only", async () => {
    const lines = await connected()
    const asked = questionsOf(lines)
    for (let time = 0; time < 5; time++) await diagnose(lines)
    expect(asked).toEqual([PHONE])
    const details: string[] = []
    for (let at = 0; at < 25; at++) {
      const { findings } = await diagnose(lines, `7900555${String(1_000 + at)}`)
      details.push(findings.find(({ check }) => check === "whatsapp")?.detail ?? "")
    }
    expect(asked).toHaveLength(20)
    expect(details.at(-1)).toContain("good name")
    await lines.house.clock.advance(61_000)
    await diagnose(lines)
    expect(asked).toHaveLength(21)
  })

  it("says that WhatsApp did not answer, and counts it for nothing", async () => {
    const lines = await connected()
    lines.house.provider.contacts.get = () => {
      throw new Error("canary")
    }
    const diagnosis = await diagnose(lines)
    expect(diagnosis.wouldSend).toBe(true)
    expect(diagnosis.findings.find(({ check }) => check === "whatsapp")?.detail).toContain("in vain")
    expect(JSON.stringify(diagnosis)).not.toContain("canary")
  })

  it("has no finding of a plugin that is not there, and one that says so of a plugin that fails", async () => {
    const bare = await openPluginLines({ plugins: [[theBuiltIn("health"), { enabled: "false" }]] })
    bare.house.provider.contacts.set(PHONE, { address: `${PHONE}@s.whatsapp.net`, lid: null })
    await bare.house.connect("acme")
    const checks = (await agree(bare, [], 200)).findings.map(({ check }) => check)
    expect(checks).toEqual(["company", "session", "proof", "whatsapp", "restriction", "queue", "lastError"])

    const lines = await connected(
      {},
      {
        hooks: (hooks) => {
          hooks.add("broken", "message:diagnose", () => Promise.reject(new Error("canary")))
          hooks.add("stern", "message:diagnose", () => ({ check: "tone", ok: false, detail: "Too loud" }))
        },
      },
    )
    const diagnosis = await diagnose(lines)
    expect(failing(diagnosis)).toEqual(["broken", "tone"])
    expect(diagnosis.summary).toBe("A message would be refused: Too loud")
    expect(JSON.stringify(diagnosis)).not.toContain("canary")
  })

  it("says so when nothing but a check that failed stands between a message and its way", async () => {
    const lines = await connected(
      {},
      {
        hooks: (hooks) => hooks.add("broken", "message:diagnose", () => Promise.reject(new Error("no"))),
      },
    )
    expect(await diagnose(lines)).toMatchObject({
      wouldSend: false,
      summary: expect.stringContaining("cannot be told"),
    })
  })

  it("needs a recipient, a company of the caller's own, and the right to send", async () => {
    const lines = await connected()
    for (const body of [{}, { phone: null }, { phone: "" }]) {
      const { status, json } = await lines.call("POST", "/diagnose", { companyId: "acme", ...body })
      expect([status, json.error.code]).toEqual([400, "INVALID_PHONE"])
    }
    const missing = await lines.call("POST", "/diagnose", { phone: PHONE })
    expect([missing.status, missing.json.error.code]).toEqual([400, "COMPANY_ID_REQUIRED"])
    const foreign = { companyId: "other", phone: PHONE }
    expect((await lines.call("POST", "/diagnose", foreign, { "x-api-key": "acme-all" })).status).toBe(403)
    const own = { companyId: "acme", phone: PHONE }
    expect((await lines.call("POST", "/diagnose", own, { "x-api-key": "acme-read" })).status).toBe(403)
    expect((await lines.call("POST", "/diagnose", own, { "x-api-key": "acme-all" })).status).toBe(200)
  })
})
