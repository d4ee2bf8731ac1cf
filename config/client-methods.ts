import type { RouteSpec } from "../core/route.ts"
import { repeatable } from "./client-names.ts"
import { capital, comment, type Schema, type TypeWriter, union } from "./client-types.ts"

/** One method of the client, from the route that it calls. */

interface Content {
  readonly schema?: Schema
}

export interface Operation {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema?: Schema
  }[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Content>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>
}

export interface Method {
  readonly name: string
  /** Types of its own, each exported. */
  readonly types: readonly string[]
  /** Its line in the interface, documented. */
  readonly signature: string
  /** Its line in the object. */
  readonly code: string
}

interface Place {
  readonly name: string
  /** Of the names of its types. */
  readonly prefix: string
  readonly writer: TypeWriter
  /** Names of the group's types, by what they are. */
  readonly declared: Map<string, string>
}

type Takes = "data" | "json" | "text" | "response" | "stream"

export function methodOf(spec: RouteSpec, operation: Operation, place: Place): Method {
  const { name, writer } = place
  const key = `${spec.method.toUpperCase()} ${spec.path}`
  const types: string[] = []
  const called = (suffix: string): string => `${place.prefix}${capital(name)}${suffix}`
  /** A name for what is longer than a line. */
  const declare = (suffix: string, type: string): string => {
    if (!type.includes("\n")) return type
    const known = place.declared.get(type)
    if (known !== undefined) return known
    place.declared.set(type, called(suffix))
    const whole = type.startsWith("{") && type.indexOf("\n}") === type.length - 2
    types.push(whole ? `export interface ${called(suffix)} ${type}` : `export type ${called(suffix)} = ${type}`)
    return called(suffix)
  }

  const params = [...spec.path.matchAll(/\{(\w+)\}/g)].map(([, param]) => param ?? "")
  const given = bodyOf(spec, operation, writer)
  const query = queryOf(operation, writer)
  const answer = answerOf(operation, writer)
  const keyed = spec.scope !== "none" && (spec.errors ?? []).includes("IDEMPOTENCY_KEY_REUSED")
  const repeat = keyed ? "keyed" : ["get", "put"].includes(spec.method) || repeatable.has(key) ? "always" : "refused"

  const body = given && { ...given, type: union([declare("Body", given.type), ...(given.raw ? ["RawBody"] : [])]) }
  const queryType = query && { ...query, type: declare("Query", query.type) }
  const answerType = declare("Answer", answer.type)
  const stream = answer.takes === "stream"
  const optionsType = stream ? "StreamOptions" : keyed ? "SendOptions" : given?.raw ? "UploadOptions" : "CallOptions"
  const args = [
    ...params.map((param) => `${param}: string`),
    ...(body ? [`body${body.required ? "" : "?"}: ${body.type}`] : []),
    ...(queryType ? [`query${queryType.required ? "" : "?"}: ${queryType.type}`] : []),
    `options?: ${optionsType}`,
  ]
  const result = stream ? `AsyncGenerator<${answerType}, void, void>` : `Promise<${answerType}>`
  const needs = spec.scope === "none" ? "Needs no key." : `Needs a key with the scope \`${spec.scope}\`.`
  const about = [`${spec.summary}. \`${key}\``, ...(spec.description ? [spec.description] : []), needs].join("\n\n")
  const path = params.length === 0 ? JSON.stringify(spec.path) : `path\`${spec.path.replaceAll("{", "${")}\``
  const names = [...params, ...(body ? ["body"] : []), ...(queryType ? ["query"] : []), "options"]
  const fields = [
    `method: "${spec.method.toUpperCase()}"`,
    `path: ${path}`,
    ...(queryType ? ["query"] : []),
    ...(body ? ["body"] : []),
    ...(given?.raw ? [`rawType: ${JSON.stringify(given.raw)}`] : []),
    `repeat: "${repeat}"`,
    `takes: "${answer.takes}"`,
  ]
  const call = stream
    ? `stream(${path}, ${queryType ? "query" : "undefined"}, options)`
    : `call({ ${fields.join(", ")} }, options)`
  return {
    name,
    types,
    signature: [...comment(about, "  "), `  ${name}(${args.join(", ")}): ${result}`].join("\n"),
    code: `    ${name}: ${stream ? "" : "async "}(${names.join(", ")}) => ${call},`,
  }
}

const JSON_TYPE = "application/json"

function bodyOf(spec: RouteSpec, { requestBody }: Operation, writer: TypeWriter) {
  if (requestBody === undefined) return undefined
  const raw = Object.keys(requestBody.content).find((type) => type !== JSON_TYPE)
  const { properties, ...schema } = requestBody.content[JSON_TYPE]?.schema ?? {}
  // In the path it is said already.
  const { companyId: _, ...rest } = properties ?? {}
  const fields = spec.company === "path" ? rest : properties
  const type = writer.type(fields === undefined ? schema : { ...schema, properties: fields }, "in")
  return { type, raw, required: spec.bodyOptional !== true }
}

function queryOf({ parameters = [] }: Operation, writer: TypeWriter) {
  const fields = parameters.filter((parameter) => parameter.in === "query")
  if (fields.length === 0) return undefined
  const required = fields.filter((field) => field.required === true).map((field) => field.name)
  const properties = Object.fromEntries(fields.map(({ name, schema = {} }) => [name, notNull(schema)]))
  return { type: writer.type({ type: "object", properties, required }, "in"), required: required.length > 0 }
}

/** A query has no null: what is left out is left out. */
function notNull(schema: Schema): Schema {
  return Array.isArray(schema.type) ? { ...schema, type: schema.type.filter((name) => name !== "null") } : schema
}

function answerOf({ responses }: Operation, writer: TypeWriter): { readonly takes: Takes; readonly type: string } {
  const good = Object.entries(responses).flatMap(([status, { content }]) =>
    status < "300" ? Object.entries(content ?? {}) : [],
  )
  const [first] = good
  const [kind = JSON_TYPE] = first ?? []
  if (kind === "text/event-stream") {
    writer.type({ $ref: "#/components/schemas/Event" }, "out")
    return { takes: "stream", type: "Event | LiveCode" }
  }
  if (kind !== JSON_TYPE) {
    return kind.startsWith("text/") ? { takes: "text", type: "string" } : { takes: "response", type: "Response" }
  }
  const schemas = good.flatMap(([, { schema }]) => (schema === undefined ? [] : [schema]))
  const takes = schemas.length > 0 && schemas.every(hasDataAlone) ? "data" : "json"
  const shown = takes === "data" ? schemas.flatMap(({ properties }) => properties?.data ?? []) : schemas
  return { takes, type: union(withoutLesser(shown).map((schema) => writer.type(schema, "out"))) }
}

/** `{ success, data }` says no more than its data. */
function hasDataAlone({ properties = {} }: Schema): boolean {
  return Object.keys(properties).sort().join() === "data,success"
}

/** Without those that another one of them is, but for fields that it may lack. */
function withoutLesser(schemas: readonly Schema[]): readonly Schema[] {
  const adds = ({ required = [] }: Schema): boolean => required.length > 0
  return schemas.filter(
    (one) =>
      !schemas.some(
        ({ allOf = [] }) =>
          allOf.some(({ $ref }) => $ref !== undefined && $ref === one.$ref) &&
          !allOf.some((part) => part.$ref === undefined && adds(part)),
      ),
  )
}
