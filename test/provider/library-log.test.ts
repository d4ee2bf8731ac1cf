import { describe, expect, it } from "vitest"
import { createLibraryLog } from "../../adapters/provider/baileys/library-log.ts"
import { STORM_MS } from "../../core/log-storms.ts"
import { createSafeLog } from "../../core/safe-log.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"

const opened = () => {
  const kept = createTestLog()
  const clock = createTestClock()
  const { log } = createSafeLog(kept, clock)
  const library = (company: string) => createLibraryLog(log.child({ library: "baileys", company }))
  return { kept, clock, library }
}

describe("The library's own log", () => {
  it("keeps its sentences and harmless figures, and nothing of what it hands over", () => {
    const { kept, library } = opened()
    const node = { tag: "message", attrs: { from: "79001234567@s.whatsapp.net" }, content: new Uint8Array(32) }
    library("acme").error(
      { err: new Error("Bad MAC of 79001234567"), node, key: "canary", count: 3 },
      "failed for 79001234567",
    )
    library("acme").child({ stanza: node }).warn("no session for cqc0123456789012345678901234567890123")
    expect(kept.lines.map(({ message, fields }) => ({ message, ...fields }))).toEqual([
      { message: "failed for …", library: "baileys", company: "acme", error: "Bad MAC of …", count: 3 },
      { message: "no session for …", library: "baileys", company: "acme" },
    ])
  })

  it("of one company that fails 168,000 times in two hours fills no disk, and hides no other company's", async () => {
    const { kept, clock, library } = opened()
    const failing = library("failing")
    const other = library("other")
    for (let second = 0; second < 7_200; second += 30) {
      for (let count = 0; count < 700; count++)
        failing.error({ err: new Error(`Bad MAC ${count}`), retryCount: count }, "failed to decrypt message")
      if (second === 3_600) other.error({ err: new Error("Bad MAC") }, "failed to decrypt message")
      await clock.advance(30_000)
    }
    await clock.advance(2 * STORM_MS)
    const of = (company: string) => kept.lines.filter(({ fields }) => fields.company === company)
    expect(of("other")).toHaveLength(1)
    expect(of("failing").length).toBeLessThanOrEqual(7_200_000 / STORM_MS + 2)
    const told = of("failing").reduce((sum, { fields }) => sum + Number(fields.repeated ?? 1), 0)
    expect(told).toBe(168_000)
  })
})
