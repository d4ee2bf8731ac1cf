import { execFile } from "node:child_process"
import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import standard from "../../config/switchboard.config.ts"
import type { Described } from "../../core/serve/plugins/describe.ts"
import { temporaryFolder } from "../support/folder.ts"
import { root, startPlatform } from "../support/platform.ts"

/** `npm run plugins` as a process of its own. */

// Each test waits for several processes, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 120_000 })

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

const KEY = "an-admin-key-of-enough-characters"
const SECRET = "0f".repeat(32)
const names = standard.plugins.filter((plugin) => typeof plugin !== "string").map(({ name }) => name)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let env: Record<string, string>
beforeEach(async () => {
  folder = await temporaryFolder()
  env = { WHATSAPP_SESSIONS_PATH: join(folder.path, "data"), WHATSAPP_API_KEY: KEY, TMPDIR: folder.path }
})
afterEach(() => folder.remove())

function run(args: readonly string[], more: Readonly<Record<string, string>> = {}, entry = COMPILED): Promise<Ran> {
  const given = { PATH: process.env.PATH, HOME: process.env.HOME, ...env, ...more }
  return new Promise((resolve) => {
    execFile(process.execPath, [...entry, ...args], { cwd: root, env: given }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err })
    })
  })
}
const COMPILED = ["dist/core/serve/plugins.js"]
const described = async (more: Readonly<Record<string, string>> = {}): Promise<Described> =>
  JSON.parse((await run(["--json"], more)).out) as Described

/** A plugin of the test's own, by the path to enable it with. */
async function written(name: string, source: string): Promise<string> {
  const path = join(folder.path, `${name}.mjs`)
  await writeFile(path, source)
  return path
}
const withOwn = (path: string): Record<string, string> => ({ WHATSAPP_PLUGINS: [...names, path].join(",") })

describe("the list of plugins", () => {
  it("has each in its order, with what belongs to it, and who stands where", async () => {
    const { plugins, stages } = await described()
    const loaded = plugins.map(({ name }) => name)
    expect([...loaded].sort()).toEqual([...names].sort())
    const validation = plugins.find(({ name }) => name === "validation")
    expect(validation?.settings).toContainEqual({
      variable: "WHATSAPP_COMPANY_ID_PATTERN",
      meaning: "Company ID pattern",
      secret: false,
    })
    expect(validation?.hooks).toContain("message:validate")
    const routes = plugins.flatMap(({ name, routes }) => routes.map(({ method, path }) => `${name} ${method} ${path}`))
    expect(routes).toContain("docs GET /openapi.json")
    expect(stages.find(({ name }) => name === "request:identify")).toMatchObject({ kind: "first", owner: "core" })
    // Within a stage in the order of the plugins.
    for (const { name, plugins: at } of stages.filter(({ name }) => !name.endsWith(":open"))) {
      const places = at.map((plugin) => loaded.indexOf(plugin))
      expect(places, name).toEqual([...places].sort((a, b) => a - b))
      expect(places).not.toContain(-1)
    }
  })

  it("shows names of settings and no values, be they secret or not", async () => {
    const more = { WHATSAPP_ENCRYPTION_KEY: SECRET, WHATSAPP_COMPANY_ID_PATTERN: "^only-these-[0-9]+$" }
    for (const args of [[], ["--json"], ["--markdown"]]) {
      const { code, out, err } = await run(args, more)
      expect(code).toBe(0)
      expect(out).toContain("WHATSAPP_ENCRYPTION_KEY")
      for (const value of [KEY, SECRET, "only-these"]) expect(out + err).not.toContain(value)
    }
  })

  it("is the same from the sources, and from the command in package.json", async () => {
    // Compiles first where the sources are newer.
    const command = await run(["--json"], {}, ["config/plugins.mjs"])
    const [compiled, source] = await Promise.all([
      run(["--json"]),
      run(["--json"], {}, ["--import", "tsx", "core/serve/plugins.ts"]),
    ])
    expect(source.out).toBe(compiled.out)
    expect(command.out).toBe(compiled.out)
  })

  it("has what a plugin of one's own adds, in words and as tables", async () => {
    const path = await written(
      "mood",
      `export default {
        name: "mood",
        description: "Tells the mood",
        after: ["validation"],
        hooks: { "mood:change": "observe" },
        errors: { BAD_MOOD: { status: 409, message: "Not now" } },
        metrics: { mood_asked_total: { kind: "counter", help: "Times asked", labels: { how: ["well", "badly"] } } },
        provides: ["mood"],
        setup({ on, provide }) {
          provide("mood", () => "good")
          on("mood:change", () => undefined)
          on("message:sent", () => undefined)
        },
      }`,
    )
    const { out } = await run([], withOwn(path))
    for (const line of [
      `${names.length + 1}. mood: Tells the mood`,
      "mood_asked_total{how} (counter)",
      "BAD_MOOD (409)",
      "mood:change (observe)",
    ]) {
      expect(out).toContain(line)
    }
    expect(out).toMatch(/mood:change +observe +mood \(of mood\)/)
    expect((await run(["--markdown"], withOwn(path))).out).toContain(
      "| metric | `mood_asked_total` | Times asked (counter, how) |",
    )
  })
})

describe("looking starts nothing", () => {
  it("and goes beside a running server, whose data folder it leaves alone", async () => {
    const server = await startPlatform({ env, compiled: true })
    try {
      const before = await readdir(join(folder.path, "data"))
      expect((await run([])).code).toBe(0)
      expect(await readdir(join(folder.path, "data"))).toEqual(before)
      expect((await server.call("GET", "/healthz")).status).toBe(200)
    } finally {
      await server.stop()
    }
  })

  it("no folder, no port, no background work, no store, and nothing is left behind", async () => {
    const path = await written(
      "busy",
      `import { writeFileSync } from "node:fs"
      export default {
        name: "busy",
        description: "Is busy",
        setup({ on, background }) {
          const note = (what) => writeFileSync(${JSON.stringify(join(folder.path, "noted-"))} + what, "")
          note("setup")
          background("job", async () => note("work"))
          on("app:ready", () => note("ready"))
          return () => note("undone")
        },
      }`,
    )
    // Nothing listens there, and another program has the port.
    const away = { REDIS_URL: "redis://127.0.0.1:1", WHATSAPP_STORAGE: "redis", PORT: "1" }
    const { code, err } = await run([], { ...withOwn(path), ...away })
    expect([code, err]).toEqual([0, ""])
    expect((await readdir(folder.path)).sort()).toEqual(["busy.mjs", "noted-setup", "noted-undone"])
  })
})

describe("what would stop a start is explained, with exit code 1", () => {
  it.each<[string, string, string]>([
    ["is no plugin", "export default 5", "its default export is not a plugin"],
    ["is half a plugin", 'export default { name: "own" }', "own.mjs: description must be a sentence"],
    ["throws while it is loaded", "throw new Error('on purpose')", "cannot be loaded (on purpose)"],
    [
      "needs what nobody has",
      'export default { name: "own", description: "X", needs: ["gold"], setup() {} }',
      "Plugin own needs gold, which no plugin provides",
    ],
    [
      "fails in its setup",
      'export default { name: "own", description: "X", setup() { throw new Error("no room") } }',
      "Plugin own: no room",
    ],
    [
      "stands at no stage of the house",
      'export default { name: "own", description: "X", setup: ({ on }) => on("message:sendt", () => undefined) }',
      "there is no hook message:sendt; did you mean message:sent?",
    ],
  ])("a plugin that %s", async (_, source, told) => {
    const path = await written("own", source)
    const [{ code, out, err }, asJson] = await Promise.all([run([], withOwn(path)), run(["--json"], withOwn(path))])
    expect([code, out]).toEqual([1, ""])
    expect(err).toContain(told)
    expect(asJson.code).toBe(1)
    expect((JSON.parse(asJson.out) as { problems: string[] }).problems.join("\n")).toContain(told)
  })

  it("a setting, without an echo", async () => {
    const { code, err } = await run([], { WHATSAPP_ENCRYPTION_KEY: "too-short-secret" })
    expect(code).toBe(1)
    expect(err).toContain("WHATSAPP_ENCRYPTION_KEY")
    expect(err).not.toContain("too-short-secret")
  })
})

describe("asked", () => {
  it("for help it gives it; asked wrongly it says so with exit code 2", async () => {
    const help = await run(["--help"])
    expect([help.code, help.err]).toEqual([0, ""])
    expect(help.out).toContain("npm run plugins")
    const wrong = await run(["--jason"])
    expect([wrong.code, wrong.out]).toEqual([2, ""])
    expect(wrong.err).toContain("--jason")
  })
})
