import { describe, expect, it } from "vitest"
import { type House, openHouse } from "./house.ts"

/** A keep-alive interval so long that nobody but the test asks. */
const never = { settings: { keepAliveMs: 1_000_000_000 } }

const sessions = (house: House) => house.lines.views.sessions
const statusOf = (house: House) => sessions(house).get("acme")

const open = async (): Promise<House> => {
  const house = openHouse(never)
  await house.connect("acme")
  return house
}

/** Asks, on a line that does not answer. */
const askInVain = async (house: House, ms = 5_000): Promise<void> => {
  const asked = expect(sessions(house).prove("acme", ms)).rejects.toThrow()
  await house.clock.advance(ms)
  await asked
}

describe("a line that is asked for proof of life", () => {
  it("is ended when it gave none, says so, and reconnects by its own rules", async () => {
    const house = await open()
    house.provider.line("acme").alive = false
    await askInVain(house)
    expect([statusOf(house)?.connected, sessions(house).heal("acme")]).toEqual([true, true])
    expect(statusOf(house)).toMatchObject({
      status: "reconnecting",
      lastError: { code: "UNREACHABLE", message: expect.stringContaining("no proof of life") },
    })
    house.provider.onConnect = (connection) => connection.open()
    await house.clock.advance(5_000)
    expect(statusOf(house)).toMatchObject({ status: "connected", lastError: null })
    const causes = (await house.events("acme")).map(({ data }) => data.cause)
    expect(causes.filter((cause) => cause === "no proof of life")).toHaveLength(1)
  })

  it("is left alone while it answers, and when nobody has asked", async () => {
    const house = await open()
    expect(sessions(house).heal("acme")).toBe(false)
    await sessions(house).prove("acme", 5_000)
    expect([sessions(house).heal("acme"), sessions(house).heal("nobody")]).toEqual([false, false])
    expect(statusOf(house)?.connected).toBe(true)
  })

  it("is left alone when something was heard on it after all", async () => {
    const house = await open()
    const line = house.provider.line("acme")
    line.alive = false
    await house.clock.advance(1)
    await askInVain(house)
    line.emit({ type: "proof" })
    expect(sessions(house).heal("acme")).toBe(false)
  })

  it("does not pay with its next connection for the silence of the last, not even in the same moment", async () => {
    for (const [reason, ms] of [
      ["unreachable", 5_000],
      ["restart-required", 0],
    ] as const) {
      const house = await open()
      house.provider.line("acme").alive = false
      await expect(sessions(house).prove("acme", 5_000)).rejects.toThrow()
      house.provider.onConnect = (connection) => connection.open()
      house.provider.line("acme").end(reason)
      await house.clock.advance(ms)
      expect([statusOf(house)?.connected, sessions(house).heal("acme")]).toEqual([true, false])
    }
  })

  it("has one question at a time, however many want to know, and each waits as long as it said", async () => {
    const house = await open()
    const line = house.provider.line("acme")
    line.mute = true
    const ends: string[] = []
    const ask = (name: string, ms: number) =>
      sessions(house)
        .prove("acme", ms)
        .catch(() => ends.push(name))
    const asked = [ask("ten", 10_000), ask("five", 5_000)]
    await house.clock.advance(5_000)
    expect([ends, line.proofs]).toEqual([["five"], 1])
    await house.clock.advance(1_000)
    asked.push(ask("late", 1_000))
    await house.clock.advance(4_000)
    await Promise.all(asked)
    expect([ends, line.proofs]).toEqual([["five", "late", "ten"], 1])
  })

  it("that is not connected cannot be asked", async () => {
    const house = openHouse(never)
    await expect(sessions(house).prove("acme", 5_000)).rejects.toMatchObject({ code: "NO_ACTIVE_SESSION" })
    await house.connect("acme")
    house.provider.line("acme").end("unreachable")
    await expect(sessions(house).prove("acme", 5_000)).rejects.toMatchObject({ code: "NO_ACTIVE_SESSION" })
  })
})
