import { describe, expect, it } from "vitest"
import type { CoreSettings } from "../../core/settings.ts"
import health from "../../plugins/health/index.ts"
import { openPluginLines, type PluginLines } from "./on-lines.ts"

const INTERVAL = 20_000
const NEVER = 1_000_000_000

/** Real lines whose WhatsApp answers as the test says; nobody but the checks asks unless the test says so. */
const open = async (
  companies: readonly string[],
  { config = {}, settings = {} }: { config?: object; settings?: Partial<CoreSettings> } = {},
): Promise<PluginLines> => {
  const lines = await openPluginLines({
    plugins: [[health, { intervalMs: INTERVAL, ...config }]],
    settings: { keepAliveMs: NEVER, ...settings },
  })
  for (const company of companies) await lines.house.connect(company)
  lines.house.provider.onConnect = (connection) => connection.open()
  return lines
}

const sessionOf = ({ house }: PluginLines, company = "acme") => house.lines.views.sessions.get(company)
const causesOf = async ({ house }: PluginLines, company = "acme") =>
  (await house.events(company)).filter(({ type }) => type === "session.status").map(({ data }) => data.cause)

/** From now on until it is ended, ms; undefined when it was not within `ms`. */
const msUntilEnded = async ({ house }: PluginLines, company: string, ms: number): Promise<number | undefined> => {
  const line = house.provider.line(company)
  for (let at = 0; at <= ms; at += 250) {
    if (line.closed) return at
    await house.clock.advance(250)
  }
  return undefined
}

describe("a line that says connected and answers nothing", () => {
  it("is found within two intervals whenever it died, connects again, and all of that is told", async () => {
    for (const after of [0, 1, 10_000, 19_999, 27_500]) {
      const lines = await open(["acme"])
      await lines.house.clock.advance(after)
      lines.house.provider.line("acme").mute = true
      expect(await msUntilEnded(lines, "acme", 2 * INTERVAL)).toBeDefined()
      expect(sessionOf(lines)?.lastError?.message).toContain("no proof of life")
      await lines.house.clock.advance(5_000)
      expect(sessionOf(lines)).toMatchObject({ status: "connected", lastError: null })
      expect(await causesOf(lines)).toContain("no proof of life")
      const warned = lines.house.log.lines.filter(({ level, fields }) => level === "warn" && fields.company === "acme")
      expect(warned).toHaveLength(1)
      const healed = lines.instruments.snapshot().find(({ name }) => name === "whatsapp_sessions_healed_total")
      expect(healed?.series).toEqual([{ labels: {}, value: 1 }])
    }
  })

  it("is found as well when it last answered something else in the middle of an interval", async () => {
    const lines = await open(["acme"])
    for (let time = 0; time < 3; time++) {
      await lines.house.clock.advance(13_000)
      lines.house.provider.line("acme").emit({ type: "proof" })
    }
    lines.house.provider.line("acme").mute = true
    expect(await msUntilEnded(lines, "acme", 2 * INTERVAL)).toBeDefined()
  })

  it("is found by the keep-alive interval where that is shorter, and told all the same", async () => {
    for (const config of [{}, { enabled: "false" }]) {
      const lines = await open(["acme"], { config, settings: { keepAliveMs: 2_000 } })
      lines.house.provider.line("acme").alive = false
      await lines.house.clock.advance(2_500)
      expect(lines.house.provider.connections[1]?.closed).toBe(true)
      expect(await causesOf(lines)).toContain("no proof of life")
      expect(lines.house.log.text()).toContain("did not answer")
    }
  })

  it("stays dead where nobody heals", async () => {
    const lines = await open(["acme"], { config: { enabled: "false" } })
    lines.house.provider.line("acme").mute = true
    expect(await msUntilEnded(lines, "acme", 10 * INTERVAL)).toBeUndefined()
    expect(sessionOf(lines)).toMatchObject({ status: "connected" })
  })

  it("is ended again when its next connection is dead as well, and is not given up", async () => {
    const lines = await open(["acme"])
    lines.house.provider.onConnect = async (connection) => {
      connection.mute = true
      await connection.open()
    }
    lines.house.provider.line("acme").mute = true
    await lines.house.clock.advance(10 * INTERVAL)
    expect((await causesOf(lines)).filter((cause) => cause === "no proof of life").length).toBeGreaterThan(3)
    lines.house.provider.onConnect = (connection) => connection.open()
    await lines.house.clock.advance(2 * INTERVAL)
    expect(sessionOf(lines)?.connected).toBe(true)
  })

  it("harms no other line, and is not waited for by others", async () => {
    const lines = await open(["acme", "other", "third"])
    for (const company of ["acme", "third"]) lines.house.provider.line(company).mute = true
    const other = lines.house.provider.line("other")
    await lines.house.clock.advance(1.3 * INTERVAL)
    expect(other.proofs).toBe(1)
    await lines.house.clock.advance(INTERVAL)
    expect([other.closed, sessionOf(lines, "other")?.connected]).toEqual([false, true])
    expect(lines.house.provider.connections.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(2)
  })
})

describe("a line that answers", () => {
  it("is asked once an interval at most, and not at all while something is heard on it anyway", async () => {
    const lines = await open(["acme", "busy"])
    const [idle, busy] = [lines.house.provider.line("acme"), lines.house.provider.line("busy")]
    for (let time = 0; time < 20; time++) {
      await lines.house.clock.advance(INTERVAL / 2)
      busy.emit({ type: "proof" })
    }
    expect(idle.proofs).toBeGreaterThanOrEqual(7)
    expect(idle.proofs).toBeLessThanOrEqual(10)
    expect([busy.proofs, idle.closed, busy.closed]).toEqual([0, false, false])
  })
})
