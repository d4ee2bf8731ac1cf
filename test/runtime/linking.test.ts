import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { SandboxError, type SandboxPhone } from "../sandbox/index.ts"
import { until } from "../support/platform.ts"
import { connected, dataOf, openStage, session, type Stage, wait } from "./stage.ts"

interface Shown {
  readonly qr: string
  readonly attempts: number
}

let stage: Stage
let phone: SandboxPhone
let company: { readonly id: string }
let next = 1

beforeAll(async () => {
  stage = await openStage({ env: { WHATSAPP_RECONNECT_DELAY: "300" } })
})
beforeEach(async () => {
  phone = await stage.phone(String(4915112349000 + next))
  company = { id: `new-${next++}` }
})
afterAll(() => stage.close())

const initialize = (body: object) =>
  stage.platform.call("POST", `/api/whatsapp/sessions/${company.id}/initialize`, body)
const shown = async (): Promise<Shown> =>
  dataOf<Shown>(await stage.platform.call("GET", `/api/whatsapp/sessions/${company.id}/qr`))
const refusal = (linking: Promise<unknown>): Promise<string | undefined> =>
  linking.then(
    () => "linked",
    (fault: unknown) => (fault instanceof SandboxError ? fault.code : undefined),
  )

describe("what WhatsApp may put in the way of linking", { timeout: 90_000 }, () => {
  test("a secret that is retired: the same attempt is drawn again, and can be scanned", async () => {
    await initialize({})
    const first = await shown()
    await stage.sandbox.fault({ kind: "companion-reg-refresh", line: phone.number, count: 1 })
    expect(await refusal(phone.link(first.qr))).toBe("secret-retired")
    const second = await until("another QR code", 20_000, async () => {
      const seen = await shown()
      return seen.qr === first.qr ? undefined : seen
    })
    expect(second.attempts).toBe(first.attempts)
    await phone.link(second.qr)
    await connected(stage.platform, company, 20_000)
  })

  test("a passkey that is demanded: the session says so, and shows no more codes", async () => {
    await initialize({})
    await stage.sandbox.fault({ kind: "passkey", line: phone.number, count: 1 })
    expect(await refusal(phone.link((await shown()).qr))).toBe("passkey-demanded")
    await until("the demand", 20_000, async () =>
      (await session(stage.platform, company)).status === "passkey-required" ? true : undefined,
    )
    const { upgrades } = await stage.sandbox.totals()
    await wait(2_000)
    expect((await stage.sandbox.totals()).upgrades).toBe(upgrades)
    expect((await session(stage.platform, company)).lastError?.code).toBe("PASSKEY_REQUIRED")
  })

  test("a pairing by code that is broken off: another code, nothing erased, and it can be typed", async () => {
    const begun = await initialize({ usePairingCode: true, phoneNumber: phone.number })
    const { pairingCode } = dataOf<{ pairingCode: string }>(begun)
    expect(pairingCode).toMatch(/^[A-Z0-9]{4}-[A-Z0-9]{4}$/)
    await stage.sandbox.line("all").cut()
    const again = await until("another pairing code", 20_000, async () => {
      const { body } = await initialize({ usePairingCode: true, phoneNumber: phone.number })
      const code = (body.data as { pairingCode?: string } | undefined)?.pairingCode
      return code === undefined || code === pairingCode ? undefined : code
    })
    await phone.enterCode(again)
    await connected(stage.platform, company, 20_000)
  })

  test("a pairing code that WhatsApp refuses is an error, not a code", async () => {
    await stage.sandbox.fault({ kind: "refuse-pairing-code", line: phone.number, count: 1 })
    const { status, body } = await stage.platform.call("POST", `/api/whatsapp/sessions/${company.id}/pairing-code`, {
      phoneNumber: phone.number,
    })
    expect([status, (body.error as { code?: string }).code]).toEqual([502, "PAIRING_REFUSED"])
  })
})
