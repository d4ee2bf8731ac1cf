import { OpenAPIHono } from "@hono/zod-openapi"
import type { ErrorSpec } from "../core/errors.ts"
import { describeRoute } from "../core/http/openapi.ts"
import type { OwnedRoute } from "../core/http/table.ts"
import { methodOf, type Method, type Operation } from "./client-methods.ts"
import { nameByPath, clientNames, notForClient } from "./client-names.ts"
import { capital, comment, createTypeWriter, type Schema, type TypeWriter } from "./client-types.ts"

/** The part of the client that is made from the routes: a file for each group of methods, with the types they need. */

export const CLIENT_FOLDER = "core/serve/client/routes/"
const HEADER =
  "// Made from the routes by `npx tsx config/docs.ts`.\n// biome-ignore-all format: written by a program\n"
/** Methods of the client itself. */
const ROOT = "root"
const OPTIONS = ["CallOptions", "RawBody", "SendOptions", "StreamOptions", "UploadOptions"]

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

interface Group {
  readonly writer: TypeWriter
  readonly declared: Map<string, string>
  readonly methods: Method[]
}

const newGroup = (): Group => ({ writer: createTypeWriter(), declared: new Map(), methods: [] })

/** The files, by path below the root of the repository. */
export function clientFiles(
  routes: readonly OwnedRoute[],
  errors: Readonly<Record<string, ErrorSpec>>,
): Readonly<Record<string, string>> {
  const { paths, components } = documentOf(routes, errors)
  const groups = new Map<string, Group>()
  const named = routes.flatMap(({ route: { spec } }) => {
    const key = `${spec.method.toUpperCase()} ${spec.path}`
    const operation = paths[spec.path]?.[spec.method]
    if (operation === undefined || notForClient.has(key)) return []
    return [{ spec, operation, called: clientNames.get(key) ?? nameByPath(key) }]
  })
  for (const { spec, operation, called } of named.sort((a, b) => (a.called < b.called ? -1 : 1))) {
    const [first = "", second] = called.split(".")
    const [name, method] = second === undefined ? [ROOT, first] : [first, second]
    const group = groups.get(name) ?? newGroup()
    groups.set(name, group)
    if (group.methods.some((other) => other.name === method)) throw new Error(`Two routes are ${called}`)
    const { writer, declared } = group
    const prefix = name === ROOT ? "" : capital(name)
    group.methods.push(methodOf(spec, operation, { name: method, prefix, writer, declared }))
  }
  const names = [...groups.keys()].sort()
  const files = [...groups].flatMap(([name, { methods, writer }]) => [
    [`${name}.ts`, typesFile(name, methods, writer)] as const,
    [`${name}-calls.ts`, callsFile(name, methods)] as const,
  ])
  const all = [
    ...files,
    ["schemas.ts", schemasFile(components?.schemas ?? {}, groups)],
    ["groups.ts", groupsFile(names)],
  ]
  return Object.fromEntries(all.map(([name, text]) => [`${CLIENT_FOLDER}${name}`, `${HEADER}${text}`]))
}

function documentOf(routes: readonly OwnedRoute[], errors: Readonly<Record<string, ErrorSpec>>): Document {
  const api = new OpenAPIHono()
  for (const { route } of routes)
    if (route.spec.documented !== false) api.openAPIRegistry.registerPath(describeRoute(route.spec, errors))
  const document: unknown = api.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } })
  return document as Document
}

/** What the methods take and give. */
function typesFile(group: string, methods: readonly Method[], writer: TypeWriter): string {
  const body = [
    ...methods.flatMap(({ types }) => types),
    `export interface ${capital(group)} {\n${methods.map(({ signature }) => signature).join("\n")}\n}`,
  ].join("\n\n")
  const schemas = [...writer.used].sort()
  const options = OPTIONS.filter((name) => new RegExp(`\\b${name}\\b`).test(body))
  return [
    `import type { ${options.join(", ")} } from "../request.ts"`,
    ...(/\bLiveCode\b/.test(body) ? ['import type { LiveCode } from "../stream.ts"'] : []),
    ...(schemas.length === 0 ? [] : [`import type { ${schemas.join(", ")} } from "./schemas.ts"`]),
    "",
    `${body}\n`,
  ].join("\n")
}

/** What they do. */
function callsFile(group: string, methods: readonly Method[]): string {
  const code = methods.map((method) => method.code).join("\n")
  const needs = ["call", "stream"].filter((name) => code.includes(` ${name}(`))
  const paths = code.includes("path`")
  return [
    paths ? 'import { path, type Caller } from "../request.ts"' : 'import type { Caller } from "../request.ts"',
    `import type { ${capital(group)} } from "./${group}.ts"`,
    "",
    `export function ${group}({ ${needs.join(", ")} }: Caller): ${capital(group)} {`,
    "  return {",
    code,
    "  }",
    "}",
    "",
  ].join("\n")
}

/** What several groups share, and what they are made of. */
function schemasFile(schemas: Readonly<Record<string, Schema>>, groups: ReadonlyMap<string, Group>): string {
  const writer = createTypeWriter()
  const written = new Map<string, string>()
  let wanted = [...groups.values()].flatMap(({ writer: { used } }) => [...used])
  while (wanted.length > 0) {
    for (const name of wanted) {
      const text = writer.type(schemas[name], "out")
      const head = comment(schemas[name]?.description)
      const declared = text.startsWith("{") && text.indexOf("\n}") === text.length - 2
      written.set(
        name,
        [...head, declared ? `export interface ${name} ${text}` : `export type ${name} = ${text}`].join("\n"),
      )
    }
    wanted = [...writer.used].filter((name) => !written.has(name))
  }
  return `\n${[...written]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text)
    .join("\n\n")}\n`
}

function groupsFile(names: readonly string[]): string {
  const own = names.filter((name) => name !== ROOT)
  const types = names.flatMap((name) => [
    `import type { ${capital(name)} } from "./${name}.ts"`,
    `import { ${name} } from "./${name}-calls.ts"`,
  ])
  const head = names.includes(ROOT) ? "export interface Groups extends Root {" : "export interface Groups {"
  return [
    'import type { Caller } from "../request.ts"',
    ...types,
    "",
    head,
    ...own.map((name) => `  readonly ${name}: ${capital(name)}`),
    "}",
    "",
    "export function groups(caller: Caller): Groups {",
    "  return {",
    ...(names.includes(ROOT) ? [`    ...${ROOT}(caller),`] : []),
    ...own.map((name) => `    ${name}: ${name}(caller),`),
    "  }",
    "}",
    "",
  ].join("\n")
}
