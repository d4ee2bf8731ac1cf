import { afterEach, describe, expect, it } from "vitest"
import { definePlugin, type Plugin } from "../../core/plugin.ts"
import { type Haunted, openHaunted, SECRET } from "./haunted.ts"

/** A plugin at fault in all that is no stage: its setup, its undo, its routes, its work in the background. */

const ABOUT = { method: "get", scope: "read", company: "none", summary: "X", tag: "X", responses: {} } as const

let open: Haunted[] = []
afterEach(async () => {
  await Promise.all(open.map((house) => house.stop()))
  open = []
})

const house = (more: readonly Plugin[]): Haunted => {
  const opened = openHaunted("health:check", more)
  open.push(opened)
  return opened
}
const plugin = (name: string, setup: Plugin["setup"]): Plugin =>
  definePlugin({ name, description: "Made in a test", setup })

describe("a route whose handler", () => {
  const withRoute = (handle: () => unknown): Haunted =>
    house([
      plugin("clumsy", ({ route }) =>
        route({ spec: { ...ABOUT, path: "/api/whatsapp/faulty" }, handle: handle as never }),
      ),
    ])

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error(SECRET)
      },
    ],
    ["rejects", () => Promise.reject(new Error(SECRET))],
    ["throws what is no error", () => rejected(SECRET)],
    ["answers nothing", () => undefined],
    ["answers a text", () => SECRET],
    ["answers what cannot be written down", () => ({ at: 5n })],
    ["answers a circle", () => circle()],
  ])("%s is answered with 500 and nothing of it, and the log has the rest", async (_, handle) => {
    const { start, call, log } = withRoute(handle)
    await start()
    const answer = await call("GET", "/faulty")
    expect(answer).toMatchObject({
      status: 500,
      json: { success: false, error: { code: "INTERNAL_ERROR", message: "Internal error", isRetryable: false } },
    })
    expect(answer.text).not.toContain(SECRET)
    expect(log.lines).toContainEqual(expect.objectContaining({ level: "error", message: "A request failed" }))
    expect((await call("GET", "/sessions")).status).toBe(200)
  })

  it("hangs keeps nobody else waiting, and the stop no longer than its time", async () => {
    const slow = withRoute(() => new Promise(() => undefined))
    await slow.start()
    void slow.call("GET", "/faulty")
    await slow.clock.settle()
    expect((await slow.call("GET", "/sessions")).status).toBe(200)
    let ended = false
    const stopped = slow.app.stop().then(() => {
      ended = true
    })
    await slow.clock.advance(10_000)
    expect(ended).toBe(true)
    await stopped
  })
})

/** As a library might that rejects with a text. */
const rejected = (thrown: unknown): Promise<never> =>
  new Promise((_, reject) => (reject as (thrown: unknown) => void)(thrown))

function circle(): object {
  const round: { self?: object } = {}
  round.self = round
  return round
}

describe("a setup that", () => {
  const seen: string[] = []
  const diary = (name: string): Plugin =>
    plugin(name, () => {
      seen.push(`${name} up`)
      return () => void seen.push(`${name} down`)
    })

  it("throws stops the start, under its plugin's name, and those before it are undone", async () => {
    seen.length = 0
    const broken = house([
      diary("one"),
      diary("two"),
      plugin("broken", () => Promise.reject(new Error("no room"))),
      diary("never"),
    ])
    await expect(broken.start()).rejects.toThrow("Plugin broken: no room")
    expect(seen).toEqual(["one up", "two up", "two down", "one down"])
  })

  it("hangs does the same after half a minute, and what it has begun is undone when it ends late", async () => {
    seen.length = 0
    let end: () => void = () => undefined
    const late = plugin("late", async () => {
      await new Promise<void>((resolve) => {
        end = resolve
      })
      return () => void seen.push("late down")
    })
    const broken = house([diary("one"), late])
    const started = expect(broken.start()).rejects.toThrow("Plugin late: its setup had not ended after 30000 ms")
    await broken.clock.advance(30_000)
    await started
    expect(seen).toEqual(["one up", "one down"])
    end()
    await broken.clock.settle()
    expect(seen).toEqual(["one up", "one down", "late down"])
  })
})

describe("an undo that", () => {
  it.each<[string, () => Promise<void>]>([
    [
      "throws",
      () => {
        throw new Error(SECRET)
      },
    ],
    ["rejects", () => Promise.reject(new Error(SECRET))],
    ["hangs", () => new Promise(() => undefined)],
  ])("%s is told in the log, and those before it are undone all the same", async (_, undo) => {
    const seen: string[] = []
    const first = plugin("first", () => () => void seen.push("first down"))
    const ending = house([first, plugin("broken", () => undo)])
    await ending.start()
    const stopped = ending.app.stop()
    await ending.clock.advance(20_000)
    await stopped
    expect(seen).toEqual(["first down"])
    expect(ending.log.lines).toContainEqual(
      expect.objectContaining({ level: "error", fields: expect.objectContaining({ step: "plugin broken" }) }),
    )
  })
})

describe("work in the background that", () => {
  it.each<[string, () => Promise<void>]>([
    ["rejects", () => Promise.reject(new Error("The job is done for"))],
    [
      "throws at once",
      () => {
        throw new Error("The job is done for")
      },
    ],
  ])("%s is told to the others under its plugin's name, and the server goes on", async (_, work) => {
    const going = house([plugin("busy", ({ background }) => background("job", work))])
    await going.start()
    await going.clock.settle()
    expect(going.told).toEqual([["busy", "background job", "The job is done for"]])
    expect((await going.call("GET", "/sessions")).status).toBe(200)
  })
})

describe("the settings' check of a plugin that throws", () => {
  it("stops the start and says whose it is, without what it threw", async () => {
    const broken = house([
      {
        ...plugin("broken", () => undefined),
        check() {
          throw new Error(SECRET)
        },
      },
    ])
    const told = await broken.start().catch((thrown: Error) => thrown.message)
    expect(told).toBe("Switchboard cannot start: plugin broken: its check of the settings failed (Error)")
  })
})

describe("at a hook that another plugin declares and runs, a plugin that", () => {
  const own = { guard: "own:guard", first: "own:first", transform: "own:transform", collect: "own:collect" } as const
  type Kind = keyof typeof own
  type Run = Readonly<Record<Kind, (name: string, given: unknown, context?: unknown) => unknown>>
  const owner = definePlugin({
    name: "owner",
    description: "Has hooks of its own",
    hooks: Object.fromEntries(Object.entries(own).map(([kind, name]) => [name, kind as Kind])),
    setup({ route, run }) {
      // The names are known to nobody's types.
      const loose = run as unknown as Run
      for (const [kind, name] of Object.entries(own)) {
        route({
          spec: { ...ABOUT, path: `/api/whatsapp/own/${kind}` },
          handle: async () => ({ data: (await loose[kind as Kind](name, "given", {})) ?? "nothing" }),
        })
      }
    },
  })
  const wrong: Readonly<Record<string, () => unknown>> = {
    throws: () => {
      throw new Error(SECRET)
    },
    rejects: () => Promise.reject(new Error(SECRET)),
    hangs: () => new Promise(() => undefined),
  }

  it.each(Object.keys(wrong))("%s is a fault of its own, as at the stages of the house", async (how) => {
    const clumsy = plugin("clumsy", ({ on }) => {
      const anywhere = on as unknown as (name: string, handler: unknown) => void
      for (const name of Object.values(own)) anywhere(name, wrong[how])
    })
    const going = house([owner, clumsy])
    await going.start()
    const ask = (kind: Kind) => going.callWhile(2_000, "GET", `/own/${kind}`)
    for (const kind of ["guard", "first"] as const) {
      expect((await ask(kind)).json.data).toMatchObject({ refused: true, plugin: "clumsy" })
    }
    expect(await ask("transform")).toMatchObject({ status: 503, json: { error: { code: "PLUGIN_FAULT" } } })
    expect((await ask("collect")).json.data).toMatchObject({ clumsy: { ok: false } })
    await going.clock.settle()
    expect(going.told.map((fault) => fault.slice(0, 2))).toEqual(
      ["own:guard", "own:first", "own:transform", "own:collect"].map((name) => ["clumsy", name]),
    )
  })

  it("does not own it may not run it", async () => {
    const thief = plugin("thief", ({ run }) => void run.guard("message:limit", {} as never))
    await expect(house([thief]).start()).rejects.toThrow("Plugin thief: message:limit is not among its hooks")
  })
})
