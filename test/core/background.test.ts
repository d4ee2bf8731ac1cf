import { describe, expect, it } from "vitest"
import { createBackground } from "../../core/background.ts"
import type { HookFault } from "../../core/hooks.ts"
import { createUndoStack } from "../../core/start/undo.ts"
import { createTestClock } from "../support/clock.ts"

describe("background work", () => {
  const watched = () => {
    const faults: HookFault[] = []
    return { faults, background: createBackground({ onFault: (fault) => faults.push(fault) }) }
  }

  it("is told to end at the stop, and waited for", async () => {
    const { background, faults } = watched()
    const clock = createTestClock()
    const seen: string[] = []
    background.run("metrics", "sampler", async (signal) => {
      while (!signal.aborted) {
        await clock.sleep(100, signal).catch(() => seen.push("woken"))
        seen.push("round")
      }
      await clock.sleep(50)
      seen.push("flushed")
    })
    await clock.advance(100)
    const stopped = background.stop().then(() => seen.push("stopped"))
    await clock.advance(50)
    await stopped
    expect(seen).toEqual(["round", "woken", "round", "flushed", "stopped"])
    expect(faults).toEqual([])
  })

  it("that fails is reported by its owner and name, and does not keep the stop from ending", async () => {
    const { background, faults } = watched()
    background.run("metrics", "sampler", async () => {
      throw new Error("disk on fire")
    })
    background.run("alerts", "sender", () => {
      throw new Error("at once")
    })
    await background.stop()
    expect(faults).toEqual([
      { plugin: "alerts", hook: "background sender", message: "at once" },
      { plugin: "metrics", hook: "background sampler", message: "disk on fire" },
    ])
  })

  it("that ends with the abort's own reason has not failed; any other end has", async () => {
    const { background, faults } = watched()
    const clock = createTestClock()
    background.run("a", "sleeper", (signal) => clock.sleep(1_000, signal))
    background.run("b", "breaker", (signal) =>
      clock.sleep(1_000, signal).catch(() => Promise.reject(new Error("could not flush"))),
    )
    await background.stop()
    expect(faults).toMatchObject([{ plugin: "b", message: "could not flush" }])
  })

  it("does not start once the stop has begun", async () => {
    const { background } = watched()
    await background.stop()
    let ran = false
    background.run("late", "task", async () => {
      ran = true
    })
    expect(ran).toBe(false)
  })
})

describe("what has been done at start", () => {
  const stack = () => {
    const clock = createTestClock()
    const failures: string[] = []
    const undo = createUndoStack({ clock, onFailure: (name, error) => failures.push(`${name}: ${error.message}`) })
    return { clock, failures, undo }
  }

  it("is taken back in reverse, each step waiting for the one before", async () => {
    const { clock, undo, failures } = stack()
    const seen: string[] = []
    undo.push("lock", () => void seen.push("lock"))
    undo.push("storage", async () => {
      await clock.sleep(100)
      seen.push("storage")
    })
    undo.push("plugin", () => void seen.push("plugin"))
    const done = undo.unwind(10_000)
    await clock.advance(100)
    await done
    expect(seen).toEqual(["plugin", "storage", "lock"])
    expect(failures).toEqual([])
    expect(clock.armed).toBe(0)
  })

  it("is taken back once, however often it is asked for", async () => {
    const { undo } = stack()
    let times = 0
    undo.push("lock", () => void times++)
    await Promise.all([undo.unwind(10_000), undo.unwind(10_000)])
    expect(times).toBe(1)
  })

  it("is taken back to the end, though steps throw, reject or hang", async () => {
    const { clock, undo, failures } = stack()
    const seen: string[] = []
    undo.push("lock", () => void seen.push("lock"))
    undo.push("thrower", () => {
      throw new Error("no")
    })
    undo.push("rejecter", () => Promise.reject(new Error("never")))
    undo.push("second hang", () => new Promise(() => undefined))
    undo.push("first hang", () => new Promise(() => undefined))
    const done = undo.unwind(10_000)
    await clock.advance(10_000)
    expect(failures).toEqual(["first hang: had not ended after 10000 ms"])
    await clock.advance(500)
    await done
    expect(failures.slice(1)).toEqual(["second hang: had not ended after 500 ms", "rejecter: never", "thrower: no"])
    expect(seen).toEqual(["lock"])
  })
})
