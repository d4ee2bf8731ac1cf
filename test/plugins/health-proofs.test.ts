import { describe, expect, it } from "vitest"
import type { SessionStatus } from "../../core/types.ts"
import health from "../../plugins/health/index.ts"
import { createTestSystem } from "../support/system.ts"
import { createPluginHouse, type PluginHouse, session } from "./house.ts"

const INTERVAL = 30_000
const LINES = 1_000
const nameOf = (at: number): string => `c${at}`

/** A thousand connected lines, all of which were last heard of at the same moment. */
const crowd = async (): Promise<PluginHouse> => {
  const house = await createPluginHouse({ plugins: [[health, {}]], system: createTestSystem() })
  const lastProofAt = house.clock.now()
  house.sessions = Array.from({ length: LINES }, (_, at) => session(nameOf(at), { lastProofAt }))
  return house
}

const heard = (house: PluginHouse, company: string): void => {
  const known = house.sessions as { -readonly [K in keyof SessionStatus]: SessionStatus[K] }[]
  const found = known.find(({ companyId }) => companyId === company)
  if (found !== undefined) found.lastProofAt = house.clock.now()
}

describe("a thousand lines that fall silent at once", () => {
  it("are all asked, each once, and never many at a time", async () => {
    const house = await crowd()
    house.prove = async (company) => heard(house, company)
    const looks: number[] = []
    for (let at = 0; at < 1.3 * INTERVAL; at += 250) {
      const before = house.proved.length
      await house.clock.advance(250)
      looks.push(house.proved.length - before)
    }
    expect(new Set(house.proved).size).toBe(LINES)
    expect([house.proved.length, house.healed.length]).toEqual([LINES, 0])
    expect(Math.max(...looks)).toBeLessThanOrEqual(LINES / 8)
    await house.stop()
  })

  it("are all healed in time when none answers, however long each is waited for", async () => {
    const house = await crowd()
    house.prove = async () => {
      await house.clock.sleep(10_000)
      throw new Error("No answer")
    }
    await house.clock.advance(2 * INTERVAL)
    expect(new Set(house.healed).size).toBe(LINES)
    expect(house.healed).toHaveLength(LINES)
    await house.stop()
  })

  it("are not held up by those whose question comes to no end", async () => {
    const house = await crowd()
    house.prove = async (company) => {
      if (Number(company.slice(1)) % 2 === 0) await new Promise(() => undefined)
      heard(house, company)
    }
    await house.clock.advance(4 * INTERVAL)
    const times = (company: string): number => house.proved.filter((one) => one === company).length
    expect([times(nameOf(0)), times(nameOf(998))]).toEqual([1, 1])
    expect(times(nameOf(1))).toBeGreaterThanOrEqual(3)
    expect(times(nameOf(999))).toBeGreaterThanOrEqual(3)
    await house.stop()
  })
})

describe("a sign of life", () => {
  it("from the future, after the clock was set back, is none", async () => {
    const house = await createPluginHouse({ plugins: [[health, {}]], system: createTestSystem() })
    house.sessions = [session("acme", { lastProofAt: house.clock.now() + 3_600_000 })]
    await house.clock.advance(1_000)
    expect(house.proved).toEqual(["acme"])
    await house.stop()
  })

  it("is not asked for where checks are off, nor when the server stops", async () => {
    const off = await createPluginHouse({ plugins: [[health, { enabled: "false" }]], system: createTestSystem() })
    off.sessions = [session("acme", { lastProofAt: null })]
    await off.clock.advance(10 * INTERVAL)
    expect(off.proved).toEqual([])
    const on = await createPluginHouse({ plugins: [[health, {}]], system: createTestSystem() })
    on.sessions = [session("acme", { lastProofAt: null })]
    const asked: { fail?: (reason: Error) => void } = {}
    on.prove = () =>
      new Promise((_, reject) => {
        asked.fail = reject
      })
    await on.clock.advance(1_000)
    const stopped = on.stop()
    await on.clock.settle()
    asked.fail?.(new Error("closed"))
    await stopped
    await on.clock.advance(10 * INTERVAL)
    expect([on.proved, on.healed]).toEqual([["acme"], []])
  })
})
