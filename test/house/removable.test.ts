import { describe, expect, it } from "vitest"
import standard from "../../config/switchboard.config.ts"
import { belongsTo, withoutLines } from "../removal/removed.ts"
import { importsOf, listFiles, read } from "./source.ts"

/** What keeps a plugin removable, at a glance; `npm run test:plugins` does remove each. */

const plugins = standard.plugins.filter((plugin) => typeof plugin !== "string").map(({ name }) => name)
const files = listFiles()
const imports = files
  .filter((file) => file.endsWith(".ts") && file !== "config/switchboard.config.ts")
  .flatMap((from) => importsOf(from).map((found) => ({ ...found, from })))

it("each plugin's folder has a line in the config, and the other way round", () => {
  const folders = new Set(files.flatMap((file) => /^plugins\/([^/]+)\//.exec(file)?.[1] ?? []))
  expect([...folders].sort()).toEqual([...plugins].sort())
})

describe.each(plugins)("%s", (plugin) => {
  it("is imported by its own folder, its own tests and the config alone", () => {
    const found = imports
      .filter(({ from, file }) => file?.startsWith(`plugins/${plugin}/`) && !belongsTo(plugin, from))
      .map(({ from, line, specifier }) => `${from}:${line} imports ${specifier}`)
    expect(found).toEqual([])
  })

  it("goes from the config with two lines", () => {
    const config = read("config/switchboard.config.ts")
    expect(config.split("\n").length - withoutLines(plugin, config).split("\n").length).toBe(2)
  })
})

it("tests belong to a plugin by their names", () => {
  expect(belongsTo("health", "plugins/health/judge.ts")).toBe(true)
  expect(belongsTo("health", "test/plugins/health.test.ts")).toBe(true)
  expect(belongsTo("health", "test/plugins/health-lines.test.ts")).toBe(true)
  expect(belongsTo("health", "test/plugins/healthy.test.ts")).toBe(false)
  expect(belongsTo("health", "plugins/health-history/index.ts")).toBe(false)
  const tests = files.filter((file) => /^test\/plugins\/.*\.test\.ts$/.test(file))
  expect(tests.filter((file) => !plugins.some((plugin) => belongsTo(plugin, file)))).toEqual([])
})

it("a config that does not list a plugin as it should is told", () => {
  expect(() => withoutLines("absent", "export default {}")).toThrow("does not import the plugin absent")
  const unlisted = 'import a from "../plugins/a/index.ts"\nexport default { plugins: [b, a] }'
  expect(() => withoutLines("a", unlisted)).toThrow("on a line of its own")
})
