import { expect, test } from "vitest"
import { runKills } from "./kills.ts"

const MINUTES = 60_000

test("nothing that was promised is lost in twelve kills at random moments of a send", {
  timeout: 5 * MINUTES,
}, async () => {
  const { hits, verdict, recordsRead } = await runKills({ kills: 12 })
  expect(hits).toBeGreaterThanOrEqual(6)
  expect(verdict.lost).toEqual([])
  expect(verdict.renamed).toEqual([])
  expect(verdict.inboundLost).toEqual([])
  expect(verdict.inboundDoubled).toEqual([])
  expect(verdict.answered200).toBeGreaterThan(10)
  expect(verdict.answered202).toBeGreaterThan(10)
  expect(verdict.written).toBeGreaterThan(20)
  expect(recordsRead).toBeGreaterThan(verdict.sent)
})

test("a server that answers before it writes loses in a few kills", { timeout: 2 * MINUTES }, async () => {
  const { verdict } = await runKills({ kills: 3, config: "test/runtime/unsafe.config.ts", settleMs: 3_000 })
  expect(verdict.lost.length + verdict.inboundLost.length).toBeGreaterThan(0)
})
