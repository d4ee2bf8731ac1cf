import type { z } from "@hono/zod-openapi"
import type { HookName } from "./plugin.ts"
import type { Logger } from "./log.ts"
import type { Call, Principal, Scope } from "./types.ts"

/** A route as the house mounts and documents it. Schemas are the check and the documentation at once. */

/** Where a route finds the company it acts for. */
export type CompanyIn = "path" | "body" | "query" | "none"

export interface RouteSpec {
  readonly method: "get" | "post" | "put" | "patch" | "delete"
  /** With `{name}` for parameters, such as `/api/whatsapp/sessions/{companyId}`. */
  readonly path: string
  /** What the caller's key must hold; `none` needs no key. */
  readonly scope: Scope | "none"
  readonly company: CompanyIn
  readonly summary: string
  /** More for the documentation, in Markdown. */
  readonly description?: string
  readonly tag: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** True: the call may come without a body, which is then checked as `{}`. Left out: true if the schema accepts `{}`. */
  readonly bodyOptional?: boolean
  /** Success answers by status; error answers are documented from `errors`. */
  readonly responses: Readonly<
    Record<number, { readonly description: string; readonly schema?: z.ZodType; readonly contentType?: string }>
  >
  /** Error codes worth naming in the documentation beside those that every route may give. */
  readonly errors?: readonly string[]
  /** Stages that a call passes: what plugins may refuse there is documented as well. */
  readonly stages?: readonly HookName[]
  /**
   * A type that the body may have and in which it comes as `raw`, unread, while `body` is what `{}` becomes: another one
   * than JSON, or JSON itself where the bytes count. Left out, the limit is that of JSON.
   */
  readonly rawBody?: { readonly type: string | readonly string[]; readonly limit?: number }
  /** Largest body in bytes, when it differs from WHATSAPP_BODY_LIMIT. */
  readonly bodyLimit?: number
  /** False: left out of the OpenAPI document. */
  readonly documented?: boolean
}

/** A promised route that answers 501 NOT_SUPPORTED to a caller who would be allowed, until somebody mounts it. */
export type NotBuiltRoute = Pick<RouteSpec, "method" | "path" | "scope" | "company">

type Output<T> = T extends z.ZodType ? z.output<T> : undefined

/** What a handler receives, checked. */
export interface RouteInput<S extends RouteSpec> {
  /** The company comes from the place that `company` names; the empty text when that is `none`. */
  readonly call: Call
  readonly principal: Principal
  readonly params: Output<S["params"]>
  readonly query: Output<S["query"]>
  readonly body: Output<S["body"]>
  /** The bytes of a body of the type that `rawBody` names. */
  readonly raw: Uint8Array | undefined
  /**
   * Asks who calls, on a route whose scope is `none`. Throws UNAUTHORIZED, or the refusal of whoever identifies callers;
   * what the answer may do is then for the route to judge.
   */
  readonly identify: () => Promise<Principal>
  readonly request: Request
  readonly requestId: string
  /** Its lines carry the request's id. */
  readonly log: Logger
}

export interface ApiRoute<S extends RouteSpec = RouteSpec> {
  readonly spec: S
  /**
   * A plain object becomes the JSON answer with status 200; a `Response` is sent as it is; a refusal, or an AppError
   * thrown, becomes the answer of its code.
   */
  handle(input: RouteInput<S>): Promise<Response | object> | Response | object
}

/** Declares a route; gives the handler its types. */
export function defineRoute<const S extends RouteSpec>(spec: S, handle: ApiRoute<S>["handle"]): ApiRoute<S> {
  return { spec, handle }
}
