/** Types in TypeScript from the schemas of an OpenAPI 3.1 document, as far as ours go. */

export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly description?: string
}

/** Whether values are handed in: what may be left out may then be undefined as well. */
export type Direction = "in" | "out"

export interface TypeWriter {
  /** The type, its further lines indented by `depth` steps. */
  type(schema: Schema | undefined, direction: Direction, depth?: number): string
  /** Names of the components met so far. */
  readonly used: ReadonlySet<string>
}

const STEP = "  "
/** An object of this many characters stands on one line. */
const SHORT = 160

export function createTypeWriter(): TypeWriter {
  const used = new Set<string>()

  const type = (schema: Schema | undefined, direction: Direction, depth = 0): string => {
    if (schema === undefined) return "unknown"
    const { $ref, allOf, anyOf = schema.oneOf } = schema
    if ($ref !== undefined) {
      const name = $ref.slice($ref.lastIndexOf("/") + 1)
      used.add(name)
      return name
    }
    if (allOf !== undefined) return allOf.map((one) => grouped(type(one, direction, depth))).join(" & ")
    if (anyOf !== undefined) return union(anyOf.map((one) => type(one, direction, depth)))
    const names = [schema.type ?? []].flat()
    if (schema.const !== undefined) return JSON.stringify(schema.const)
    if (schema.enum !== undefined) {
      const values = schema.enum.map((value) => JSON.stringify(value))
      return union(names.includes("null") ? [...values, "null"] : values)
    }
    return names.length === 0 ? "unknown" : union(names.map((name) => plain(name, schema, direction, depth)))
  }

  const plain = (name: string, schema: Schema, direction: Direction, depth: number): string => {
    if (name === "integer") return "number"
    if (name === "array") return `readonly ${grouped(type(schema.items, direction, depth))}[]`
    if (name === "object") return object(schema, direction, depth)
    return ["string", "number", "boolean", "null"].includes(name) ? name : "unknown"
  }

  const object = (schema: Schema, direction: Direction, depth: number): string => {
    const { properties = {}, required = [], additionalProperties } = schema
    const fields = Object.entries(properties)
    if (fields.length === 0) {
      const values = typeof additionalProperties === "object" ? type(additionalProperties, direction, depth) : "unknown"
      return `Readonly<Record<string, ${values}>>`
    }
    const indent = STEP.repeat(depth + 1)
    const short = `{ ${fields.map(([name, field]) => `readonly ${name}: ${type(field, direction)}`).join("; ")} }`
    const bare = fields.every(([name, { description }]) => required.includes(name) && description === undefined)
    if (depth > 0 && bare && short.length <= SHORT && !short.includes("\n")) return short
    const lines = fields.flatMap(([name, field]) => {
      const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
      const known = type(field, direction, depth + 1)
      const always = required.includes(name)
      const open = !always && direction === "in" && known !== "unknown"
      const value = open ? union([known, "undefined"]) : known
      return [...comment(field.description, indent), `${indent}readonly ${key}${always ? "" : "?"}: ${value}`]
    })
    return `{\n${lines.join("\n")}\n${STEP.repeat(depth)}}`
  }

  return { type, used }
}

/** A comment over what is declared next; none without a text. */
export function comment(text: string | undefined, indent = ""): string[] {
  if (text === undefined || text === "") return []
  const lines = text.replaceAll("*/", "*\\/").split("\n")
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`]
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`]
}

/** Each once, without those that another one takes in. */
export function union(types: readonly string[]): string {
  const different = [...new Set(types)]
  if (different.includes("unknown")) return "unknown"
  const any = different.includes("string")
  return different.filter((type) => !any || !/^"[^"]*"$/.test(type)).join(" | ")
}

/** In brackets where it stands beside others. */
function grouped(type: string): string {
  return /^(?:[\w$]+|\{[\s\S]*\}|"[^"]*"|Readonly<[\s\S]*>)$/.test(type) && !/\} [|&] /.test(type) ? type : `(${type})`
}

export const capital = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`
