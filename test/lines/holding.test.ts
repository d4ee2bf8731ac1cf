import { describe, expect, it } from "vitest"
import type { Hold, HoldContext } from "../../core/stages.ts"
import { wakeAt } from "../../core/message/wake.ts"
import { createTestClock } from "../support/clock.ts"
import type { House } from "./house.ts"
import { openWeb, type Web } from "./web.ts"

const phoneOf = (index: number): string => `7900${String(1_000_000 + index)}`
const sent = (house: House): string[] =>
  house.provider.connections.flatMap(({ sent: all }) => all.map(({ wire }) => new TextDecoder().decode(wire)))
const messages = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({
    phone: phoneOf(from + at),
    message: `batch ${from + at}`,
    ttl: 2_592_000,
  }))
const batch = (web: Web, count: number, from = 0) =>
  web.call("POST", "/send/batch", { companyId: "acme", messages: messages(count, from) })

/** Messages of batches wait for a door that the test opens. */
interface Door {
  open: boolean
  asked: number
}

const openDoored = async (queue: string | null): Promise<{ web: Web; door: Door }> => {
  const door: Door = { open: false, asked: 0 }
  const web = openWeb({
    hooks: (hooks) =>
      hooks.add("door", "outbox:hold", (hold, { batched }) => {
        door.asked++
        if (!batched || door.open) return hold
        return { notBefore: web.house.clock.now() + 60_000, reason: "door", queue }
      }),
  })
  await web.house.connect("acme")
  return { web, door }
}

describe("messages that wait for the same thing", () => {
  it("go in the order in which they came, each when its turn is there", async () => {
    const { web, door } = await openDoored("door")
    await batch(web, 50)
    await web.house.clock.settle()
    expect([sent(web.house).length, door.asked]).toEqual([0, 50])
    await web.house.clock.advance(60_000)
    expect(door.asked).toBe(51)
    door.open = true
    await web.house.clock.advance(60_000)
    expect(sent(web.house)).toEqual(messages(50).map(({ message }) => message))
  })

  it("stop waiting when they are stopped, and the next one takes the place", async () => {
    const { web, door } = await openDoored("door")
    const first = (await batch(web, 20)).json.data.batchId
    await batch(web, 20, 100)
    const stopped = await web.call("DELETE", `/send/batch/${String(first)}`)
    expect(stopped.json.data).toMatchObject({ stopped: 20, counts: { failed: 20, queued: 0 } })
    door.open = true
    await web.house.clock.advance(60_000)
    expect(sent(web.house)).toEqual(messages(20, 100).map(({ message }) => message))
  })

  it("keep no other chat waiting, and a message to their own chat behind them", async () => {
    const { web, door } = await openDoored("door")
    await batch(web, 1)
    await web.house.send("acme", { phone: phoneOf(5), message: "other" }, { respondAsync: true })
    await web.house.send("acme", { phone: phoneOf(0), message: "after" }, { respondAsync: true })
    await web.house.clock.settle()
    expect(sent(web.house)).toEqual(["other"])
    door.open = true
    await web.house.clock.advance(60_000)
    expect(sent(web.house)).toEqual(["other", "batch 0", "after"])
  })

  it("wait again after the connection was lost, and go in the end", async () => {
    const { web, door } = await openDoored("door")
    await batch(web, 100)
    web.house.provider.line("acme").end("unreachable")
    await web.house.clock.advance(60_000)
    await web.house.provider.line("acme").open()
    await web.house.clock.settle()
    expect(sent(web.house)).toEqual([])
    door.open = true
    await web.house.clock.advance(60_000)
    expect(new Set(sent(web.house)).size).toBe(100)
    expect(sent(web.house)).toHaveLength(100)
  })

  it("do not slip through when the time has come before the answer has", async () => {
    let asked = 0
    const web = openWeb({
      hooks: (hooks) =>
        hooks.add("slow", "outbox:hold", async (hold) => {
          const notBefore = web.house.clock.now() + 10
          await web.house.clock.sleep(50)
          return ++asked > 3 ? hold : { notBefore, reason: "slow" }
        }),
    })
    await web.house.connect("acme")
    await batch(web, 1)
    await web.house.clock.advance(160)
    expect([asked, sent(web.house).length]).toEqual([3, 0])
    await web.house.clock.advance(60)
    expect([asked, sent(web.house).length]).toEqual([4, 1])
  })

  it("give back what others have taken for them, each time and once", async () => {
    let taken = 0
    const web = openWeb({
      hooks: (hooks) => {
        hooks.add("taker", "outbox:hold", (hold: Hold, { undo }: HoldContext) => {
          taken++
          undo(() => void taken--)
          return hold
        })
        hooks.add("door", "outbox:hold", (hold) =>
          open ? hold : { notBefore: web.house.clock.now() + 1_000, reason: "door", queue: "door" },
        )
      },
    })
    let open = false
    await web.house.connect("acme")
    await batch(web, 10)
    await web.house.clock.advance(10_000)
    expect(taken).toBe(0)
    open = true
    await web.house.clock.advance(1_000)
    expect([taken, sent(web.house).length]).toEqual([10, 10])
  })
})

describe("a line with more waiting than it holds in memory", () => {
  it.each(["door", null])("lets other chats write past it, also after a restart (line: %s)", async (queue) => {
    const { web, door } = await openDoored(queue)
    for (let at = 0; at < 3; at++) await batch(web, 800, at * 800)
    await web.house.clock.settle()
    await web.house.send("acme", { phone: phoneOf(9_000), message: "past" }, { respondAsync: true })
    await web.house.send("acme", { phone: phoneOf(2_399), message: "behind" }, { respondAsync: true })
    await web.house.clock.settle()
    expect(sent(web.house)).toEqual(["past"])

    const next = await web.house.reopen("kill")
    await next.connect("acme")
    await next.clock.advance(1_000)
    await next.send("acme", { phone: phoneOf(9_001), message: "past" }, { respondAsync: true })
    await next.send("acme", { phone: phoneOf(2_399), message: "behind again" }, { respondAsync: true })
    await next.clock.settle()
    expect(sent(next)).toEqual(["past"])
    door.open = true
    await next.clock.advance(240_000)
    const all = sent(next)
    expect(all).toHaveLength(2_400 + 3)
    expect(new Set(all).size).toBe(2_400 + 3)
    expect(all.filter((text) => /behind|batch 2399$/.test(text))).toEqual(["batch 2399", "behind", "behind again"])
  })
})

describe("the clock on the wall", () => {
  const setting = () => {
    const clock = createTestClock()
    const shown = { ahead: 0 }
    const woken: number[] = []
    const wall = { ...clock, now: () => clock.now() + shown.ahead }
    return { clock, shown, woken, wake: (at: number) => wakeAt(wall, at, () => void woken.push(clock.monotonic())) }
  }

  it("wakes who waits for a time of the day within a minute, when it is set forward", async () => {
    const { clock, shown, woken, wake } = setting()
    wake(clock.now() + 36_000_000)
    await clock.advance(600_000)
    shown.ahead = 36_000_000
    await clock.advance(60_000)
    expect(woken).toHaveLength(1)
  })

  it("keeps nobody longer than there was left, when it is set back", async () => {
    const { clock, shown, woken, wake } = setting()
    wake(clock.now() + 600_000)
    await clock.advance(300_000)
    shown.ahead = -36_000_000
    await clock.advance(300_000)
    expect(woken).toEqual([600_000])
  })

  it("leaves no timer behind", async () => {
    const { clock, wake, woken } = setting()
    const timer = wake(clock.now() + 600_000)
    await clock.advance(200_000)
    timer.cancel()
    expect(clock.armed).toBe(0)
    await clock.advance(600_000)
    expect(woken).toEqual([])
  })
})

describe("a house that stops while messages are held", () => {
  it("leaves no timer of theirs behind", async () => {
    const { web } = await openDoored("door")
    const { house } = web
    const before = house.clock.armed
    await batch(web, 5)
    await house.clock.settle()
    expect(house.clock.armed).toBeGreaterThan(before)
    const stopped = house.lines.stop(1_000)
    await house.clock.advance(1_000)
    await stopped
    expect(house.clock.armed).toBeLessThanOrEqual(before)
  })
})
