import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type GuideHouse, openGuideHouse } from "./house.ts"
import { TROUBLES } from "./words.ts"

/** The requests of the guide, as they are written there. */

let house: GuideHouse
let fetch: GuideHouse["fetch"]
beforeAll(async () => {
  house = await openGuideHouse()
  fetch = house.fetch
})
afterAll(() => house.stop())

const sendToCompany123 = (): Promise<Response> =>
  fetch("/api/whatsapp/send", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      companyId: "company-123", // Required in multi-tenant
      phone: "79001234567",
      message: "Hello from Company 123!",
    }),
  })

const initializeCompany123 = (): Promise<Response> =>
  fetch("/api/whatsapp/sessions/company-123/initialize", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      usePairingCode: false,
      phoneNumber: "79001234567", // Required if usePairingCode: true
    }),
  })

/** What an answer says went wrong. */
async function said(answer: Response): Promise<unknown> {
  const { success, error } = (await answer.json()) as { success: boolean; error: { message: string } }
  return [answer.status, success, error.message]
}

async function dataOf(answer: Response): Promise<Record<string, unknown>> {
  const { success, data } = (await answer.json()) as { success: boolean; data: Record<string, unknown> }
  expect([answer.status, success]).toEqual([200, true])
  return data
}

describe("A company, from its first day", () => {
  it("is told that it has no session, how to begin one, and what it has sent", async () => {
    expect(await said(await sendToCompany123())).toEqual([409, false, TROUBLES.noSession])
    expect(await dataOf(await initializeCompany123())).toMatchObject({
      companyId: "company-123",
      status: "qr",
      connected: false,
      qr: "2@qr",
    })
    await house.connect("company-123")
    const sent = await dataOf(await sendToCompany123())
    expect(sent).toMatchObject({ companyId: "company-123", to: "79001234567", status: "sent" })
    expect(Object.keys(sent)).toEqual(expect.arrayContaining(["messageId", "timestamp"]))
    const [onTheWire] = house.provider.line("company-123").sent
    expect(new TextDecoder().decode(onTheWire?.wire)).toBe("Hello from Company 123!")
    expect(onTheWire?.to).toMatchObject({ kind: "person", phone: "79001234567" })
  })

  it("is linked by a code where it says so, and needs a number for one", async () => {
    const initialize = (body: object): Promise<Response> =>
      fetch("/api/whatsapp/sessions/company-456/initialize", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      })
    expect((await initialize({ usePairingCode: true })).status).toBe(400)
    const begun = await dataOf(await initialize({ usePairingCode: true, phoneNumber: "79001234567" }))
    expect(begun).toMatchObject({ companyId: "company-456", status: "pairing-code", pairingCode: "ABCD-EFGH" })
  })
})

describe("What may go wrong", () => {
  let message: Record<string, string>
  beforeEach(() => {
    message = { phone: "79001234567", message: "Hello from Company 123!" }
  })
  const send = async (body: object): Promise<unknown> => {
    const headers = { "Content-Type": "application/json" }
    return said(await fetch("/api/whatsapp/send", { method: "POST", headers, body: JSON.stringify(body) }))
  }

  it("no company is named: the solution is to include companyId", async () => {
    expect(await send(message)).toEqual([400, false, TROUBLES.noCompany])
  })

  it("a company's id is of other signs than letters, digits, dashes and underscores", async () => {
    for (const companyId of ["company 123", "company.123", "company/123", "компания", "a".repeat(101)]) {
      expect(await send({ ...message, companyId })).toEqual([400, false, TROUBLES.badCompany])
      const path = `/api/whatsapp/sessions/${encodeURIComponent(companyId)}/initialize`
      expect(await said(await fetch(path, { method: "POST" }))).toEqual([400, false, TROUBLES.badCompany])
    }
    expect(await send({ ...message, companyId: "Company_1-23" })).toEqual([409, false, TROUBLES.noSession])
  })

  it("a company has not been initialized", async () => {
    expect(await send({ ...message, companyId: "company-789" })).toEqual([409, false, TROUBLES.noSession])
  })

  it("a phone number has fewer than 10 digits, or more than 15", async () => {
    const numbers = ["790012345", "7900123456789012"]
    for (const phone of numbers) {
      const [status, success] = (await send({ ...message, companyId: "company-123", phone })) as [number, boolean]
      expect([phone, status, success]).toEqual([phone, 400, false])
    }
  })

  it("a message has suspicious content: it goes out without it", async () => {
    const text = "Hello <script>alert(1)</script>from Company 123!"
    const answer = await house.ask("POST", "/api/whatsapp/send", {
      ...message,
      message: text,
      companyId: "company-123",
    })
    expect([answer.status, answer.json.data.sanitized]).toEqual([200, true])
    const wire = house.provider.line("company-123").sent.at(-1)?.wire
    expect(new TextDecoder().decode(wire)).toBe("Hello from Company 123!")
  })

  it("the URL of an attachment leads inside, or is none", async () => {
    for (const mediaUrl of [
      "http://127.0.0.1/a.png",
      "http://169.254.169.254/latest/meta-data",
      "javascript:alert(1)",
    ]) {
      const body = { companyId: "company-123", phone: "79001234567", mediaUrl, type: "image", caption: "A picture" }
      const { status, json } = await house.ask("POST", "/api/whatsapp/send-media", body)
      expect([mediaUrl, status, json.error.code]).toEqual([mediaUrl, 400, "INVALID_MEDIA_URL"])
    }
  })
})
