import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { loadDefault } from "../../adapters/system/modules.ts"
import { loadPlugins } from "../../core/load.ts"
import type { Plugin } from "../../core/plugin.ts"
import { pluginFaults } from "../../core/loading/plugin-shape.ts"

const greeting: Plugin = { name: "greeting", description: "Greets", setup: () => undefined }
const source = (name: string): string =>
  `export default { name: "${name}", description: "Made in a test", setup() {} }\n`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "load-"))
  const install = async (name: string, manifest: object, files: Record<string, string>): Promise<void> => {
    await mkdir(join(folder, "node_modules", name, "lib"), { recursive: true })
    await writeFile(
      join(folder, "node_modules", name, "package.json"),
      JSON.stringify({ name, type: "module", ...manifest }),
    )
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, "node_modules", name, file), text)
  }
  await install("plain", {}, { "index.js": source("plain") })
  await install("with-main", { main: "lib/start.js" }, { "lib/start.js": source("with-main") })
  await install(
    "@scope/esm-only",
    { exports: { ".": { types: "./x.d.ts", import: "./lib/a.js" } } },
    { "lib/a.js": source("esm-only") },
  )
  await install("no-default", {}, { "index.js": "export const plugin = 1\n" })
  await install("crashing", {}, { "index.js": "throw new Error('on purpose')\n" })
  await writeFile(join(folder, "local.mjs"), source("local"))
  await writeFile(
    join(folder, "typed.ts"),
    `const name: string = "typed"\nexport default { name, description: "Made in a test", setup(): void {} }\n`,
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const load = (given: readonly (Plugin | string)[], chosen?: readonly string[]) =>
  loadPlugins({ given, chosen, system: { loadModule: (specifier) => loadDefault(specifier, folder) } })
const names = (plugins: readonly Plugin[]): string[] => plugins.map(({ name }) => name)

describe("plugins are found", () => {
  it("as objects, paths, and packages with every kind of entry, in their order", async () => {
    const given = ["./local.mjs", greeting, "plain", "with-main", "@scope/esm-only", "./typed.ts"]
    const { plugins, problems } = await load(given)
    expect(problems).toEqual([])
    expect(names(plugins)).toEqual(["local", "greeting", "plain", "with-main", "esm-only", "typed"])
  })

  it("by WHATSAPP_PLUGINS in place of the config file's list, whose own plugins go by their names", async () => {
    const { plugins } = await load([greeting, "plain"], ["with-main", "greeting"])
    expect(names(plugins)).toEqual(["with-main", "greeting"])
    expect(plugins[1]).toBe(greeting)
  })
})

describe("what is wrong is told by the name it was asked for", () => {
  it("with all of it at once", async () => {
    const { plugins, problems } = await load([greeting], ["greetin", "./absent.mjs", "no-default", "crashing"])
    expect(plugins).toEqual([])
    expect(problems).toEqual([
      "Plugin greetin: cannot be loaded (no package of that name is installed); did you mean greeting?",
      expect.stringMatching(/^Plugin \.\/absent\.mjs: cannot be loaded/),
      "Plugin no-default: cannot be loaded (it has no default export)",
      "Plugin crashing: cannot be loaded (on purpose)",
    ])
  })

  const sound = { name: "a", description: "A", setup: () => undefined }
  it.each([
    [null, "is not a plugin"],
    [() => undefined, "is not a plugin"],
    [{ ...sound, name: "Not A Name" }, "name must be"],
    [{ ...sound, description: "" }, "description must be"],
    [{ ...sound, setup: undefined }, "setup must be a function"],
    [{ ...sound, check: 1 }, "check must be a function"],
    [{ ...sound, config: {} }, "config must be a z.object"],
    [{ ...sound, needs: "other" }, "needs must be a list"],
    [{ ...sound, env: { WHATSAPP_A: "a" } }, "env: WHATSAPP_A names no key of config"],
    [{ ...sound, env: { lower: "a" } }, "env: lower must be upper case"],
    [{ ...sound, errors: { NOT_FOUND: { status: 400, message: "x" } } }, "NOT_FOUND belongs to the house"],
    [{ ...sound, errors: { BAD: { status: 200, message: "x" } } }, "BAD needs a status"],
    [{ ...sound, errors: { BAD: { status: 400, message: "x", stage: "message:wait" } } }, "BAD names a stage"],
    [{ ...sound, hooks: { "a:b": "sometimes" } }, "a:b must be one of"],
  ])("%#: %o", (value, fault) => {
    expect(pluginFaults(value).join("; ")).toContain(fault)
  })

  it("and a sound plugin has no faults", () => {
    expect(pluginFaults(sound)).toEqual([])
  })

  it("an object of the config file that is no plugin does not get in either", async () => {
    const { problems } = await load([{ name: "half" } as Plugin, null as unknown as Plugin])
    expect(problems).toEqual([
      "Plugin half: description must be a sentence",
      "Plugin half: setup must be a function",
      expect.stringContaining("is not a plugin"),
    ])
  })
})
