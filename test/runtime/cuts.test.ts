import { expect, test } from "vitest"
import { runCuts } from "./cuts.ts"

const MINUTES = 60_000
const SOON = { WHATSAPP_RECONNECT_DELAY: "500" }

test("nothing that was promised is lost in three cuts of the network at fifty texts a second", {
  timeout: 3 * MINUTES,
}, async () => {
  const { verdict } = await runCuts({ cuts: 3, rate: 50, calmMs: 500, env: SOON })
  expect(verdict.lost).toEqual([])
  expect(verdict.renamed).toEqual([])
  expect(verdict.unanswered).toBe(0)
  expect(verdict.refused).toBe(0)
  expect(verdict.answered200).toBeGreaterThan(20)
  // What was swallowed has been said again, under the same ids.
  expect(verdict.repeats + verdict.answered202).toBeGreaterThan(0)
})

test("a server that answers when it has written to the socket loses in one cut", { timeout: MINUTES }, async () => {
  const env = { ...SOON, WHATSAPP_CONFIG: "test/runtime/hasty.config.ts" }
  const { verdict } = await runCuts({ cuts: 1, rate: 50, calmMs: 500, env, settleMs: 5_000 })
  expect(verdict.lost.length).toBeGreaterThan(0)
})
