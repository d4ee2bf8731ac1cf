import { describe, expect, it } from "vitest"
import { AppError, coreErrors } from "../../core/errors.ts"
import { createHooks, type HookFault, type HookRegistry } from "../../core/hooks.ts"
import { hookTable } from "../../core/loading/hook-table.ts"
import type { Call, Draft, Hold, Knock, Principal } from "../../core/plugin.ts"
import { refuse } from "../../core/refusal.ts"
import { createTestClock, type TestClock } from "../support/clock.ts"
import { createTestLog, type TestLog } from "../support/log.ts"

const principal: Principal = { kind: "admin", scopes: new Set(["send"]) }
const call: Call = { company: "salon-1", requestId: "r-1", principal }
const undo = (): void => undefined
const draft: Draft = { to: { kind: "phone", phone: "79001234567" }, content: { type: "text", text: "a" } }
const knock: Knock = {
  method: "GET",
  path: "/",
  headers: new Headers(),
  remoteAddress: undefined,
  clientAddress: undefined,
}
const never = (): Promise<never> => new Promise(() => undefined)

interface House {
  readonly hooks: HookRegistry
  readonly clock: TestClock
  readonly log: TestLog
  readonly faults: HookFault[]
}

function house(): House {
  const clock = createTestClock()
  const log = createTestLog()
  const faults: HookFault[] = []
  return { clock, log, faults, hooks: createHooks({ clock, log, onFault: (fault) => faults.push(fault) }) }
}

const append = (letter: string) => (value: Draft) => ({
  ...value,
  content: { type: "text" as const, text: `${value.content.type === "text" ? value.content.text : ""}${letter}` },
})
/** What JavaScript plugins can hand in, past the types. */
const untyped = (value: unknown): never => value as never

const sealing = { company: "salon-1", purpose: "credentials", salt: new Uint8Array(32) } as const

describe("a guard", () => {
  it("lets pass when nobody refuses, without a promise when every handler is synchronous", () => {
    const { hooks } = house()
    hooks.add("a", "company:validate", () => undefined)
    hooks.add("b", "company:validate", () => {})
    expect(hooks.guard("company:validate", { company: "salon-1" })).toBeUndefined()
  })

  it("stops at the first refusal and names its plugin", () => {
    const { hooks } = house()
    const asked: string[] = []
    hooks.add("a", "company:validate", () => void asked.push("a"))
    hooks.add("b", "company:validate", () => refuse("INVALID_COMPANY_ID"))
    hooks.add("c", "company:validate", () => void asked.push("c"))
    const refusal = hooks.guard("company:validate", { company: "x" })
    expect(refusal).toMatchObject({ refused: true, plugin: "b", error: { code: "INVALID_COMPANY_ID" } })
    expect(asked).toEqual(["a"])
  })

  it("keeps its order when handlers answer later", async () => {
    const { hooks, clock } = house()
    const asked: string[] = []
    hooks.add("a", "company:validate", async () => {
      await clock.sleep(500)
      asked.push("a")
    })
    hooks.add("b", "company:validate", () => void asked.push("b"))
    hooks.add("c", "company:validate", async () => refuse("FORBIDDEN"))
    const verdict = hooks.guard("company:validate", { company: "x" })
    await clock.advance(499)
    expect(asked).toEqual([])
    await clock.advance(1)
    expect(await verdict).toMatchObject({ plugin: "c" })
    expect(asked).toEqual(["a", "b"])
    expect(clock.armed).toBe(0)
  })

  const broken: [string, () => unknown][] = [
    ["throws", () => untyped(thrower(new Error("disk on fire")))],
    ["throws something that is no error", () => untyped(thrower("disk on fire"))],
    ["rejects", () => Promise.reject(new Error("disk on fire"))],
    ["answers true", () => true],
    ["answers null", () => null],
    ["answers a refusal without an error", () => ({ refused: true })],
    ["answers wrongly after a while", () => Promise.resolve("yes")],
  ]
  it.each(broken)("that %s closes with PLUGIN_FAULT and is reported", async (_, handler) => {
    const { hooks, faults, log } = house()
    const asked: string[] = []
    hooks.add("bad", "message:limit", untyped(handler))
    hooks.add("next", "message:limit", () => void asked.push("next"))
    const refusal = await hooks.guard("message:limit", { ...call, message: draft, undo })
    expect(refusal).toMatchObject({
      refused: true,
      plugin: "bad",
      error: { code: "PLUGIN_FAULT", spec: { status: 503 } },
    })
    expect(asked).toEqual([])
    expect(faults).toMatchObject([{ plugin: "bad", hook: "message:limit" }])
    expect(log.lines).toMatchObject([{ level: "error", fields: { plugin: "bad", hook: "message:limit" } }])
  })

  it("that hangs closes after two seconds, and what it answers later changes nothing", async () => {
    const { hooks, clock, faults } = house()
    hooks.add("slow", "company:validate", () => clock.sleep(5_000))
    const verdict = hooks.guard("company:validate", { company: "x" })
    await clock.advance(1_999)
    expect(faults).toEqual([])
    await clock.advance(1)
    expect(await verdict).toMatchObject({ plugin: "slow", error: { code: "PLUGIN_FAULT" } })
    await clock.advance(10_000)
    expect(faults).toHaveLength(1)
    expect(clock.armed).toBe(0)
  })

  it("arms no timer for a handler that answers at once", () => {
    const { hooks, clock } = house()
    hooks.add("a", "company:validate", () => undefined)
    void hooks.guard("company:validate", { company: "x" })
    expect(clock.armed).toBe(0)
  })
})

describe("a first", () => {
  it("gives the first answer and asks nobody further", () => {
    const { hooks } = house()
    const other: Principal = { kind: "loopback", scopes: new Set() }
    hooks.add("a", "request:identify", () => undefined)
    hooks.add("b", "request:identify", () => principal)
    hooks.add("c", "request:identify", () => other)
    expect(hooks.first("request:identify", knock)).toBe(principal)
  })

  it("gives a refusal with its plugin, and nothing when nobody answers", async () => {
    const { hooks } = house()
    expect(hooks.first("request:identify", knock)).toBeUndefined()
    hooks.add("a", "request:identify", async () => undefined)
    expect(await hooks.first("request:identify", knock)).toBeUndefined()
    hooks.add("b", "request:identify", () => refuse("UNAUTHORIZED"))
    expect(await hooks.first("request:identify", knock)).toMatchObject({ plugin: "b", error: { code: "UNAUTHORIZED" } })
  })

  it.each([
    ["an answer that is no principal", () => ({ kind: "admin", scopes: ["send"] })],
    ["true", () => true],
    ["a throw", () => untyped(thrower(new Error("no")))],
    ["a rejection", () => Promise.reject(new Error("no"))],
  ])("closes on %s", async (_, handler) => {
    const { hooks, faults } = house()
    hooks.add("bad", "request:identify", untyped(handler))
    hooks.add("good", "request:identify", () => principal)
    expect(await hooks.first("request:identify", knock)).toMatchObject({
      refused: true,
      error: { code: "PLUGIN_FAULT" },
    })
    expect(faults).toHaveLength(1)
  })

  it("closes when its handler hangs", async () => {
    const { hooks, clock } = house()
    hooks.add("slow", "request:identify", never)
    const verdict = hooks.first("request:identify", knock)
    await clock.advance(2_000)
    expect(await verdict).toMatchObject({ plugin: "slow", error: { code: "PLUGIN_FAULT" } })
  })
})

describe("a transform", () => {
  it("hands the value on in order, through handlers that answer at once and later", async () => {
    const { hooks } = house()
    hooks.add("a", "message:prepare", append("1"))
    hooks.add("b", "message:prepare", async (value) => append("2")(value))
    hooks.add("c", "message:prepare", append("3"))
    expect(await hooks.transform("message:prepare", draft, call)).toMatchObject({ content: { text: "a123" } })
  })

  it("gives the value back untouched, and at once, when nobody stands there", () => {
    const { hooks } = house()
    expect(hooks.transform("message:prepare", draft, call)).toBe(draft)
  })

  it("runs names that end in :open in reverse, so that the last seal comes off first", async () => {
    const { hooks } = house()
    const wrap = (byte: number) => (records: readonly Uint8Array[]) =>
      records.map((record) => new Uint8Array([byte, ...record]))
    const unwrap = (byte: number) => (records: readonly Uint8Array[]) =>
      records.map((record) => {
        if (record[0] !== byte) throw new Error("not my seal")
        return record.slice(1)
      })
    for (const byte of [1, 2, 3]) {
      hooks.add(`p${byte}`, "record:seal", wrap(byte))
      hooks.add(`p${byte}`, "record:open", unwrap(byte))
    }
    const context = { ...sealing, names: ["creds/me"] }
    const sealed = await hooks.transform("record:seal", [new Uint8Array([9])], context)
    expect(sealed).toEqual([new Uint8Array([3, 2, 1, 9])])
    expect(await hooks.transform("record:open", sealed, context)).toEqual([new Uint8Array([9])])
  })

  it.each([
    ["throws", () => untyped(thrower(new Error("no")))],
    ["rejects", () => Promise.reject(new Error("no"))],
    ["answers nothing", () => undefined],
    ["answers something else", () => "text"],
    ["answers something else later", () => Promise.resolve({ to: 1 })],
  ])("that %s fails the operation", async (_, handler) => {
    const { hooks, faults } = house()
    hooks.add("bad", "message:prepare", untyped(handler))
    const run = async (): Promise<Draft> => hooks.transform("message:prepare", draft, call)
    await expect(run()).rejects.toMatchObject({ code: "PLUGIN_FAULT" })
    expect(faults).toMatchObject([{ plugin: "bad" }])
  })

  it("that hangs fails the operation after two seconds", async () => {
    const { hooks, clock } = house()
    hooks.add("slow", "outbox:hold", never)
    const hold: Hold = { notBefore: null, reason: null }
    const held = expect(hooks.transform("outbox:hold", hold, untyped({}))).rejects.toMatchObject({
      code: "PLUGIN_FAULT",
    })
    await clock.advance(2_000)
    await held
  })

  it("lets an error of the table out as it is", async () => {
    const { hooks, faults } = house()
    hooks.add("seal", "record:open", () => {
      throw new AppError("RECORD_SEALED", coreErrors.RECORD_SEALED)
    })
    const run = async (): Promise<unknown> => hooks.transform("record:open", [], { ...sealing, names: [] })
    await expect(run()).rejects.toMatchObject({ code: "RECORD_SEALED" })
    expect(faults).toEqual([])
  })

  it("refuses records that got fewer on the way", async () => {
    const { hooks } = house()
    hooks.add("lossy", "record:seal", () => [])
    const run = async (): Promise<unknown> =>
      hooks.transform("record:seal", [new Uint8Array(1)], { ...sealing, names: ["x"] })
    await expect(run()).rejects.toMatchObject({ code: "PLUGIN_FAULT" })
  })
})

describe("a collect", () => {
  it("gives one item by plugin, from all in parallel, with a failed one for each that fails", async () => {
    const { hooks, clock, faults } = house()
    hooks.add("disk", "health:check", () => ({ ok: true }))
    hooks.add("net", "health:check", async () => ({ ok: false, detail: "no route" }))
    hooks.add("thrower", "health:check", () => untyped(thrower(new Error("secret path"))))
    hooks.add("rejecter", "health:check", () => Promise.reject(new Error("secret path")))
    hooks.add("liar", "health:check", () => untyped({ ok: "yes" }))
    hooks.add(
      "silent",
      "health:check",
      untyped(() => undefined),
    )
    hooks.add("slow", "health:check", never)
    const items = hooks.collect("health:check", {})
    await clock.advance(2_000)
    const failed = { ok: false, detail: expect.any(String) }
    expect({ ...(await items) }).toEqual({
      disk: { ok: true },
      net: { ok: false, detail: "no route" },
      thrower: failed,
      rejecter: failed,
      liar: failed,
      silent: failed,
      slow: failed,
    })
    expect(JSON.stringify(await items)).not.toContain("secret")
    expect(Object.getPrototypeOf(await items)).toBeNull()
    expect(faults.map(({ plugin }) => plugin).sort()).toEqual(["liar", "rejecter", "silent", "slow", "thrower"])
  })

  it("takes one handler of a plugin, since its item goes by the plugin's name", () => {
    const { hooks } = house()
    hooks.add("a", "health:check", () => ({ ok: true }))
    expect(() => hooks.add("a", "health:check", () => ({ ok: true }))).toThrow("a")
  })
})

describe("an observe", () => {
  it("runs after the caller's turn, in the order of what happened", async () => {
    const { hooks } = house()
    const seen: string[] = []
    hooks.add("a", "message:rejected", ({ code }) => void seen.push(code))
    for (const code of ["1", "2", "3"]) hooks.observe("message:rejected", { company: "x", plugin: "p", code })
    expect(seen).toEqual([])
    await hooks.drain()
    expect(seen).toEqual(["1", "2", "3"])
  })

  it("isolates observers: one that throws, rejects or hangs starves nobody and reaches no caller", async () => {
    const { hooks, clock, faults } = house()
    const seen: string[] = []
    hooks.add("thrower", "app:closing", () => untyped(thrower(new Error("x"))))
    hooks.add("rejecter", "app:closing", () => Promise.reject(new Error("x")))
    hooks.add("slow", "app:closing", never)
    hooks.add("fine", "app:closing", () => void seen.push("fine"))
    hooks.observe("app:closing", {})
    await clock.settle()
    expect(seen).toEqual(["fine"])
    expect(faults.map(({ plugin }) => plugin)).toEqual(["thrower", "rejecter"])
    await clock.advance(29_999)
    expect(faults).toHaveLength(2)
    await clock.advance(1)
    expect(faults.map(({ plugin }) => plugin)).toEqual(["thrower", "rejecter", "slow"])
    await hooks.drain()
  })

  it("drains only when the last observer has ended", async () => {
    const { hooks, clock } = house()
    hooks.add("a", "app:closing", () => clock.sleep(1_000))
    hooks.observe("app:closing", {})
    let drained = false
    const done = hooks.drain().then(() => (drained = true))
    await clock.advance(999)
    expect(drained).toBe(false)
    await clock.advance(1)
    await done
  })

  it("hears of faults as plugin:fault; a fault in such an observer is only logged", async () => {
    const { hooks, log, faults } = house()
    const heard: unknown[] = []
    hooks.add("bad", "company:validate", () => untyped(thrower(new Error("boom"))))
    hooks.add("watcher", "plugin:fault", (fault) => void heard.push(fault))
    hooks.add("broken-watcher", "plugin:fault", () => untyped(thrower(new Error("again"))))
    void hooks.guard("company:validate", { company: "x" })
    await hooks.drain()
    expect(heard).toEqual([{ plugin: "bad", hook: "company:validate", message: "boom" }])
    expect(faults.map(({ plugin }) => plugin)).toEqual(["bad", "broken-watcher"])
    expect(log.lines).toHaveLength(2)
  })
})

describe("registration", () => {
  it("refuses an unknown hook and suggests the one that was meant", () => {
    const { hooks } = house()
    expect(() =>
      hooks.add(
        "a",
        untyped("message:sended"),
        untyped(() => undefined),
      ),
    ).toThrow(/Plugin a: there is no hook message:sended; did you mean message:sent\?/)
  })

  it("refuses what is no function, and everything after the start", () => {
    const { hooks } = house()
    expect(() => hooks.add("a", "app:ready", untyped({}))).toThrow("not a function")
    hooks.freeze()
    expect(() => hooks.add("a", "app:ready", () => undefined)).toThrow("after the start")
  })

  it("knows names that plugins declare, with one owner each", () => {
    const { hooks } = house()
    hooks.declare("crm", "crm:sync", "guard")
    hooks.add(
      "crm",
      untyped("crm:sync"),
      untyped(() => "no"),
    )
    expect(hooks.guard(untyped("crm:sync"), untyped({}))).toMatchObject({ error: { code: "PLUGIN_FAULT" } })
    expect(() => hooks.declare("other", "crm:sync", "observe")).toThrow("exists already")
    expect(() => hooks.declare("other", "message:sent", "observe")).toThrow("exists already")
  })

  it("tells where a handler stands", () => {
    const { hooks } = house()
    expect(hooks.has("record:seal")).toBe(false)
    hooks.add("a", "record:seal", (records) => records)
    expect(hooks.has("record:seal")).toBe(true)
  })

  it("gives a rule for answers to every stage that takes one", () => {
    for (const [name, rule] of Object.entries(hookTable)) {
      const answers = rule.kind === "first" || rule.kind === "transform" || rule.kind === "collect"
      expect("accepts" in rule, name).toBe(answers)
    }
  })
})

it("seven synchronous stages cost under two microseconds", () => {
  const { hooks } = house()
  for (const plugin of ["a", "b"]) hooks.add(plugin, "message:limit", () => undefined)
  hooks.add("a", "message:prepare", (value) => value)
  const input = { ...call, message: draft, undo }
  const round = (): void => {
    for (let stage = 0; stage < 6; stage++) void hooks.guard("message:limit", input)
    void hooks.transform("message:prepare", draft, call)
  }
  for (let warm = 0; warm < 20_000; warm++) round()
  const rounds = 50_000
  // CPU time, and the best of several: other programs on this machine take time, never give any.
  let best = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = process.cpuUsage()
    for (let index = 0; index < rounds; index++) round()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / rounds)
  }
  expect(best).toBeLessThan(2)
})

function thrower(thrown: unknown): never {
  throw thrown
}
