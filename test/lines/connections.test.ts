import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import type { Ledger } from "../../core/ledger.ts"
import { TOTALS_TABLE } from "../../core/monitor/totals.ts"
import { callOf, type House, openHouse } from "./house.ts"

const counted = async (house: House, company = "acme"): Promise<(number | undefined)[]> => {
  const { connections, disconnections } = await house.ledger.numbers(company, TOTALS_TABLE)
  return [connections, disconnections]
}

/** What the event log tells of the same. */
async function told(house: House): Promise<[number, number]> {
  let [ups, downs, up] = [0, 0, false]
  for (const { type, data } of await house.events("acme")) {
    if (type !== "session.status") continue
    if (data.connected === true && !up) ups++
    if (data.connected !== true && up) downs++
    up = data.connected === true
  }
  return [ups, downs]
}

/** Fails as it is told, before or after it has written. */
function failing(): { wrap: (ledger: Ledger) => Ledger; fail: "before" | "after" | undefined } {
  const how: { wrap: (ledger: Ledger) => Ledger; fail: "before" | "after" | undefined } = {
    fail: undefined,
    wrap: (ledger) => ({
      ...ledger,
      async commit(company, ops) {
        const { fail } = how
        if (fail === "before") throw appError("STORAGE_UNAVAILABLE")
        const result = await ledger.commit(company, ops)
        if (fail === "after") throw appError("STORAGE_UNAVAILABLE")
        return result
      },
    }),
  }
  return how
}

describe("how often a line came and went", () => {
  it("is counted once for each, whoever ended it", async () => {
    const house = openHouse()
    await house.connect("acme")
    expect(await counted(house)).toEqual([1, undefined])
    house.provider.line("acme").end("unreachable")
    await house.clock.advance(10_000)
    await house.connect("acme")
    expect(await counted(house)).toEqual([2, 1])
    await house.lines.commands.disconnect(callOf("acme"))
    await house.clock.settle()
    expect(await counted(house)).toEqual([2, 2])
    expect(house.monitor.of("acme")).toMatchObject({ connections: 2, disconnections: 2 })
    expect(await told(house)).toEqual([2, 2])
  })

  it.each(["stop", "kill"] as const)("takes no %s of the server for a loss of its lines", async (how) => {
    const house = openHouse()
    await house.connect("acme")
    const next = await house.reopen(how)
    next.lines.start()
    await next.clock.advance(100)
    await next.provider.line("acme").open()
    await next.clock.settle()
    expect(await counted(next)).toEqual([2, undefined])
  })

  it.each(["before", "after"] as const)("is not changed by a ledger that fails %s it has written", async (when) => {
    const faults = failing()
    const house = openHouse({ wrap: faults.wrap })
    await house.connect("acme")
    faults.fail = when
    house.provider.line("acme").end("unreachable")
    await house.clock.settle()
    faults.fail = undefined
    await house.clock.advance(10_000)
    await house.connect("acme")
    expect(await counted(house)).toEqual([2, 1])
    expect(await told(house)).toEqual([2, 1])
  })

  it("loses nothing where more changes wait for a ledger than are kept", async () => {
    const faults = failing()
    const house = openHouse({ wrap: faults.wrap })
    await house.connect("acme")
    faults.fail = "before"
    for (let round = 0; round < 150; round++) {
      house.provider.line("acme").end("restart-required")
      await house.clock.advance(60_000)
      await house.provider.line("acme").open()
      await house.clock.settle()
    }
    faults.fail = undefined
    await house.clock.advance(60_000)
    expect(await counted(house)).toEqual([151, 150])
  })
})

describe("how long it takes", () => {
  it("to be connected is measured from the beginning, where nobody had to scan anything", async () => {
    const house = openHouse()
    await house.connect("acme")
    expect(house.monitor.latencies().sessionInitTime.samples).toBe(0)
    await house.lines.commands.disconnect(callOf("acme"))
    const asked = house.lines.commands.initialize(callOf("acme"), {})
    await house.clock.advance(1_500)
    await house.provider.line("acme").open()
    await asked
    expect(house.monitor.latencies().sessionInitTime).toMatchObject({ samples: 1, avg: 1_500 })
  })

  it("to be back is measured from the loss, and not where somebody ended the line", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.line("acme").end("unreachable")
    await house.clock.advance(7_000)
    await house.provider.line("acme").open()
    await house.clock.settle()
    expect(house.monitor.latencies().reconnectTime).toMatchObject({ samples: 1, avg: 7_000 })
    house.provider.line("acme").end("unreachable")
    await house.lines.commands.disconnect(callOf("acme"))
    await house.clock.advance(60_000)
    await house.connect("acme")
    expect(house.monitor.latencies().reconnectTime.samples).toBe(1)
  })

  it("until WhatsApp has acknowledged is measured from the hand-over, of what was acknowledged", async () => {
    const house = openHouse()
    await house.connect("acme")
    house.provider.policy = () => "hold"
    const sent = house.send("acme", {})
    await house.clock.advance(250)
    const [held = ""] = house.provider.line("acme").held
    house.provider.line("acme").answer(held, { outcome: "acknowledged", at: house.clock.now() })
    await sent
    house.provider.policy = () => ({ outcome: "not-on-whatsapp" })
    await house.send("acme", {}).catch(() => undefined)
    expect(house.monitor.latencies().messageLatency).toMatchObject({ samples: 1, avg: 250 })
  })
})
