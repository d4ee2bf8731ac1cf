import { describe, expect, it } from "vitest"
import { floorOf, isPort } from "./floors.ts"
import { codeOnly, importsOf, lineAt, listFiles, read } from "./source.ts"

const sources = listFiles().filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
const under = (...folders: string[]): string[] =>
  sources.filter((file) => folders.some((folder) => file.startsWith(folder)))

/** `plugins/health/` for `plugins/health/judge.ts`; `adapters/ledger/lmdb/` for what is in there. */
const ownFolder = (file: string): string => {
  const parts = file.split("/")
  const depth = parts[0] === "plugins" || parts[1] === "system" || parts[1] === "egress" ? 2 : 3
  return `${parts.slice(0, depth).join("/")}/`
}

/** One line for each import of these files that the rule does not allow. */
function breaches(files: readonly string[], allowed: (file: string, target: string) => boolean): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((found) => found.file !== undefined && !allowed(file, found.file))
      .map((found) => `${file}:${found.line} imports ${found.file}`),
  )
}

describe("imports go down or sideways", () => {
  it("core imports core alone, and never from a floor above", () => {
    expect(
      breaches(under("core/"), (file, target) => target.startsWith("core/") && floorOf(target) <= floorOf(file)),
    ).toEqual([])
  })

  it("plugins import core/plugin.ts and their own folder", () => {
    expect(
      breaches(under("plugins/"), (file, target) => target === "core/plugin.ts" || target.startsWith(ownFolder(file))),
    ).toEqual([])
  })

  it("adapters import the ports and their own folder; stores share a journal, and ways through proxies are shared", () => {
    const isJournal = (file: string, target: string): boolean =>
      file.startsWith("adapters/storage/") && target.startsWith("adapters/storage/filesystem/")
    const isTunnel = (file: string, target: string): boolean =>
      file.startsWith("adapters/provider/") && target.startsWith("adapters/egress/")
    expect(
      breaches(
        under("adapters/"),
        (file, target) =>
          isPort(target) || target.startsWith(ownFolder(file)) || isJournal(file, target) || isTunnel(file, target),
      ),
    ).toEqual([])
  })

  it("nothing that is shipped imports tests", () => {
    expect(
      breaches(under("core/", "plugins/", "adapters/", "config/"), (_, target) => !target.startsWith("test/")),
    ).toEqual([])
  })

  it("relative imports name files that are there, with .ts", () => {
    const there = new Set(listFiles())
    expect(breaches(sources, (_, target) => there.has(target) && /\.(ts|json|mjs)$/.test(target))).toEqual([])
  })
})

/** What belongs to the machine, and how core and plugins get it instead. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\bprocess\b\s*[.[?]/g, "process comes through system"],
  [/\bBuffer\b/g, "Buffer is Node's; use Uint8Array"],
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/g, "time comes through clock"],
  [/(?<![.\w])(setTimeout|setInterval|setImmediate)\b/g, "timers come through clock"],
  [/(?:[=(,:?]|=>|\bawait|\breturn|\bvoid)\s*fetch\(/g, "outgoing connections come through egress"],
  [/\b(XMLHttpRequest|WebSocket|EventSource)\b/g, "outgoing connections come through egress"],
  [/\b(Deno|Bun)\b|\b__dirname\b|(?<![.\w])require\(/g, "a runtime's own things come through system"],
]
const guarded = under("core/", "plugins/").filter((file) => !file.startsWith("core/serve/"))

/** One line for each use of a forbidden name. */
function uses(files: readonly { readonly file: string; readonly source: string }[]): string[] {
  return files.flatMap(({ file, source }) => {
    const code = codeOnly(source)
    return FORBIDDEN.flatMap(([pattern, reason]) =>
      [...code.matchAll(pattern)].map((match) => `${file}:${lineAt(code, match.index)} ${match[0].trim()}: ${reason}`),
    )
  })
}

describe("core and plugins keep off the machine", () => {
  it("name nothing of a runtime", () => {
    expect(uses(guarded.map((file) => ({ file, source: read(file) })))).toEqual([])
  })

  it("import no module of Node", () => {
    const found = guarded.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("node:"))
        .map(({ line, specifier }) => `${file}:${line} imports ${specifier}`),
    )
    expect(found).toEqual([])
  })

  it.each([
    ["const a = process.env.A", "process"],
    ["await fetch(url)", "fetch"],
    ["const now = `${Date.now()}`", "Date.now"],
    ["setTimeout(run, 5)", "setTimeout"],
    ["Buffer.from(x)", "Buffer"],
    ["const d = new Date()", "new Date()"],
  ])("a use such as %s is found, with its line", (code, name) => {
    const found = uses([{ file: "a.ts", source: `\n${code}\n` }])
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^a\.ts:2 /)
    expect(found[0]).toContain(name)
  })

  it.each([
    "// setTimeout would do",
    "/* process.exit */",
    'const text = "Buffer and Date.now"',
    "const text = `await fetch(url)`",
    'const pattern = /Buffer"/',
    "async fetch(request) {}",
    "return app.fetch(request)",
    "const processed = new Date(0)",
  ])("and %s is no use", (code) => {
    expect(uses([{ file: "a.ts", source: code }])).toEqual([])
  })
})
