import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, posix } from "node:path"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Every file of the repository, tracked or about to be, relative to its root. */
export function listFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root })
  return listed
    .toString()
    .split("\n")
    .filter((file) => file !== "" && existsSync(posix.join(root, file)))
}

export const read = (file: string): string => readFileSync(posix.join(root, file), "utf8")

export interface Import {
  readonly line: number
  /** As written. */
  readonly specifier: string
  /** The file it leads to, relative to the root; undefined for packages. */
  readonly file: string | undefined
}

/** Static and dynamic imports and re-exports of a source file. */
export function importsOf(file: string): Import[] {
  const source = read(file)
  const code = withoutComments(source)
  // The word itself must be code: texts talk of imports too.
  const bare = codeOnly(source)
  const words = [...code.matchAll(/(?<![.\w])(?:from|import)\s*\(?\s*"([^"\n]+)"/g)].filter(
    (match) => bare[match.index] !== " ",
  )
  return words.map((match) => {
    const specifier = match[1] as string
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : undefined
    return { line: lineAt(code, match.index), specifier, file: target }
  })
}

export const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length

/** The source with comments blanked; lines stay where they are. */
export const withoutComments = (source: string): string => blank(source, false)

/** The source with comments and the contents of texts blanked; lines stay where they are. */
export const codeOnly = (source: string): string => blank(source, true)

const TOKENS = [
  /\/\/[^\n]*|\/\*[\s\S]*?\*\//y,
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/y,
  // A regular expression stands where a value may begin; a division does not.
  /(?<=(?:^|[=(,:[!&|?{;>]|\breturn)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/my,
]

function blank(source: string, texts: boolean): string {
  const hide = (text: string): string => text.replace(/[^\n]/g, " ")
  let out = ""
  let index = 0
  /** For each template that is open: how many braces are open inside its expression, or -1 in its text. */
  const templates: number[] = []
  while (index < source.length) {
    const char = source[index] as string
    if (templates.at(-1) === -1) {
      const end = char === "`" || source.startsWith("${", index)
      if (char === "`") templates.pop()
      else if (end) templates[templates.length - 1] = 0
      const text = end
        ? source.slice(index, index + (char === "`" ? 1 : 2))
        : source.slice(index, index + (char === "\\" ? 2 : 1))
      out += end || !texts ? text : hide(text)
      index += text.length
      continue
    }
    const kind = TOKENS.findIndex((token) => {
      token.lastIndex = index
      return token.test(source)
    })
    if (kind >= 0) {
      const text = source.slice(index, (TOKENS[kind] as RegExp).lastIndex)
      out += kind === 0 || texts ? hide(text) : text
      index += text.length
      continue
    }
    const depth = templates.at(-1)
    if (char === "`") templates.push(-1)
    else if (depth !== undefined && char === "{") templates[templates.length - 1] = depth + 1
    else if (depth !== undefined && char === "}") templates[templates.length - 1] = depth - 1
    out += char
    index++
  }
  return out
}
