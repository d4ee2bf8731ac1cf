import type { Context } from "hono"
import type { Clock } from "../clock.ts"
import { appError, toError } from "../errors.ts"
import type { Hooks } from "../hooks.ts"
import { isRefusal, type Refusal } from "../refusal.ts"
import type { ApiRoute } from "../route.ts"
import type { Principal } from "../types.ts"
import { clientAddress } from "./addresses.ts"
import { createBodyRoom } from "./body-room.ts"
import { type CompanyRules, companyRefusal, type Named, resolveCompany } from "./company.ts"
import type { HttpEnv } from "./exchange.ts"
import { declaredLength, isJson, isText, measureBody, parseJson, readBody, tooLarge } from "./json.ts"

export interface GateOptions extends CompanyRules {
  readonly hooks: Pick<Hooks, "guard" | "first">
  readonly clock: Clock
  readonly bodyLimit: number
  readonly trusted: (address: string) => boolean
  isClosing(): boolean
}

const CLOSING_RETRY_S = 5

/**
 * What stands before the fields of a request, in the order in which refusals are given: 413 and 415, whatever the key;
 * 401; malformed JSON; the company; 403. Throws the first that applies.
 */
export function createGate(route: ApiRoute, options: GateOptions): (context: Context<HttpEnv>) => Promise<void> {
  const { spec } = route
  const { rawBody } = spec
  const rawTypes = rawBody === undefined ? [] : [rawBody.type].flat()
  const takesBody = spec.method !== "get"
  const optional = spec.bodyOptional ?? spec.body?.safeParse({}).success ?? true
  const room = spec.scope === "none" ? createBodyRoom() : undefined
  const yields = spec.path.startsWith("/api/")

  return async (context) => {
    const exchange = context.env
    const request = context.req.raw
    exchange.route = route
    if (yields && options.isClosing()) throw appError("SHUTTING_DOWN", { retryAfter: CLOSING_RETRY_S })

    const raw = rawTypes.some((type) => isText(request.headers, type))
    const limit = (raw ? rawBody?.limit : undefined) ?? spec.bodyLimit ?? options.bodyLimit
    let early: Uint8Array | undefined
    let unknown: Error | undefined
    let length = 0
    if (takesBody) {
      const declared = declaredLength(request.headers)
      if (declared !== undefined && declared > limit) throw tooLarge(limit)
      length = declared ?? 0
      if (declared === undefined && request.body !== null) {
        // Only the body itself can tell whether an undeclared one is too large, and that is said before 401; but nothing
        // is kept in memory for callers whom nobody knows.
        unknown = await nobody(context, route, options)
        if (unknown === undefined) early = await readBody(request, limit, options.clock, declared, room)
        length = early?.byteLength ?? (await measureBody(request, limit, options.clock))
      }
      if (length > 0 && !raw && !isJson(request.headers)) throw appError("UNSUPPORTED_MEDIA_TYPE")
    }

    if (unknown !== undefined) throw unknown
    if (spec.scope !== "none" && early === undefined) {
      const caller = identify(context, options)
      exchange.principal = caller instanceof Promise ? await caller : caller
    }

    if (raw) {
      exchange.raw = early ?? (await readBody(request, limit, options.clock, length, room))
      exchange.body = {}
    } else if (length > 0)
      exchange.body = parseJson(early ?? (await readBody(request, limit, options.clock, length, room)))
    else if (spec.body !== undefined) exchange.body = optional ? {} : parseJson(new Uint8Array(0))

    const named = namedIn(context, exchange.body)
    const company = resolveCompany(spec.company, named, options)
    exchange.company = typeof company === "string" ? company : await company

    const { principal } = exchange
    if (spec.scope !== "none") {
      if (!principal.scopes.has(spec.scope)) throw appError("FORBIDDEN", { details: { scope: spec.scope } })
      const refusal = companyRefusal(exchange.company, named, principal, options)
      if (refusal !== undefined) throw refusal
    }
  }
}

/** Sets the caller, or gives the refusal of one whom nobody knows. */
async function nobody(context: Context<HttpEnv>, { spec }: ApiRoute, options: GateOptions): Promise<Error | undefined> {
  try {
    if (spec.scope !== "none") context.env.principal = await identify(context, options)
    return undefined
  } catch (refusal) {
    // Thrown again once the body has shown no earlier fault.
    return toError(refusal)
  }
}

/** Who calls; at once, as far as plugins answer at once. Throws, or rejects with, UNAUTHORIZED when nobody knows them. */
export function identify(context: Context<HttpEnv>, options: GateOptions): Principal | Promise<Principal> {
  const { headers } = context.req.raw
  const peer = context.env.remoteAddress
  const verdict = options.hooks.first("request:identify", {
    requestId: context.env.requestId,
    method: context.req.method,
    path: context.req.path,
    headers,
    remoteAddress: peer,
    clientAddress: clientAddress(peer, headers.get("x-forwarded-for"), options.trusted),
  })
  return verdict instanceof Promise ? verdict.then(known) : known(verdict)
}

function known(answer: Principal | Refusal | undefined): Principal {
  if (answer === undefined) throw appError("UNAUTHORIZED")
  if (isRefusal(answer)) throw answer.error
  return answer
}

function namedIn(context: Context<HttpEnv>, body: unknown): Named {
  const inBody = typeof body === "object" && body !== null && "companyId" in body ? body.companyId : undefined
  const query = context.req.raw.url.includes("?") ? (context.req.queries("companyId") ?? []) : []
  return { path: context.req.param("companyId"), body: inBody, query }
}
