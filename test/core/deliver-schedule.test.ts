import { describe, expect, it } from "vitest"
import { nextWait, retryAfter } from "../../core/deliver/schedule.ts"
import { answer, refused, unreachable } from "../support/receivers.ts"
import { DAY, HOUR, MINUTE, openDeliverHouse, SECOND } from "./deliver-house.ts"

const NOW = Date.UTC(2026, 0, 1)
/** Whatever jitter may do. */
const chances = [0, 0.25, 0.5, 0.75, 1 - Number.EPSILON]

/** All waits of a delivery that never arrives. */
function waits(random: () => number): number[] {
  const all: number[] = []
  for (let waited = 0; ; ) {
    const wait = nextWait({ tries: all.length + 1, waited, random: random() })
    if (wait === undefined) return all
    all.push(wait)
    waited += wait
  }
}

describe("the schedule", () => {
  it.each(chances)("has its steps, within a tenth, and ends after three days (chance %f)", (chance) => {
    const all = waits(() => chance)
    const expected = [
      5 * SECOND,
      30 * SECOND,
      2 * MINUTE,
      10 * MINUTE,
      ...Array.from({ length: 11 }, () => 30 * MINUTE),
    ]
    for (const [at, step] of expected.entries()) {
      expect(all[at]).toBeGreaterThanOrEqual(step * 0.9)
      expect(all[at]).toBeLessThanOrEqual(step * 1.1)
    }
    let waited = 0
    for (const wait of all.slice(0, -1)) {
      if (waited >= 6 * HOUR) expect(Math.abs(wait - HOUR)).toBeLessThanOrEqual(0.1 * HOUR)
      waited += wait
    }
    expect(all.reduce((sum, wait) => sum + wait, 0)).toBe(3 * DAY)
  })

  it("spreads: a hundred that failed together are not tried together", () => {
    let seed = 1
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const times = Array.from({ length: 100 }, () =>
      waits(random)
        .slice(0, 6)
        .reduce((sum, wait) => sum + wait, 0),
    )
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(5 * MINUTE)
  })

  it("never comes before the time that the receiver asks for, and not much later", () => {
    for (const random of chances) {
      const asked = nextWait({ tries: 1, waited: 0, asked: 20 * MINUTE, random }) ?? 0
      expect(asked).toBeGreaterThanOrEqual(20 * MINUTE)
      expect(asked).toBeLessThanOrEqual(22 * MINUTE)
      expect(nextWait({ tries: 5, waited: 0, asked: 1, random })).toBeGreaterThanOrEqual(27 * MINUTE)
      expect(nextWait({ tries: 1, waited: 0, asked: 1e12, random })).toBeLessThanOrEqual(1.1 * DAY)
    }
  })

  it.each([
    ["120", 120 * SECOND],
    [" 0 ", 0],
    [new Date(NOW + HOUR).toUTCString(), HOUR],
    [new Date(NOW - HOUR).toUTCString(), 0],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["1e9", undefined],
    ["", undefined],
    [null, undefined],
    ["2026-01-01", undefined],
  ])("reads Retry-After %s", (header, ms) => {
    expect(retryAfter(header, NOW)).toBe(ms)
  })
})

describe("a delivery that never arrives", () => {
  it.each([0, 0.5, 1])("is tried for three days, then its end is told (chance %f)", async (chance) => {
    const house = await openDeliverHouse({ random: () => chance })
    house.receivers.react = () => 500
    await house.send("a")
    await house.clock.advance(3 * DAY + MINUTE)
    const times = house.times()
    expect(times.at(-1)).toBe(3 * DAY)
    expect(times.slice(1, 5).map((at, index) => at - (times[index] ?? 0))).toEqual(
      [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE].map((step) => step * (0.9 + 0.2 * chance)),
    )
    expect(house.ended).toHaveLength(1)
    expect(house.ended[0]).toMatchObject({ why: "given-up", delivery: { id: "a", state: "given-up" } })
    const found = await house.find("a")
    expect(found).toMatchObject({
      state: "given-up",
      tries: times.length,
      nextAt: null,
      endedAt: house.receivers.got.at(-1)?.at,
    })
    // Only so many are kept of each.
    expect(found?.attempts).toHaveLength(20)
    await house.clock.advance(DAY)
    expect(house.times()).toHaveLength(times.length)
    expect(house.clock.armed).toBe(0)
  })

  it("is not blamed for the time in which this server was off", async () => {
    const before = await openDeliverHouse()
    before.receivers.react = () => 500
    await before.send("a")
    await before.clock.advance(HOUR)
    const after = await before.restart(10 * DAY)
    await after.clock.advance(MINUTE)
    expect(after.receivers.got).toHaveLength(1)
    expect(after.ended).toEqual([])
    after.receivers.react = () => 204
    await after.clock.advance(HOUR)
    expect(await after.find("a")).toMatchObject({ state: "delivered" })
  })
})

describe("a receiver that was down for an hour", () => {
  const silence = () => "silence" as const
  it.each([
    ["refuses connections", unreachable, 0],
    ["refuses connections", unreachable, 1],
    ["is silent", silence, 0.5],
    ["is silent", silence, 1],
    ["answers 502", () => 502, 1],
  ])("has everything within 35 minutes of its return, if it %s", async (_, down, chance) => {
    const house = await openDeliverHouse({ random: () => chance })
    house.receivers.react = down
    const begin = house.clock.now()
    for (let minute = 0; minute < 60; minute++) {
      await house.send(`m-${minute}`)
      await house.clock.advance(MINUTE)
    }
    expect(house.clock.now() - begin).toBe(HOUR)
    house.receivers.react = () => 200
    await house.clock.advance(35 * MINUTE)
    const arrived = await house.view.list("salon-1", "out", { limit: 100 })
    expect(arrived.deliveries.filter(({ state }) => state === "delivered")).toHaveLength(60)
    expect(house.counted("whatsapp_deliveries_pending")).toEqual({ "": 0 })
  })
})

describe("an answer", () => {
  it.each([200, 201, 202, 204, 299])("of %i is a success", async (status) => {
    const house = await openDeliverHouse()
    house.receivers.react = () => status
    await house.send("a")
    await house.clock.settle()
    expect(await house.find("a")).toMatchObject({ state: "delivered", attempts: [{ status, error: null }] })
    await house.clock.advance(HOUR)
    expect(house.receivers.got).toHaveLength(1)
  })

  it.each([
    ["100", () => 100, 100, "status"],
    ["301 without a place", () => 301, 301, "status"],
    ["a redirect", () => refused("redirects"), null, "redirect"],
    ["400", () => 400, 400, "status"],
    ["404", () => 404, 404, "status"],
    ["500", () => 500, 500, "status"],
    ["none", unreachable, null, "unreachable"],
    ["from a forbidden address", () => refused("address"), null, "url"],
  ])("of %s is none, and it comes again after 5 s", async (_, react, status, error) => {
    const house = await openDeliverHouse()
    house.receivers.react = react
    await house.send("a")
    await house.clock.advance(4 * SECOND)
    expect(await house.find("a")).toMatchObject({ state: "pending", tries: 1, attempts: [{ status, error }] })
    house.receivers.react = () => 204
    await house.clock.advance(2 * SECOND)
    expect(await house.find("a")).toMatchObject({ state: "delivered", tries: 2 })
    expect(house.counted("whatsapp_deliveries_total")).toEqual({ retried: 1, delivered: 1 })
  })

  it("that takes longer than 15 s is none", async () => {
    const house = await openDeliverHouse()
    house.receivers.react = () => "silence"
    await house.send("a")
    await house.clock.advance(15 * SECOND)
    expect(await house.find("a")).toMatchObject({ attempts: [{ ms: 15_000, status: null, error: "timeout" }] })
  })

  it("of 410 ends it at once, and says so", async () => {
    const house = await openDeliverHouse()
    house.receivers.react = () => 410
    await house.send("a")
    await house.clock.advance(DAY)
    expect(house.receivers.got).toHaveLength(1)
    expect(house.ended.map(({ why, delivery }) => `${why} ${delivery.id} ${delivery.channel}`)).toEqual(["gone a out"])
    expect(await house.find("a")).toMatchObject({ state: "gone" })
  })

  it.each([429, 503])("of %i with Retry-After holds back everything for that receiver until then", async (status) => {
    const house = await openDeliverHouse()
    house.receivers.react = () => answer(status, { "retry-after": "600" })
    await house.send("a")
    await house.clock.settle()
    house.receivers.react = () => 204
    await house.send("b")
    await house.send("c", { endpoint: "other" })
    await house.clock.advance(600 * SECOND - 1)
    expect(house.receivers.got.map(({ url }) => new URL(url).host)).toEqual(["hook.test", "other.test"])
    await house.clock.advance(MINUTE + 1)
    expect(house.receivers.got).toHaveLength(4)
  })

  it("of another failure with Retry-After holds back that one delivery", async () => {
    const house = await openDeliverHouse()
    house.receivers.react = () => answer(500, { "retry-after": "600" })
    await house.send("a")
    await house.clock.settle()
    house.receivers.react = () => 204
    await house.send("b")
    await house.clock.advance(599 * SECOND)
    expect(house.receivers.got.map(({ headers }) => headers.get("webhook-id"))).toEqual(["a", "b"])
    await house.clock.advance(62 * SECOND)
    expect(house.receivers.got).toHaveLength(3)
  })
})
