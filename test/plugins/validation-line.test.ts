import { afterAll, beforeAll, expect, it } from "vitest"
import { connected, dataOf, openStage, type Stage, type StageCompany } from "../runtime/stage.ts"

/** A person in Belo Horizonte, whose account has kept its eight digits, and how everybody writes the number today. */
const ACCOUNT = "553187654321"
const WRITTEN = "+55 31 9 8765-4321"

let stage: Stage
let company: StageCompany
beforeAll(async () => {
  stage = await openStage({ env: { WHATSAPP_RESOLVE_NUMBERS: "false" } })
  const [first] = await stage.link(1)
  if (first === undefined) throw new Error("no company was linked")
  company = first
}, 90_000)
afterAll(() => stage.close())

const send = (phone: string, message: string) =>
  stage.platform.call("POST", "/api/whatsapp/send", { companyId: company.id, phone, message })
const questions = async (): Promise<number> => (await company.line.view()).iqs["usync get usync"] ?? 0

it("a number in the spelling that WhatsApp does not know reaches its phone, and did not without the rule", async () => {
  const person = await stage.phone(ACCOUNT)

  const without = await send(WRITTEN, "without the rule")
  expect([without.status, (without.body.error as { code?: string } | undefined)?.code]).toEqual([
    422,
    "NOT_ON_WHATSAPP",
  ])
  expect(await person.messages({ text: "without the rule" })).toEqual([])

  await stage.platform.stop()
  await stage.start({ WHATSAPP_RESOLVE_NUMBERS: "true" })
  await connected(stage.platform, company, 30_000)
  const sent = await send(WRITTEN, "with the rule")
  expect([sent.status, dataOf<{ to: string }>(sent).to]).toEqual([200, ACCOUNT])
  await person.waitFor({ text: "with the rule" })

  // An account that WhatsApp knows by both spellings is written to by the one it has.
  const other = await stage.sandbox.phone("551187654321", { spelling: "5511987654321" })
  expect(dataOf<{ to: string }>(await send("+55 11 98765-4321", "redirected")).to).toBe("551187654321")
  await other.waitFor({ text: "redirected" })

  // Known from now on: another message in either spelling asks WhatsApp nothing.
  const asked = await questions()
  expect(asked).toBeGreaterThan(0)
  for (const phone of [WRITTEN, ACCOUNT, `${ACCOUNT}@c.us`]) {
    expect(dataOf<{ to: string }>(await send(phone, `again to ${phone}`)).to).toBe(ACCOUNT)
    await person.waitFor({ text: `again to ${phone}` })
  }
  expect(await questions()).toBe(asked)
}, 90_000)
