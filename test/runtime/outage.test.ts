import { expect, test } from "vitest"
import { redisMissing } from "../support/redis-server.ts"
import { type OutageFigures, runOutage } from "./outage.ts"
import { redisBacking } from "./redis-backing.ts"
import { s3Backing } from "./s3-backing.ts"

const MINUTES = 60_000
const AWAY_MS = 8_000

/** Everything was taken, arrived, and the companies elsewhere were answered as always. */
function expectNothingLost({ answers, othersNot200, othersDuring, verdict }: OutageFigures): void {
  expect(Object.keys(answers).filter((answer) => answer !== "200" && answer !== "202")).toEqual([])
  expect(othersNot200).toBe(0)
  expect(othersDuring.count).toBeGreaterThan(0)
  expect(verdict).toMatchObject({ lost: [], renamed: [], inboundLost: [], inboundDoubled: [], refused: 0 })
  expect(verdict.unanswered).toBe(0)
}

test.skipIf(redisMissing !== "")(
  `Redis that is stopped for a while loses nothing${redisMissing}`,
  {
    timeout: 3 * MINUTES,
  },
  async () => {
    const backing = await redisBacking({ leaseMs: 6_000 })
    const { server } = backing
    try {
      const figures = await runOutage({ backing, away: () => server.stop(), back: server.start, ms: AWAY_MS, rate: 5 })
      expectNothingLost(figures)
      expect(figures.answers["202"]).toBeGreaterThan(0)
    } finally {
      await backing.close()
    }
  },
)

test.skipIf(redisMissing !== "")(
  `Redis that answers nothing for a while loses nothing${redisMissing}`,
  {
    timeout: 3 * MINUTES,
  },
  async () => {
    const backing = await redisBacking({ leaseMs: 6_000 })
    const { server } = backing
    try {
      const figures = await runOutage({ backing, away: server.freeze, back: server.thaw, ms: AWAY_MS, rate: 5 })
      expectNothingLost(figures)
      expect(figures.answers["202"]).toBeGreaterThan(0)
    } finally {
      await backing.close()
    }
  },
)

test("S3 that answers 503 for a while loses nothing", { timeout: 3 * MINUTES }, async () => {
  const backing = await s3Backing({ leaseMs: 6_000 })
  const { front } = backing
  try {
    expectNothingLost(await runOutage({ backing, away: front.refuse, back: front.admit, ms: AWAY_MS, rate: 5 }))
  } finally {
    await backing.close()
  }
})
