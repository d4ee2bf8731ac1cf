/** The rules of OpenAPI 3.1 that a generated document can break. */

type Fields = Readonly<Record<string, unknown>>

const METHODS = new Set(["get", "put", "post", "delete", "patch"])
const TYPES = new Set(["string", "number", "integer", "boolean", "object", "array", "null"])

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const fields = (value: unknown): Fields => (isObject(value) ? value : {})

export interface Operation {
  /** `get /path`. */
  readonly name: string
  readonly path: string
  readonly operation: Fields
}

export function operationsOf(document: unknown): Operation[] {
  return Object.entries(fields(fields(document).paths)).flatMap(([path, item]) =>
    Object.entries(fields(item)).map(([method, operation]) => ({
      name: `${method} ${path}`,
      path,
      operation: fields(operation),
    })),
  )
}

/** One line for each rule broken. */
export function documentFaults(document: unknown): string[] {
  const faults: string[] = []
  const root = fields(document)
  const { title, version } = fields(root.info)
  if (!/^3\.1\.\d+$/.test(String(root.openapi))) faults.push("openapi is not 3.1")
  if (typeof title !== "string" || typeof version !== "string") faults.push("info lacks title or version")
  const ids = new Set<unknown>()
  for (const { name, path, operation } of operationsOf(document)) {
    if (!path.startsWith("/")) faults.push(`${name}: the path does not begin with a slash`)
    if (!METHODS.has(name.split(" ")[0] ?? "")) faults.push(`${name}: no such method`)
    if (ids.has(operation.operationId) || typeof operation.operationId !== "string") {
      faults.push(`${name}: operationId is missing or taken`)
    }
    ids.add(operation.operationId)
    faults.push(...operationFaults(operation, path, root).map((fault) => `${name}: ${fault}`))
  }
  walk(root, "#", (node, at) => {
    const { $ref, type } = node
    if (typeof $ref === "string" && resolve(root, $ref) === undefined) faults.push(`${at}: ${$ref} leads nowhere`)
    const types = Array.isArray(type) ? type : [type]
    if (/\/schema(\/|$)/.test(at) && !at.endsWith("/properties") && type !== undefined && !isObject(type)) {
      if (!types.every((name) => TYPES.has(String(name)))) faults.push(`${at}: there is no type ${types.join()}`)
    }
    if ("nullable" in node && /\/schema/.test(at)) faults.push(`${at}: nullable is of OpenAPI 3.0`)
  })
  return faults
}

function operationFaults(operation: Fields, path: string, root: Fields): string[] {
  const faults: string[] = []
  const parameters = (Array.isArray(operation.parameters) ? operation.parameters : []).map(fields)
  const inPath = parameters.filter((parameter) => parameter.in === "path")
  const named = [...path.matchAll(/\{([^}]*)\}/g)].map((match) => match[1])
  for (const name of named) {
    if (!inPath.some((parameter) => parameter.name === name)) faults.push(`{${name}} is not described`)
  }
  for (const parameter of parameters) {
    if ("$ref" in parameter) continue
    if (!isObject(parameter.schema)) faults.push(`${String(parameter.name)} has no schema`)
    if (parameter.in === "path" && parameter.required !== true) faults.push(`${String(parameter.name)} is not required`)
    if (parameter.in === "path" && !named.includes(String(parameter.name))) faults.push("a path parameter too many")
  }
  const responses = Object.entries(fields(operation.responses))
  if (responses.length === 0) faults.push("no responses")
  for (const [status, response] of responses) {
    if (!/^[1-5]\d\d$/.test(status)) faults.push(`${status} is no status`)
    if (typeof fields(response).description !== "string") faults.push(`${status} has no description`)
    for (const media of Object.values(fields(fields(response).content))) {
      if (!isObject(fields(media).schema)) faults.push(`${status} has content without a schema`)
    }
  }
  const schemes = fields(fields(root.components).securitySchemes)
  for (const need of Array.isArray(operation.security) ? operation.security : []) {
    for (const scheme of Object.keys(fields(need))) if (!(scheme in schemes)) faults.push(`no scheme ${scheme}`)
  }
  return faults
}

function resolve(root: Fields, ref: string): unknown {
  let at: unknown = root
  for (const part of ref.slice(2).split("/")) at = fields(at)[part.replaceAll("~1", "/").replaceAll("~0", "~")]
  return at
}

function walk(value: unknown, at: string, visit: (node: Fields, at: string) => void): void {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, `${at}/${index}`, visit)
  if (!isObject(value)) return
  visit(value, at)
  for (const [key, item] of Object.entries(value)) walk(item, `${at}/${key}`, visit)
}
