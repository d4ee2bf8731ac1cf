import { afterEach, expect, it } from "vitest"
import { redisMissing } from "../support/redis-server.ts"
import { until } from "../support/platform.ts"
import { accepted, type LimitsOptions, type LimitsStage, mostInAnyWindow, openLimits } from "./limits.ts"

const PATIENCE_MS = 120_000
/** One for each try. */
const COMPANIES = 4
let stage: LimitsStage | undefined
const open = async (options: LimitsOptions): Promise<LimitsStage> => (stage = await openLimits(options))

afterEach(async () => {
  await stage?.close()
  stage = undefined
}, 60_000)

const skip = redisMissing !== ""

it.skipIf(skip)(
  `exactly 100 of 1,000 sends at once pass a limit of 100 that two servers share over Redis${redisMissing}`,
  async () => {
    const { burst, said } = await open({ limit: 100, windowMs: 120_000, companies: COMPANIES })
    let sends = await burst(500)
    // A machine so busy that Redis got no turn for two seconds shows nothing of a limit that is kept by it: another company.
    const starved = (): boolean => said.length > 0 || sends.some(({ status }) => status === 503)
    for (let company = 2; starved() && company <= COMPANIES; company++) {
      await until("the limits are shared again", PATIENCE_MS, async () => (said.length % 2 === 0 ? true : undefined))
      said.length = 0
      sends = await burst(500, `company-${company}`)
    }
    expect(starved()).toBe(false)
    expect(accepted(sends)).toHaveLength(100)
    expect(sends.filter(({ status }) => status === 429)).toHaveLength(900)
    expect(new Set(accepted(sends).map(({ server }) => server)).size).toBe(2)
  },
  PATIENCE_MS,
)

it.skipIf(skip)(
  `no window of two seconds holds more than the limit over both servers, and every window is used${redisMissing}`,
  async () => {
    const [limit, windowMs, forMs] = [20, 2_000, 9_000]
    const { stream } = await open({ limit, windowMs })
    const sends = await stream(10, forMs)
    expect(mostInAnyWindow(sends, windowMs)).toBeLessThanOrEqual(limit)
    expect(accepted(sends).length).toBeGreaterThanOrEqual(limit * (forMs / windowMs - 1.5))
  },
  PATIENCE_MS,
)

it.skipIf(skip)(
  `Redis killed in the middle opens no doors: each server keeps to the limit by itself, and no send waits for long${redisMissing}`,
  async () => {
    const { burst, redis, said } = await open({ limit: 100, windowMs: 120_000 })
    expect(accepted(await burst(30))).toHaveLength(60)
    const middle = burst(100)
    await redis.stop("SIGKILL")
    const sends = [...(await middle), ...(await burst(200))]
    for (const server of [0, 1]) {
      const passed = accepted(sends).filter((one) => one.server === server)
      expect(passed.length).toBeLessThanOrEqual(70)
    }
    // The shared limit had 40 left, and each server by itself 70.
    expect(accepted(sends).length).toBeGreaterThanOrEqual(40)
    expect(sends.filter(({ status }) => status !== 202 && status !== 429)).toEqual([])
    const after = await burst(20)
    expect(Math.max(...after.map(({ asked, answered }) => answered - asked))).toBeLessThan(5_000)
    expect(said.filter((line) => line.includes("cannot be reached"))).toHaveLength(2)
    await redis.start()
    await until("both servers say that the limits are back", PATIENCE_MS, async () =>
      said.filter((line) => line.includes("are back")).length === 2 ? true : undefined,
    )
    expect(accepted(await burst(100)).length + accepted(sends).length).toBeLessThanOrEqual(140)
    expect(said).toHaveLength(4)
  },
  PATIENCE_MS,
)
