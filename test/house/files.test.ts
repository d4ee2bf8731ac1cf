import { describe, expect, it } from "vitest"
import { coreSettings } from "../../core/settings.ts"
import { version } from "../../core/start/version.ts"
import { codeOnly, importsOf, lineAt, listFiles, read, withoutComments } from "./source.ts"

const MOST_LINES = 250
const files = listFiles()
const sources = files.filter((file) => /\.(ts|mjs|js)$/.test(file))
const product = sources.filter((file) => !file.startsWith("test/"))
const lines = (file: string): number => read(file).trimEnd().split("\n").length

describe("source files", () => {
  it(`hold at most ${MOST_LINES} lines`, () => {
    expect(product.filter((file) => lines(file) > MOST_LINES).map((file) => `${file}: ${lines(file)}`)).toEqual([])
  })

  it("are no barrels: what a file exports stands in it, but for the package's entries", () => {
    const entries = new Set(["core/plugin.ts", "core/serve/client/index.ts", "test/sandbox/index.ts"])
    const found = sources
      .filter((file) => !entries.has(file))
      .flatMap((file) => {
        const code = withoutComments(read(file))
        return [...code.matchAll(/^export\s+(?:type\s+)?(?:\*|\{[^}]*\})\s+from\b/gm)].map(
          (match) => `${file}:${lineAt(code, match.index)} ${match[0]}`,
        )
      })
    expect(found).toEqual([])
  })

  it("keep no state in the module: what changes lives in a closure", () => {
    const found = product.flatMap((file) => {
      const code = codeOnly(read(file))
      return [...code.matchAll(/^(?:export )?(?:let|var)\s+\w+/gm)].map(
        (match) => `${file}:${lineAt(code, match.index)} ${match[0]}`,
      )
    })
    expect(found).toEqual([])
  })

  it("have no any, no ignored type error and no unfinished place", () => {
    const found = sources.flatMap((file) => {
      if (file.startsWith("test/house/")) return []
      const source = read(file)
      return [
        ...source.matchAll(/\bas any\b|: any\b|<any>|@ts-(?:ignore|nocheck|expect-error)|\b(?:TODO|FIXME|XXX)\b/g),
      ].map((match) => `${file}:${lineAt(source, match.index)} ${match[0]}`)
    })
    expect(found).toEqual([])
  })

  it("import packages that package.json names", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string> | undefined>
    const shipped = new Set(Object.keys(manifest.dependencies ?? {}))
    const all = new Set([...shipped, ...Object.keys(manifest.devDependencies ?? {}), "@switchboard/server"])
    const found = sources.flatMap((file) =>
      importsOf(file)
        .filter((found) => found.file === undefined && !/^(node:|file:|\$)/.test(found.specifier))
        .map(({ line, specifier }) => ({
          line,
          name: specifier
            .split("/")
            .slice(0, specifier.startsWith("@") ? 2 : 1)
            .join("/"),
        }))
        .filter(({ name }) => !(file.startsWith("test/") || !file.includes("/") ? all : shipped).has(name))
        .map(({ line, name }) => `${file}:${line} imports ${name}`),
    )
    expect(found).toEqual([])
  })
})

describe("the repository", () => {
  it("has no folder beyond those of the house", () => {
    const house = new Set(["core", "plugins", "adapters", "test", "config", ".ci"])
    const folders = new Set(files.filter((file) => file.includes("/")).map((file) => file.slice(0, file.indexOf("/"))))
    expect([...folders].filter((folder) => !house.has(folder))).toEqual([])
  })

  it("names no registry host in the lock file", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved":/)
  })

  it("tells one version", () => {
    expect((JSON.parse(read("package.json")) as { version: string }).version).toBe(version)
  })
})

describe("settings", () => {
  it("are each read by somebody: none is parsed and ignored", () => {
    // These two say what the server is made of, and are read before anything else is.
    const early = new Set(["plugins", "configFile"])
    const code = files
      .filter((file) => /^(core|adapters|plugins)\/.*\.ts$/.test(file) && file !== "core/settings.ts")
      .map((file) => codeOnly(read(file)))
      .join("\n")
    const unread = Object.keys(coreSettings.shape).filter(
      (key) => !early.has(key) && !new RegExp(`\\b${key}\\b`).test(code),
    )
    expect(unread).toEqual([])
  })
})
