import { expect, test } from "vitest"
import { runCounters } from "./counters.ts"

test("what is counted is what WhatsApp saw, to the message, whatever goes wrong", { timeout: 180_000 }, async () => {
  const run = { operations: 250, kills: 2, cuts: 10, ordinary: 2, atOnce: 16, compiled: true }
  const { account, wentBack, polls, unanswered, answers } = await runCounters(run)
  expect(account.differences).toEqual([])
  expect(wentBack).toEqual([])
  // The run has met what it is about.
  expect(polls).toBeGreaterThan(10)
  expect(unanswered).toBeGreaterThan(2)
  expect(account.sent).toBeGreaterThan(50)
  expect(account.received).toBeGreaterThan(30)
  expect(account.failed).toBeGreaterThan(3)
  expect(Object.keys(answers)).toEqual(expect.arrayContaining(["200", "202", "400"]))
})

test("totals that are written after what they count come to disagree with it", { timeout: 120_000 }, async () => {
  const config = "test/runtime/late-totals.config.ts"
  const run = { operations: 80, kills: 1, cuts: 0, ordinary: 1, atOnce: 16, settleMs: 0 }
  const { account } = await runCounters({ ...run, config })
  expect(account.differences.join("\n")).toMatch(/sent|received|failed/)
})
