import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { CloseReason } from "../../core/provider.ts"
import { backoff, consequences, gateOf, mayFollow, transitions } from "../../core/session.ts"
import type { SessionState } from "../../core/types.ts"
import { callOf, type House, openHouse } from "./house.ts"

const reasons = Object.keys(consequences) as CloseReason[]
const states = Object.keys(transitions) as SessionState[]

type Step = (house: House) => Promise<unknown> | void

const line = (house: House) => house.provider.connections.at(-1)
const command =
  (name: "disconnect" | "restart" | "logout"): Step =>
  (house) =>
    void house.lines.commands[name](callOf("acme")).catch(() => undefined)

const steps: Readonly<Record<string, Step>> = {
  initialize: (house) => void house.lines.commands.initialize(callOf("acme"), {}).catch(() => undefined),
  "pairing code": (house) =>
    void house.lines.commands.pairingCode(callOf("acme"), "79001234567").catch(() => undefined),
  disconnect: command("disconnect"),
  restart: command("restart"),
  logout: command("logout"),
  qr: (house) => line(house)?.qr(`qr-${house.clock.now()}`),
  code: (house) => line(house)?.pairingCode("ABCDEFGH"),
  refused: (house) => line(house)?.emit({ type: "pairing-refused", reason: "no" }),
  link: (house) =>
    line(house)
      ?.link()
      .catch(() => undefined),
  open: (house) =>
    line(house)
      ?.open()
      .catch(() => undefined),
  send: (house) => void house.send("acme", {}, { respondAsync: true }).catch(() => undefined),
  second: (house) => house.clock.advance(1_000),
  minutes: (house) => house.clock.advance(400_000),
  ...Object.fromEntries(reasons.map((reason) => [`close ${reason}`, (house: House) => line(house)?.end(reason)])),
}

describe("whatever happens to a line in whatever order", () => {
  it("goes from state to state as the table allows, has one connection at most, and leaves nothing behind", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 40, size: "max" }),
        async (names) => {
          const house = openHouse()
          for (const name of names) {
            await steps[name]?.(house)
            await house.clock.settle()
            expect(house.provider.connections.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(1)
          }
          const told = (await house.events("acme")).filter(({ type }) => type === "session.status")
          for (const [index, { data }] of told.entries()) {
            const from = (told[index - 1]?.data.status ?? "idle") as SessionState
            const to = data.status as SessionState
            if (from !== to) expect(mayFollow(from, to), `${from} to ${to}`).toBe(true)
          }
          expect(house.log.lines.filter(({ level }) => level === "error")).toEqual([])
          house.lines.release()
          const stopped = house.lines.stop(1_000)
          await house.clock.advance(61_000)
          await stopped
          expect(house.provider.connections.every(({ closed }) => closed)).toBe(true)
          expect(house.clock.armed).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  }, 60_000)
})

describe("the table of transitions", () => {
  it("lets every state be left, and ended by whoever owns the line", () => {
    for (const state of states) {
      expect(transitions[state].length, state).toBeGreaterThan(0)
      if (state !== "logged-out") expect(mayFollow(state, "logged-out"), state).toBe(true)
      if (state !== "disconnected") expect(mayFollow(state, "disconnected"), state).toBe(true)
      if (state !== "connecting") expect(mayFollow(state, "connecting"), state).toBe(true)
    }
  })
})

describe("the delay before an attempt", () => {
  it("lies anywhere up to the first one grown by half each time, and never above the ceiling", () => {
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 60_000 }),
        (step, luck, first) => {
          const delay = backoff(first, step, 60_000, luck)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(Math.min(60_000, Math.round(first * 1.5 ** Math.min(step, 40))))
        },
      ),
    )
    expect([0, 1, 2].map((step) => backoff(5_000, step, 60_000, 1))).toEqual([5_000, 7_500, 11_250])
  })
})

describe("what a send meets", () => {
  const heals = new Set(["idle", "connecting", "reconnecting", "outdated"])
  for (const state of states) {
    it(`${state}: as promised, and nothing goes without complete credentials`, () => {
      const expected = state === "connected" ? "connected" : heals.has(state) ? "heals" : "none"
      expect(gateOf(state, true, false)).toBe(expected)
      expect(gateOf(state, true, true)).toBe(state === "failed" ? "heals" : expected)
      expect(gateOf(state, false, true)).toBe("none")
    })
  }
})
