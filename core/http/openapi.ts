import { type RouteConfig, z } from "@hono/zod-openapi"
import type { ErrorSpec } from "../errors.ts"
import type { RouteSpec } from "../route.ts"
import { errorBody } from "./schemas.ts"

/** How a route stands in the OpenAPI document: its own schemas, and every refusal it can give. */

export const securitySchemes = {
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  bearer: { type: "http", scheme: "bearer" },
} as const

/** Refusals that follow from the shape of a route alone. */
function commonCodes(spec: RouteSpec): string[] {
  const codes = ["INTERNAL_ERROR"]
  if (spec.path.startsWith("/api/")) codes.push("SHUTTING_DOWN")
  if (spec.scope === "none" && spec.body !== undefined) codes.push("SERVER_BUSY")
  if (spec.scope !== "none") codes.push("UNAUTHORIZED", "FORBIDDEN", "TOO_MANY_ATTEMPTS", "PLUGIN_FAULT")
  if (spec.company !== "none") codes.push("INVALID_COMPANY_ID")
  if (spec.company === "body" || spec.company === "query") codes.push("COMPANY_ID_REQUIRED")
  if (spec.body !== undefined) codes.push("INVALID_JSON", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
  if (spec.body !== undefined || spec.query !== undefined) codes.push("VALIDATION_ERROR")
  return codes
}

/** One entry per status, naming the codes it can carry and their sentences. */
function errorResponses(spec: RouteSpec, errors: Readonly<Record<string, ErrorSpec>>): RouteConfig["responses"] {
  const byStatus = new Map<number, string[]>()
  const { stages = [] } = spec
  const refused = Object.entries(errors).flatMap(([code, { stage }]) =>
    stage !== undefined && stages.some((name) => name === stage) ? [code] : [],
  )
  for (const code of new Set([...commonCodes(spec), ...(spec.errors ?? []), ...refused])) {
    const known = errors[code]
    if (known === undefined)
      throw new Error(`${spec.method.toUpperCase()} ${spec.path} names the unknown error ${code}`)
    byStatus.set(known.status, [...(byStatus.get(known.status) ?? []), `\`${code}\` ${known.message}`])
  }
  const responses: RouteConfig["responses"] = {}
  for (const [status, lines] of byStatus) {
    responses[status] = { description: lines.join("; "), content: { "application/json": { schema: errorBody } } }
  }
  return responses
}

/** The route as the generator takes it. Throws for an error code that nobody declares. */
export function describeRoute(spec: RouteSpec, errors: Readonly<Record<string, ErrorSpec>>): RouteConfig {
  const responses: RouteConfig["responses"] = {}
  for (const [status, { description, schema, contentType }] of Object.entries(spec.responses)) {
    const type = contentType ?? "application/json"
    responses[status] = { description, ...(schema === undefined ? {} : { content: { [type]: { schema } } }) }
  }
  const needs = spec.scope === "none" ? "Needs no key." : `Needs a key with the scope \`${spec.scope}\`.`
  return {
    method: spec.method,
    path: spec.path,
    summary: spec.summary,
    description: spec.description === undefined ? needs : `${spec.description}\n\n${needs}`,
    tags: [spec.tag],
    operationId: operationId(spec),
    security: spec.scope === "none" ? [] : [{ apiKey: [] }, { bearer: [] }],
    request: {
      ...(spec.params === undefined ? {} : { params: spec.params }),
      ...(spec.query === undefined ? {} : { query: spec.query }),
      ...(spec.body === undefined ? {} : { body: bodyOf(spec, spec.body) }),
    },
    responses: { ...errorResponses(spec, errors), ...responses },
  }
}

function bodyOf(spec: RouteSpec, schema: NonNullable<RouteSpec["body"]>) {
  const required = !(spec.bodyOptional ?? schema.safeParse({}).success)
  const types = spec.rawBody === undefined ? [] : [spec.rawBody.type].flat()
  const raw = Object.fromEntries(types.map((type) => [type, { schema: z.string() }]))
  return { required, content: { ...raw, "application/json": { schema } } }
}

/** `post_sessions_companyId_initialize`: stable as long as the path is. */
function operationId(spec: RouteSpec): string {
  const words = spec.path.replace(/^\/api\/whatsapp/, "").match(/[A-Za-z0-9]+/g) ?? []
  return [spec.method, ...words].join("_")
}
