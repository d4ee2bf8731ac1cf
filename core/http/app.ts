import { OpenAPIHono } from "@hono/zod-openapi"
import type { Context } from "hono"
import { cors } from "hono/cors"
import type { Clock } from "../clock.ts"
import { appError, type ErrorSpec, toError } from "../errors.ts"
import type { Hooks } from "../hooks.ts"
import type { Arrival } from "../listen.ts"
import { type Logger, logsAt } from "../log.ts"
import type { KnownFields } from "../log-fields.ts"
import type { Meter } from "../monitor/meter.ts"
import { isRefusal, refuseFaults } from "../refusal.ts"
import type { ApiRoute, NotBuiltRoute } from "../route.ts"
import type { CoreSettings } from "../settings.ts"
import { addressList } from "./addresses.ts"
import { failureAnswer, failureOf, isJsonAnswer, jsonResponse, protect } from "./answer.ts"
import { check } from "./check.ts"
import { isCompanyId } from "./company.ts"
import { accessFields, type Exchange, type HttpEnv, newExchange, whereIs } from "./exchange.ts"
import { createGate, type GateOptions, identify } from "./gate.ts"
import { describeRoute, securitySchemes } from "./openapi.ts"
import type { PersonMark } from "./person-mark.ts"
import { requestIdOf } from "./request-id.ts"
import { routeInput } from "./route-input.ts"
import { guardStream } from "./stream.ts"
import { createAllowed, inOrder, type OwnedRoute, promised, routeProblems } from "./table.ts"

export interface HttpOptions {
  readonly routes: readonly OwnedRoute[]
  /** Promised but not built: these answer 501 and are not documented. */
  readonly notBuilt?: readonly NotBuiltRoute[]
  readonly hooks: Pick<Hooks, "guard" | "first">
  readonly settings: Pick<
    CoreSettings,
    "multiTenant" | "defaultCompanyId" | "bodyLimit" | "trustedProxies" | "corsOrigins"
  >
  readonly log: Logger
  readonly clock: Clock
  /** Core's errors and the plugins', by code. */
  readonly errors: Readonly<Record<string, ErrorSpec>>
  /** True from the moment shutdown begins: API routes then answer 503. */
  isClosing(): boolean
  readonly meter?: Meter | undefined
  /** Stands for a phone number in the log. */
  readonly mark?: PersonMark
  /** Stands in the OpenAPI document. */
  readonly version: string
}

export interface Http {
  /** Answers any request; never rejects. */
  fetch(request: Request, arrival?: Arrival): Promise<Response>
  /** The OpenAPI 3.1 document of all documented routes. */
  document(): unknown
}

/** The HTTP face of the house, free of any runtime. Throws when two routes collide or one lacks its scope. */
export function createHttp(options: HttpOptions): Http {
  const { hooks, settings, clock, errors, log } = options
  const problems = routeProblems(options.routes)
  if (!settings.multiTenant && !isCompanyId(settings.defaultCompanyId)) {
    problems.push("DEFAULT_COMPANY_ID: expected 1 to 100 characters and no reserved word")
  }
  if (problems.length > 0) throw new Error(problems.join("\n"))
  const routes = inOrder([...options.routes, ...promised(options.notBuilt ?? [], options.routes)])
  const gateOptions: GateOptions = {
    hooks,
    clock,
    multiTenant: settings.multiTenant,
    defaultCompanyId: settings.defaultCompanyId,
    bodyLimit: settings.bodyLimit,
    trusted: addressList(settings.trustedProxies),
    isClosing: () => options.isClosing(),
  }

  const app = new OpenAPIHono<HttpEnv>()
  if (settings.corsOrigins.length > 0) app.use("*", crossOrigin(settings.corsOrigins))
  const logs = { debug: logsAt(log, "debug"), info: logsAt(log, "info") }
  const begun = logs.debug
    ? (exchange: Exchange, method: string) => exchange.log.debug({ ...whereIs(exchange), method }, "Request let in")
    : undefined
  for (const { route } of routes) mount(app, route, gateOptions, errors, begun)
  for (const [name, scheme] of Object.entries(securitySchemes)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, scheme)
  }

  const allowed = createAllowed(routes)
  app.notFound((context) => {
    const { requestId } = context.env
    const allow = allowed(context.req.path)
    if (allow === "") return failureAnswer(appError("NOT_FOUND"), requestId)
    if (context.req.method === "OPTIONS")
      return protect(new Response(null, { status: 204, headers: { allow } }), requestId)
    return failureAnswer(
      appError("NOT_FOUND", { message: `Nothing answers this method here; allowed: ${allow}` }),
      requestId,
      { allow },
    )
  })
  app.onError((thrown, context) => fail(context.env, thrown))

  const fail = (exchange: Exchange, thrown: unknown): Response => {
    const failure = failureOf(thrown)
    exchange.code = failure.code
    if (failure.spec.status >= 500 && failure.cause !== undefined) {
      exchange.log.error(
        { ...whereIs(exchange), code: failure.code, error: toError(failure.cause) },
        "A request failed",
      )
    }
    return failureAnswer(failure, exchange.requestId, exchange.answerHeaders)
  }

  const answer = async (request: Request, exchange: Exchange): Promise<Response> => {
    try {
      if (request.method !== "HEAD") return await app.fetch(request, exchange)
      // As GET would answer, without its body, which may be a stream that never ends.
      const { url, headers, signal } = request
      const full = await app.fetch(new Request(url, { method: "GET", headers, signal }), exchange)
      await full.body?.cancel()
      return new Response(null, full)
    } catch (thrown) {
      return fail(exchange, thrown)
    }
  }

  let document: unknown
  return {
    async fetch(request, arrival) {
      const started = clock.monotonic()
      const exchange = newExchange(requestIdOf(request.headers), arrival, log)
      const response = await answer(request, exchange)
      const ms = clock.monotonic() - started
      options.meter?.answered(response.status, ms)
      const fields = (): KnownFields => accessFields(exchange, request, response.status, ms, options.mark)
      // Probes and pages without a key would drown the rest.
      const quiet = exchange.route?.spec.scope === "none" && response.status < 400
      if (quiet && logs.debug) log.debug(fields(), "Request")
      else if (!quiet && logs.info) log.info(fields(), "Request")
      return response
    },
    document() {
      document ??= app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: {
          title: "Switchboard",
          version: options.version,
          description: "Many companies, each with its own WhatsApp line",
        },
      })
      return document
    },
  }
}

function mount(
  app: OpenAPIHono<HttpEnv>,
  route: ApiRoute,
  options: GateOptions,
  errors: HttpOptions["errors"],
  begun: ((exchange: Exchange, method: string) => void) | undefined,
): void {
  const { spec } = route
  if (spec.documented !== false) app.openAPIRegistry.registerPath(describeRoute(spec, errors))
  const gate = createGate(route, options)
  const checks = [
    ...(spec.params === undefined ? [] : [check("param", spec.params)]),
    ...(spec.query === undefined ? [] : [check("query", spec.query)]),
    ...(spec.body === undefined ? [] : [check("json", spec.body)]),
  ]
  // One handler rather than a chain of them, each link of which would cost several promises.
  app.on([spec.method.toUpperCase()], [spec.path.replace(/\{([^}]*)\}/g, ":$1")], async (context) => {
    await gate(context)
    begun?.(context.env, context.req.method)
    const { body } = context.env
    // The gate has parsed the body already, under stricter rules than the validator's own.
    context.req.json = <T>() => Promise.resolve(body as T)
    for (const one of checks) await one(context, done)
    return run(context, route, errors, options)
  })
}

const done = async (): Promise<void> => undefined

async function run(
  context: Context<HttpEnv>,
  route: ApiRoute,
  errors: HttpOptions["errors"],
  options: GateOptions,
): Promise<Response> {
  const exchange = context.env
  const { faults, requestId, answerHeaders } = exchange
  if (faults.length > 0) throw refuseFaults(faults, errors).error
  const result = await route.handle(routeInput(context, async () => identify(context, options)))
  if (result instanceof Response) return guardStream(protect(result, requestId, answerHeaders), exchange)
  if (isRefusal(result)) throw result.error
  // A handler written in JavaScript has had no compiler to tell it what an answer is.
  if (typeof result !== "object" || result === null) throw new Error("The handler answered with no object")
  if (!isJsonAnswer(result)) return jsonResponse(result, 200, requestId, answerHeaders)
  return jsonResponse(result.body, result.status, requestId, result.headers, answerHeaders)
}

function crossOrigin(origins: readonly string[]) {
  return cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      "X-API-Key",
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "Prefer",
      "X-Request-Id",
      "Last-Event-ID",
    ],
    exposeHeaders: ["X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotency-Replayed"],
    maxAge: 600,
  })
}
