import { afterAll, beforeAll, expect, test } from "vitest"
import { redisMissing } from "../support/redis-server.ts"
import { type Backing, filesBacking } from "./backings.ts"
import { killAfterMove, runMoveKills } from "./move-kills.ts"
import { runMoves } from "./moves.ts"
import { redisBacking } from "./redis-backing.ts"
import { s3Backing } from "./s3-backing.ts"

const MINUTES = 60_000
let ring: Backing[] = []

beforeAll(async () => {
  if (redisMissing === "") ring = [filesBacking(), await redisBacking(), await s3Backing()]
})
afterAll(async () => {
  for (const { close } of ring) await close()
})

const SOUND = { lost: [], renamed: [], inboundLost: [], inboundDoubled: [] }

test.skipIf(redisMissing !== "")(
  `a line goes from files to Redis to S3 and back under traffic, loses nothing and stays linked${redisMissing}`,
  {
    timeout: 3 * MINUTES,
  },
  async () => {
    const { tookMs, records, sentDuring, besideMs, verdict, outOfOrder } = await runMoves({ ring, moves: 3 })
    expect(tookMs).toHaveLength(3)
    expect(records).toBeGreaterThan(100)
    expect(verdict).toMatchObject({ ...SOUND, refused: 0, unanswered: 0 })
    expect(outOfOrder).toEqual([])
    expect(sentDuring).toBeGreaterThan(0)
    // The neighbour went on meanwhile.
    expect(besideMs.count).toBeGreaterThan(0)
    expect(verdict.answered200).toBeGreaterThan(20)
    expect(verdict.written).toBeGreaterThan(20)
  },
)

test.skipIf(redisMissing !== "")(
  `three kills during moves leave one store in charge each time, and lose nothing${redisMissing}`,
  {
    timeout: 5 * MINUTES,
  },
  async () => {
    const { hits, verdict, outOfOrder } = await runMoveKills({ ring, kills: 3 })
    expect(hits).toBeGreaterThanOrEqual(2)
    expect(verdict).toMatchObject(SOUND)
    expect(outOfOrder).toEqual([])
    expect(verdict.answered200 + verdict.answered202).toBeGreaterThan(10)
  },
)

test("a kill right after a move finds the line in the new store", { timeout: MINUTES }, async () => {
  const { held, connected } = await killAfterMove(filesBacking(), filesBacking("archive"))
  expect(held).toBeGreaterThan(100)
  expect(connected).toBe(true)
})

test("a store that calls a copy durable before it is loses the line there", { timeout: MINUTES }, async () => {
  const config = "test/runtime/early-store.config.ts"
  const { held, connected } = await killAfterMove(filesBacking(), filesBacking("archive"), config)
  expect(held).toBe(0)
  expect(connected).toBe(false)
})
