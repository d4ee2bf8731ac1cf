import { expect, test } from "vitest"
import { runFullLedger } from "./full-ledger.ts"

const MINUTES = 60_000

test("a ledger whose disk is full refuses at once, loses nothing it took, and goes on when there is room", {
  timeout: 3 * MINUTES,
}, async () => {
  const { answers, slowest, median, verdict } = await runFullLedger(20)
  console.log(`refused after ${median} ms (median), ${slowest} ms at most`)
  expect(answers["503 STORAGE_UNAVAILABLE"]).toBeGreaterThanOrEqual(20)
  expect(Object.keys(answers).filter((answer) => !/^(200|202|503 STORAGE_UNAVAILABLE)$/.test(answer))).toEqual([])
  expect(slowest).toBeLessThan(2_000)
  expect(verdict).toMatchObject({ lost: [], renamed: [], inboundLost: [], inboundDoubled: [], unanswered: 0 })
})
