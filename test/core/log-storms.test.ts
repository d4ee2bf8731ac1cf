import { describe, expect, it } from "vitest"
import { STORM_MS, TOLD_APART } from "../../core/log-storms.ts"
import type { PluginLogger } from "../../core/log.ts"
import { createSafeLog } from "../../core/safe-log.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"

const opened = () => {
  const kept = createTestLog()
  const clock = createTestClock()
  const { log: strict, close } = createSafeLog(kept, clock)
  const log: PluginLogger = strict
  /** What has come out since the last look: the level, the sentence and what is told of it. */
  const told = () =>
    kept.lines.splice(0).map(({ level, message, fields }) => [level, message, fields.company, fields.repeated])
  return { kept, clock, log, close, told }
}
/** A word of its own for each number. */
const letters = (at: number): string => String(at).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "")
const times = (count: number, task: (at: number) => void): void => {
  for (let at = 0; at < count; at++) task(at)
}

describe("A thousand equal lines", () => {
  it("come out as the first of them, at once, and one with a count", async () => {
    const { log, clock, told } = opened()
    times(1_000, () => log.error({ company: "salon" }, "It failed"))
    expect(told()).toEqual([["error", "It failed", "salon", undefined]])
    await clock.advance(STORM_MS)
    expect(told()).toEqual([["error", "It failed", "salon", 999]])
    await clock.advance(10 * STORM_MS)
    expect(told()).toEqual([])
    expect(clock.armed).toBe(0)
  })

  it("are told once in a while as long as they last, and none is lost", async () => {
    const { log, clock, told } = opened()
    for (let second = 0; second < 3_600; second++) {
      times(10, () => log.warn({ company: "salon" }, "It failed"))
      await clock.advance(1_000)
    }
    await clock.advance(2 * STORM_MS)
    const lines = told()
    expect(lines.length).toBeLessThanOrEqual(3_600_000 / STORM_MS + 2)
    const all = lines.reduce((sum, [, , , repeated]) => sum + Number(repeated ?? 1), 0)
    expect(all).toBe(36_000)
  })

  it("are forgotten when it has been quiet, so that the next one comes at once", async () => {
    const { log, clock, told } = opened()
    log.error({}, "It failed")
    await clock.advance(STORM_MS)
    log.error({}, "It failed")
    expect(told()).toHaveLength(2)
  })

  it("are told when the log is closed, and what comes later comes as it comes", () => {
    const { log, clock, close, told } = opened()
    times(5, () => log.error({}, "It failed"))
    close()
    expect(told().map(([, , , repeated]) => repeated)).toEqual([undefined, 4])
    times(3, () => log.error({}, "It failed"))
    expect(told()).toHaveLength(3)
    expect(clock.armed).toBe(0)
  })

  it("are equal when but the numbers in what is said differ", async () => {
    const { log, clock, told } = opened()
    times(100, (at) => log.child({ library: "baileys" }).warn({ company: "a" }, `retry ${at} of 5 has failed`))
    await clock.advance(STORM_MS)
    expect(told()).toEqual([
      ["warn", "retry 0 of 5 has failed", "a", undefined],
      ["warn", "retry 0 of 5 has failed", "a", 99],
    ])
  })

  it("are equal whatever their requests, their messages, their figures and the numbers in their errors", async () => {
    const { log, clock, told } = opened()
    times(100, (at) =>
      log.child({ requestId: `r-${at}` }).error({ messageId: `m-${at}`, ms: at, error: `took ${at} ms` }, "It failed"),
    )
    await clock.advance(STORM_MS)
    expect(told().map(([, , , repeated]) => repeated)).toEqual([undefined, 99])
  })
})

describe("A storm", () => {
  it.each([
    ["another level", (log: PluginLogger) => log.warn({ company: "a" }, "It failed")],
    ["another sentence", (log: PluginLogger) => log.error({ company: "a" }, "Something else failed")],
    ["another company", (log: PluginLogger) => log.error({ company: "b" }, "It failed")],
    ["another company of a child", (log: PluginLogger) => log.child({ company: "b" }).error({}, "It failed")],
    ["another plugin", (log: PluginLogger) => log.child({ plugin: "b" }).error({ company: "a" }, "It failed")],
    ["another code", (log: PluginLogger) => log.error({ company: "a", code: "EXPIRED" }, "It failed")],
    ["another error", (log: PluginLogger) => log.error({ company: "a", error: new Error("else") }, "It failed")],
    ["another reason", (log: PluginLogger) => log.error({ company: "a", reason: "no answer" }, "It failed")],
  ])("does not hide the first line of %s", (_, other) => {
    const { log, told } = opened()
    times(1_000, () => log.error({ company: "a" }, "It failed"))
    other(log)
    expect(told()).toHaveLength(2)
  })

  it("over a thousand companies is limited as well, and tells how many they are", async () => {
    const { log, clock, told, kept } = opened()
    for (let round = 0; round < 60; round++) {
      times(1_000, (at) => log.warn({ company: `c-${at}` }, "The store is away"))
      await clock.advance(1_000)
    }
    await clock.advance(2 * STORM_MS)
    const whole = kept.lines.find(({ fields }) => fields.companies !== undefined)
    expect(whole?.fields).toMatchObject({ companies: 1_000 - TOLD_APART })
    expect(whole?.fields.company).toBeUndefined()
    const lines = told()
    expect(lines.length).toBeLessThanOrEqual(4 * (TOLD_APART + 1))
    expect(lines.reduce((sum, [, , , repeated]) => sum + Number(repeated ?? 1), 0)).toBe(60_000)
  })

  it("of sentences that are made as they go is limited, and no more of them are kept than came out", async () => {
    const { log, clock, told } = opened()
    times(50_000, (at) => log.warn({ company: `c-${at}` }, `It failed, ${letters(at)}`))
    const first = told()
    expect(first.length).toBeLessThanOrEqual(2_000)
    await clock.advance(STORM_MS)
    const [summary, ...more] = told()
    expect(more).toEqual([])
    expect(summary?.[1]).toBe("More kinds of lines than can be told apart")
    expect(first.length + Number(summary?.[3])).toBe(50_000)
  })

  it("is none at debug and trace, and no line of a request, no change of a session is taken for one", () => {
    const { log, told } = opened()
    times(50, () => {
      log.debug({ messageId: "m" }, "Message tried")
      log.trace({}, "Looked")
      log.info({ requestId: "r", method: "POST", status: 200 }, "Request")
      log.info({ company: "a", from: "connecting", to: "reconnecting", cause: "closed" }, "Session state")
      log.fatal({}, "The end")
    })
    expect(told()).toHaveLength(250)
  })

  it("costs nothing at levels that are not logged", () => {
    const kept = createTestLog()
    const clock = createTestClock()
    const { log } = createSafeLog({ ...kept, level: "silent" }, clock)
    times(10, () => log.error({}, "It failed"))
    expect(kept.lines).toEqual([])
    expect(clock.armed).toBe(0)
  })
})
