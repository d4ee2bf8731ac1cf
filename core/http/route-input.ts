import type { Context } from "hono"
import type { Logger } from "../log.ts"
import type { RouteInput, RouteSpec } from "../route.ts"
import type { Call, Principal } from "../types.ts"
import { checked } from "./check.ts"
import type { Exchange, HttpEnv } from "./exchange.ts"

/** What the handler of a route receives, once the gate and the schemas have let a request in. */
export function routeInput(context: Context<HttpEnv>, identify: () => Promise<Principal>): RouteInput<RouteSpec> {
  return new OneInput(context, identify)
}

/** A class for the same reason as the exchange is one. */
class OneInput implements RouteInput<RouteSpec> {
  readonly call: Call
  readonly principal: Principal
  readonly params: never
  readonly query: never
  readonly body: unknown
  readonly raw: Uint8Array | undefined
  readonly identify: () => Promise<Principal>
  readonly request: Request
  readonly requestId: string
  readonly #exchange: Exchange

  constructor({ env, req }: Context<HttpEnv>, identify: () => Promise<Principal>) {
    const { company, requestId, principal, answerHeaders } = env
    this.call = { company, requestId, principal, header: (name, value) => void (answerHeaders[name] = value) }
    this.principal = principal
    this.params = checked(req.valid("param" as never)) as never
    this.query = checked(req.valid("query" as never)) as never
    this.body = checked(req.valid("json" as never))
    this.raw = env.raw
    this.identify = identify
    this.request = req.raw
    this.requestId = requestId
    this.#exchange = env
  }

  get log(): Logger {
    return this.#exchange.log
  }
}
