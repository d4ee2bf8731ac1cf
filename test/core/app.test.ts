import { afterEach, describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { type App, type AppOptions, createApp } from "../../core/app.ts"
import type { Config } from "../../core/config.ts"
import type { Ledger } from "../../core/ledger.ts"
import type { Listen } from "../../core/listen.ts"
import { definePlugin, KEY_ID_BYTES, type Plugin, type Principal, SEALED_ROOM } from "../../core/plugin.ts"
import type { ProviderAdapter } from "../../core/provider.ts"
import { defineRoute } from "../../core/route.ts"
import { isStartError } from "../../core/settings/start-error.ts"
import type { StorageAdapter } from "../../core/store.ts"
import { createTestEgress } from "../support/egress.ts"
import { createTestClock } from "../support/clock.ts"
import { idle } from "../support/idle-provider.ts"
import { createTestSystem, type TestSystem } from "../support/system.ts"

const principal: Principal = { kind: "admin", scopes: new Set(["operator", "read", "session"]) }
const doorman = definePlugin({
  name: "doorman",
  description: "Lets everybody in",
  setup: ({ on }) => on("request:identify", () => principal),
})

/** A plugin that writes down what happens to it. */
const diary = (name: string, seen: string[], extra: Partial<Plugin> = {}): Plugin => ({
  name,
  description: "Keeps a diary",
  setup() {
    seen.push(`${name} up`)
    return () => void seen.push(`${name} down`)
  },
  ...extra,
})

interface Made {
  readonly app: App
  readonly system: TestSystem
  readonly seen: string[]
}

const made: App[] = []
afterEach(async () => {
  await Promise.all(made.splice(0).map((app) => app.stop()))
})

interface Wanted extends Partial<Omit<AppOptions, "config" | "system">> {
  readonly plugins?: readonly Plugin[]
  readonly seen?: string[]
  readonly system?: TestSystem
  readonly ledger?: Ledger
  readonly provider?: ProviderAdapter
  readonly store?: StorageAdapter
}

function make({
  plugins = [],
  seen = [],
  system = createTestSystem(),
  ledger,
  provider = idle,
  store = memoryStorage,
  ...options
}: Wanted = {}): Made {
  const config: Config = {
    plugins: [doorman, ...plugins],
    providers: [provider],
    stores: [store],
    ledger: {
      name: "diary",
      async open() {
        seen.push("ledger open")
        const inner = ledger ?? createMemoryLedger()
        return {
          ...inner,
          async close() {
            seen.push(`ledger closed, folder ${system.locked.size > 0 ? "locked" : "free"}`)
            await inner.close()
          },
        }
      },
    },
    system: () => system,
    clock: createClock,
    egress: createTestEgress,
  }
  const env = { WHATSAPP_PROVIDER: "idle", WHATSAPP_STORAGE: "memory", ...options.env }
  const app = createApp({ ...options, config, env })
  made.push(app)
  return { app, system, seen }
}

/** A port that is a variable. */
const listening = (seen: string[]): Listen => {
  return async ({ port }) => {
    seen.push("port taken")
    return { url: `http://127.0.0.1:${port}`, close: async () => void seen.push("port closed") }
  }
}

const problemsOf = async (app: App): Promise<readonly string[]> => {
  try {
    await app.start()
  } catch (thrown) {
    if (isStartError(thrown)) return thrown.problems
    throw thrown
  }
  throw new Error("It started")
}

describe("the start", () => {
  it("goes from the bottom up, and the stop back down", async () => {
    const seen: string[] = []
    const plugins = [diary("second", seen, { after: ["first"] }), diary("first", seen)]
    const { app, system } = make({ plugins, seen, listen: listening(seen) })
    expect(seen).toEqual([])
    expect(await app.start()).toEqual({ url: "http://127.0.0.1:3000" })
    expect(seen).toEqual(["port taken", "ledger open", "first up", "second up"])
    expect([...system.locked]).toEqual(["./sessions"])
    seen.length = 0
    await app.stop()
    expect(seen).toEqual(["port closed", "second down", "first down", "ledger closed, folder locked"])
    expect(system.locked.size).toBe(0)
  })

  it("tells every problem at once and touches nothing", async () => {
    const seen: string[] = []
    const plugins = [diary("a", seen, { needs: ["nothing"] }), { name: "b" } as Plugin]
    const { app, system } = make({ plugins, seen, env: { PORT: "x", WHATSAPP_PLUGINS: "" }, listen: listening(seen) })
    expect(await problemsOf(app)).toEqual([
      "Plugin b: description must be a sentence",
      "Plugin b: setup must be a function",
      "Plugin a needs nothing, which no plugin provides",
      "PORT: expected a port from 0 to 65535",
    ])
    expect(seen).toEqual([])
    expect(system.locked.size).toBe(0)
  })

  it.each([
    ["throws", () => Promise.reject(new Error("no room")), "Plugin broken: no room"],
    [
      "uses an unknown hook",
      ({ on }: never) => (on as CallableFunction)("message:sendt", () => undefined),
      "Plugin broken: there is no hook message:sendt; did you mean message:sent?",
    ],
    ["keeps back what it provides", () => undefined, "Plugin broken: it did not provide gifts"],
    [
      "takes what it did not ask for",
      ({ need }: never) => (need as CallableFunction)("gold"),
      "Plugin broken: gold is not among its needs",
    ],
  ])("of a plugin that %s undoes those before it, and everything else", async (_, setup, problem) => {
    const seen: string[] = []
    const broken = diary("broken", seen, { setup: setup as Plugin["setup"], provides: ["gifts"] })
    const { app, system } = make({
      plugins: [diary("first", seen), diary("second", seen), broken, diary("never", seen)],
      seen,
      listen: listening(seen),
    })
    expect(await problemsOf(app)).toEqual([problem])
    expect(seen).toEqual([
      "port taken",
      "ledger open",
      "first up",
      "second up",
      "second down",
      "first down",
      "ledger closed, folder locked",
      "port closed",
    ])
    expect(system.locked.size).toBe(0)
    await app.stop()
    expect(seen).toHaveLength(8)
  })

  it("of a plugin whose setup hangs ends after half a minute", async () => {
    const clock = createTestClock()
    const hanging = diary("hanging", [], { setup: () => new Promise<void>(() => undefined) })
    const { app } = make({ plugins: [hanging], clock })
    const problems = problemsOf(app)
    await clock.advance(30_000)
    expect(await problems).toEqual(["Plugin hanging: its setup had not ended after 30000 ms"])
  })

  it("names the folder and its owner when another process has it, and takes no port", async () => {
    const seen: string[] = []
    const system = createTestSystem({ foreign: { "./sessions": "process 4711 on host salon" } })
    const { app } = make({ system, seen, listen: listening(seen) })
    expect(await problemsOf(app)).toEqual([
      "WHATSAPP_SESSIONS_PATH: ./sessions is in use by process 4711 on host salon; one process owns a data folder",
    ])
    expect(seen).toEqual([])
  })

  it("frees the folder when the port is taken", async () => {
    const listen: Listen = async () => {
      throw new Error("taken")
    }
    const { app, system } = make({ listen })
    await expect(app.start()).rejects.toThrow("taken")
    expect(system.locked.size).toBe(0)
  })

  it("refuses a default company that could never be served", async () => {
    const picky = diary("picky", [], {
      setup: ({ on, reject }) =>
        on("company:validate", ({ company }) => (company === "a b" ? reject("INVALID_COMPANY_ID") : undefined)),
    })
    const env = { WHATSAPP_MULTI_TENANT: "false", DEFAULT_COMPANY_ID: "a b" }
    expect(await problemsOf(make({ plugins: [picky], env }).app)).toEqual([
      "DEFAULT_COMPANY_ID: Invalid company ID format",
    ])
    await make({ plugins: [picky], env: { ...env, DEFAULT_COMPANY_ID: "962302" } }).app.start()
  })

  it("refuses two owners of one route", async () => {
    const route = () =>
      defineRoute(
        { method: "get", path: "/x", scope: "none", company: "none", summary: "X", tag: "X", responses: {} },
        () => ({}),
      )
    const twin = (name: string) => diary(name, [], { setup: (context) => context.route(route()) })
    const [problem] = await problemsOf(make({ plugins: [twin("one"), twin("two")] }).app)
    expect(problem).toContain("two: GET /x: one has this method and path already")
  })

  it("lets a request that comes early wait for the doors to open", async () => {
    let ready: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      ready = resolve
    })
    const slow = diary("slow", [], { setup: () => gate })
    const { app } = make({ plugins: [slow] })
    const started = app.start()
    const early = app.fetch(new Request("http://localhost/nowhere"))
    ready()
    await started
    expect((await early).status).toBe(404)
  })

  it("tells a request that comes during a failing start that there is nobody", async () => {
    const { app } = make({ plugins: [diary("broken", [], { setup: () => Promise.reject(new Error("no")) })] })
    const early = app.fetch(new Request("http://localhost/nowhere"))
    await problemsOf(app)
    expect((await early).status).toBe(503)
  })

  it("logs warnings, and says when a store forgets", async () => {
    const { app, system } = make({ env: { DEFAULT_COMPANY_ID: "x", WHATSAPP_MAX_SESSION: "5" } })
    await app.start()
    expect(system.log.lines.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
      "WHATSAPP_MAX_SESSION: is not known; did you mean WHATSAPP_MAX_SESSIONS?",
      "DEFAULT_COMPANY_ID: has no effect while WHATSAPP_MULTI_TENANT is true",
      "This store forgets its lines at a restart",
    ])
  })
})

describe("plugins", () => {
  it("hear when the app is ready and when it closes", async () => {
    const heard: string[] = []
    const listener = diary("listener", [], {
      setup({ on }) {
        on("app:ready", ({ url }) => void heard.push(`ready ${url}`))
        on("app:closing", () => void heard.push("closing"))
      },
    })
    const { app } = make({ plugins: [listener], listen: listening([]), env: { PORT: "0" } })
    await app.start()
    await app.stop()
    expect(heard).toEqual(["ready http://127.0.0.1:0", "closing"])
  })

  it("get what others provide, and cannot add anything after the start", async () => {
    let late: () => void = () => undefined
    const source = diary("source", [], { provides: ["gifts"], setup: ({ provide }) => provide("gifts", 42) })
    let got: unknown
    const taker = diary("taker", [], {
      needs: ["gifts"],
      setup({ need, on }) {
        got = need("gifts")
        late = () => on("app:closing", () => undefined)
      },
    })
    await make({ plugins: [taker, source] }).app.start()
    expect(got).toBe(42)
    expect(late).toThrow("came after its setup")
  })

  it("report background work that fails", async () => {
    const faults: string[] = []
    const worker = diary("worker", [], {
      setup({ on, background }) {
        on("plugin:fault", ({ plugin, hook, message }) => void faults.push(`${plugin} ${hook} ${message}`))
        background("job", () => Promise.reject(new Error("broke")))
      },
    })
    const { app } = make({ plugins: [worker] })
    await app.start()
    await app.stop()
    expect(faults).toEqual(["worker background job broke"])
  })
})

describe("the stop", () => {
  it("is one, however often and whenever it is asked for", async () => {
    const seen: string[] = []
    const { app } = make({ plugins: [diary("a", seen)], seen })
    void app.start()
    await Promise.all([app.stop(), app.stop()])
    await app.stop()
    expect(seen).toEqual(["ledger open", "a up", "a down", "ledger closed, folder locked"])
  })

  it("of an app that was never started does nothing", async () => {
    const { app, seen } = make()
    await app.stop()
    expect(seen).toEqual([])
  })

  it("waits for requests under way, and refuses new ones meanwhile", async () => {
    let answer: (value: object) => void = () => undefined
    const slow = diary("slow", [], {
      setup({ route }) {
        const spec = {
          method: "get",
          path: "/api/slow",
          scope: "none",
          company: "none",
          summary: "Slow",
          tag: "X",
          responses: {},
        } as const
        route(
          defineRoute(
            spec,
            () =>
              new Promise<object>((resolve) => {
                answer = resolve
              }),
          ),
        )
      },
    })
    const { app } = make({ plugins: [slow] })
    await app.start()
    const under = app.fetch(new Request("http://localhost/api/slow"))
    await createTestClock().settle()
    const stopped = app.stop()
    const refused = await app.fetch(new Request("http://localhost/api/slow"))
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ success: false, error: { code: "SHUTTING_DOWN", isRetryable: true } })
    answer({ done: true })
    expect(await (await under).json()).toEqual({ done: true })
    await stopped
    expect((await app.fetch(new Request("http://localhost/api/slow"))).status).toBe(503)
  })

  it("does not wait for ever: requests, background work and an undo that hang cost ten seconds", async () => {
    const clock = createTestClock()
    const seen: string[] = []
    const stuck = diary("stuck", seen, {
      setup({ background, on }) {
        background("loop", () => new Promise(() => undefined))
        on("app:closing", () => new Promise(() => undefined))
        return () => new Promise(() => undefined)
      },
    })
    const { app, system } = make({ plugins: [stuck], seen, clock })
    await app.start()
    let ended = false
    const stopped = app.stop().then(() => {
      ended = true
    })
    await clock.advance(9_000)
    expect(ended).toBe(false)
    await clock.advance(2_000)
    await stopped
    expect(system.locked.size).toBe(0)
    expect(seen.at(-1)).toBe("ledger closed, folder locked")
    expect(system.log.text()).toContain("had not ended")
  })
})

it("two apps in one process share nothing", async () => {
  const seen: string[] = []
  const one = make({ plugins: [diary("one", seen)] })
  const two = make({ plugins: [diary("two", seen)] })
  await Promise.all([one.app.start(), two.app.start()])
  await one.app.stop()
  expect(seen.filter((entry) => entry.endsWith("down"))).toEqual(["one down"])
  expect((await two.app.fetch(new Request("http://localhost/nowhere"))).status).toBe(404)
  expect(two.app.settings().provider).toBe("idle")
})

it("what a line stores passes the plugins that seal it, and comes back through them", async () => {
  const flip = (record: Uint8Array) => record.map((byte) => byte ^ 0xff)
  const names: string[][] = []
  const sealing = diary("sealing", [], {
    setup({ on, records }) {
      on("record:seal", (plain, { company, names: these }) => {
        names.push([company, ...these])
        return plain.map((record) => Uint8Array.from([...new Uint8Array(SEALED_ROOM + KEY_ID_BYTES), ...flip(record)]))
      })
      on("record:open", (sealed) => sealed.map((record) => flip(record.subarray(KEY_ID_BYTES))))
      on("record:name", (given) => given.map((name) => `n${name.length}`))
      records.seal(["credentials"])
    },
  })
  const secret = new TextEncoder().encode("a private key")
  let loaded: Record<string, Uint8Array> = {}
  const writing: ProviderAdapter = {
    ...idle,
    create: () => ({
      name: "idle",
      encode: () => new Uint8Array(),
      linked: async () => false,
      async connect({ auth }) {
        await auth.save({ creds: { me: secret } })
        loaded = await auth.load("creds", ["me"])
        throw new Error("That was all")
      },
    }),
  }
  const stored: Uint8Array[] = []
  const watched: StorageAdapter = {
    name: "memory",
    async open(options) {
      const store = await memoryStorage.open(options)
      const commit: typeof store.driver.commit = async (company, writes, fence) => {
        for (const { value } of writes) if (value !== null) stored.push(value)
        await store.driver.commit(company, writes, fence)
      }
      return { ...store, driver: { ...store.driver, commit } }
    },
  }
  const { app } = make({ plugins: [sealing], provider: writing, store: watched })
  await app.start()
  const body = JSON.stringify({ usePairingCode: false })
  const headers = { "content-type": "application/json" }
  const path = "http://localhost/api/whatsapp/sessions/salon-1/initialize"
  void app.fetch(new Request(path, { method: "POST", body, headers }))
  await expect.poll(() => stored.length).toBeGreaterThan(0)
  await app.stop()
  const text = new TextDecoder()
  expect(stored.map((value) => text.decode(value)).join()).not.toContain("private")
  expect(text.decode(loaded.me)).toBe("a private key")
  expect(names).toEqual([
    ["", "mark"],
    ["salon-1", "vault"],
    ["salon-1", "creds/===n8"],
  ])
})

describe("The log of a server", () => {
  it("tells a storm once, and before it closes how many lines it was", async () => {
    const { app, system } = make()
    await app.start()
    for (let count = 0; count < 1_000; count++) app.report("error", "It failed", new Error(`at ${count}`))
    const told = () => system.log.lines.filter(({ message }) => message === "It failed")
    expect(told()).toHaveLength(1)
    await app.stop()
    expect(told().map(({ fields }) => fields.repeated)).toEqual([undefined, 999])
  })

  it("has of a plugin's lines what is on the list, and figures of its own", async () => {
    const talkative = definePlugin({
      name: "talkative",
      description: "Logs whatever it has",
      setup({ log }) {
        const caller = { phone: "79001234567", said: "hush hush", code: "RATE_LIMIT_EXCEEDED", tries: 3, isNew: true }
        log.child({ caller }).info(caller, "Called")
      },
    })
    const { app, system } = make({ plugins: [talkative] })
    await app.start()
    expect(system.log.lines.find(({ message }) => message === "Called")?.fields).toEqual({
      plugin: "talkative",
      caller: "…",
      phone: "…",
      said: "…",
      code: "RATE_LIMIT_EXCEEDED",
      tries: 3,
      isNew: true,
    })
  })
})
