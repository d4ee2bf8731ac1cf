import { LOG_FIELDS } from "../../core/log-fields.ts"
import { codeOnly, lineAt, withoutComments } from "./source.ts"

/** A call of the log as it stands in a source file. */
export interface LogCall {
  readonly line: number
  readonly method: string
  /** Names of the fields in its first argument, `...` for those that come from elsewhere. */
  readonly fields: readonly string[]
  /** Its sentence as written; empty where there is none, as with `child`. */
  readonly sentence: string
}

const CALL = /\b(?:log|library|child)(?:\?)?\.(trace|debug|info|warn|error|fatal|child)(?:\?\.)?\(/gi
const LITERAL = /^(?:"[^"]*"|`[^`$]*`|[A-Z][A-Z_]+(?:\.\w+|\[[\w.]+\])?)$/

export function logCalls(source: string): LogCall[] {
  // Texts are blanked in the one, so that what is in them is not taken for code, and stand in the other.
  const bare = codeOnly(source)
  const full = withoutComments(source)
  return [...bare.matchAll(CALL)].map((match) => {
    const [first = [0, 0], second = [0, 0]] = argumentsAt(bare, match.index + match[0].length)
    return {
      line: lineAt(bare, match.index),
      method: (match[1] ?? "").toLowerCase(),
      fields: fieldsIn(bare.slice(...first), bare),
      sentence: sentenceIn(full.slice(...second).trim(), bare, full),
    }
  })
}

/** What is wrong with a call: fields that are not on the list, and a sentence that is made as it goes. */
export function faultsOf({ fields, sentence, method }: LogCall, mayAdd: boolean): string[] {
  const unknown = fields.filter((name) => (name === "..." ? !mayAdd : !Object.hasOwn(LOG_FIELDS, name)))
  const parts = sentence.split(/ [?:] |\n\s*[?:] /).slice(sentence.includes("?") ? 1 : 0)
  const made = method !== "child" && !parts.every((part) => LITERAL.test(part.trim()))
  return [...unknown.map((name) => `field ${name}`), ...(made ? [`sentence ${sentence}`] : [])]
}

/** Beginning and end of each argument of the call whose bracket has just been opened. */
function argumentsAt(code: string, begin: number, end = ")"): [number, number][] {
  const found: [number, number][] = []
  let depth = 0
  let from = begin
  for (let at = begin; at < code.length; at++) {
    const char = code[at] as string
    if (depth === 0 && (char === "," || char === end)) {
      found.push([from, at])
      from = at + 1
      if (char === end) return found
    } else if ("([{".includes(char)) depth++
    else if (")]}".includes(char)) depth--
  }
  return found
}

/** The names in an object, written out here or as a constant of the same file; `...` for what comes from elsewhere. */
function fieldsIn(argument: string, bare: string): string[] {
  const text = argument.trim()
  const constant = /^\w+$/.test(text) ? constantAt(text, bare) : undefined
  if (constant !== undefined) return fieldsIn(bare.slice(...constant), bare)
  if (!text.startsWith("{")) return ["..."]
  // As if each field were an argument.
  return argumentsAt(`${text.slice(1, -1)})`, 0).flatMap(([from, to]) => {
    const field = text.slice(1 + from, 1 + to).trim()
    if (field === "") return []
    return field.startsWith("...") ? spread(field, bare) : [/^\w+/.exec(field)?.[0] ?? field]
  })
}

/** Fields that are there under a condition are read as well. */
function spread(field: string, bare: string): string[] {
  const literals = field.match(/\{[^{}]*\}/g)
  return literals === null ? fieldsIn(field.slice(3), bare) : literals.flatMap((literal) => fieldsIn(literal, bare))
}

/** Where the object stands that is the value of a constant. */
function constantAt(name: string, bare: string): [number, number] | undefined {
  const found = new RegExp(`\\bconst ${name} = \\{`).exec(bare)
  if (found === null) return undefined
  const begin = found.index + found[0].length
  return [begin - 1, (argumentsAt(bare, begin, "}").at(-1)?.[1] ?? begin) + 1]
}

/** A sentence of a table in the same file stands for all of them, if each is a text. */
function sentenceIn(written: string, bare: string, full: string): string {
  const table = /^([a-z]\w*)\[\w+\]$/.exec(written)?.[1]
  const at = table === undefined ? undefined : constantAt(table, bare)
  if (at === undefined) return written
  const begin = at[0] + 1
  const values = argumentsAt(bare.slice(begin), 0, "}").map(([from, to]) => full.slice(begin + from, begin + to).trim())
  const texts = values.flatMap((value) => (value === "" ? [] : [value.replace(/^[\w"-]+:\s*/, "")]))
  return texts.find((text) => !LITERAL.test(text)) ?? texts[0] ?? written
}
