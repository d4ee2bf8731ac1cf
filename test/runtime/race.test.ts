import { expect, test } from "vitest"
import { runRace } from "./race.ts"

const MINUTES = 60_000
const OUTAGE_MS = 10_000

test("a hundred texts each way at once, on a slow store, are all readable on both sides", {
  timeout: MINUTES,
}, async () => {
  const verdict = await runRace({ messages: 100 })
  expect(verdict).toMatchObject({
    lost: [],
    renamed: [],
    inboundLost: [],
    inboundDoubled: [],
    refused: 0,
    unanswered: 0,
  })
  expect([verdict.undecryptable, verdict.retriesAsked]).toEqual([0, 0])
})

// These two wait most of their time, and can do so together.
test.concurrent("an auth store that fails for ten seconds loses nothing either way", {
  timeout: 2 * MINUTES,
}, async () => {
  const verdict = await runRace({ messages: 150, apartMs: 90, outage: { store: "auth", ms: OUTAGE_MS } })
  expect(verdict).toMatchObject({ lost: [], renamed: [], inboundLost: [], inboundDoubled: [], unanswered: 0 })
  expect(verdict.answered200 + verdict.answered202).toBeGreaterThan(0)
  // The outage was felt: somebody waited for its end.
  expect(verdict.slowestMs).toBeGreaterThan(OUTAGE_MS / 2)
})

test.concurrent("a ledger that fails for ten seconds loses nothing either way", { timeout: 2 * MINUTES }, async () => {
  const verdict = await runRace({ messages: 150, apartMs: 90, outage: { store: "ledger", ms: OUTAGE_MS } })
  expect(verdict).toMatchObject({ lost: [], renamed: [], inboundLost: [], inboundDoubled: [], unanswered: 0 })
  expect(verdict.refused).toBeGreaterThan(0)
  expect(verdict.answered200).toBeGreaterThan(0)
})
