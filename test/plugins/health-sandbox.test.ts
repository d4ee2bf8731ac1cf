import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { connected, openStage, session, type Stage, type StageCompany } from "../runtime/stage.ts"
import { until } from "../support/platform.ts"

/** Against the sandbox, which keeps a connection and says nothing on it any more. */

const INTERVAL = 2_000
/** A machine that is busy with other tests gets to it later; the exact time is shown on a clock of its own. */
const SLACK = 4_000
const PATIENCE = 30_000
const FOR_EVER = 600_000
const ENV = {
  WHATSAPP_HEALTH_CHECK_INTERVAL: String(INTERVAL),
  // The transport's own keep-alive would find it as well, only later.
  WHATSAPP_KEEPALIVE_INTERVAL: "3600000",
  WHATSAPP_RECONNECT_DELAY: "500",
}

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ env: { ...ENV, WHATSAPP_HEALTH_CHECK_ENABLED: "false" } })
  await stage.link(2)
}, 120_000)
afterAll(() => stage.close())

const company = (index: number): StageCompany => stage.companies[index] as StageCompany

const overview = async () => {
  const { status, body } = await stage.platform.call("GET", "/api/whatsapp/health/metrics")
  return { status, body: body as { status: string; sessions: Record<string, { connected: boolean }> } }
}

describe("a line on which WhatsApp falls silent", () => {
  it("stays dead where nothing checks", { timeout: 120_000 }, async () => {
    await company(0).line.mute(FOR_EVER)
    const end = performance.now() + 2.5 * INTERVAL
    await until("the time to be over", PATIENCE, async () => (performance.now() > end ? true : undefined))
    expect((await session(stage.platform, company(0))).connected).toBe(true)
    await stage.platform.kill()
  })

  it("is noticed within two intervals, and connected again when WhatsApp speaks again", {
    timeout: 120_000,
  }, async () => {
    const [dead, other] = [company(0), company(1)]
    const platform = await stage.start({ WHATSAPP_HEALTH_CHECK_ENABLED: "true" })
    for (const one of [dead, other]) await connected(platform, one, PATIENCE)
    await stage.sandbox.fault({ kind: "refuse-login", code: 503, line: dead.number })
    const begun = performance.now()
    await dead.line.mute(FOR_EVER)
    await until("the dead line to be noticed", PATIENCE, async () => {
      const { body } = await overview()
      return body.sessions[dead.id]?.connected === false ? true : undefined
    })
    expect(performance.now() - begun).toBeLessThan(2 * INTERVAL + SLACK)
    const { status, body } = await overview()
    expect([status, body.status, body.sessions[other.id]?.connected]).toEqual([200, "degraded", true])
    // The state changes first; the warning follows once the change is durable.
    const warnings = () => platform.tail().filter((line) => line.includes("did not answer") && line.includes(dead.id))
    await until("the warning", PATIENCE, async () => (warnings().length > 0 ? true : undefined))
    expect(warnings()).toHaveLength(1)

    await stage.sandbox.clearFaults()
    await connected(platform, dead, PATIENCE)
    const { body: log } = await platform.call("GET", `/api/whatsapp/events/${dead.id}?after=0&limit=200`)
    const causes = (log.data as { data: { cause?: string } }[]).map(({ data }) => data.cause)
    expect(causes.filter((cause) => cause === "no proof of life")).toHaveLength(1)
    const sent = { companyId: dead.id, phone: other.number, message: "I am back" }
    expect((await platform.call("POST", "/api/whatsapp/send", sent)).status).toBe(200)
  })
})
