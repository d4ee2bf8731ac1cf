import type { Arrival } from "../listen.ts"
import type { Logger } from "../log.ts"
import type { KnownFields } from "../log-fields.ts"
import type { ApiRoute } from "../route.ts"
import type { Fault } from "../refusal.ts"
import type { Principal } from "../types.ts"
import type { PersonMark } from "./person-mark.ts"

/** One request and its answer, on their way through the stages. Handed to the router as its environment. */
export interface Exchange {
  readonly requestId: string
  /** The peer's address as the socket gives it. */
  readonly remoteAddress: string | undefined
  /** Ends the connection in the middle of the answer, where the runtime can. */
  readonly breakOff: (() => void) | undefined
  readonly log: Logger
  /** Faults of fields, gathered from all parts before anything is refused for them. */
  readonly faults: Fault[]
  route: ApiRoute | undefined
  principal: Principal
  /** Empty until it is known, and on routes without one. */
  company: string
  body: unknown
  raw: Uint8Array | undefined
  /** Of the refusal or the failure that it was answered with. */
  code: string | undefined
  /** Headers of the answer, whatever it is. */
  readonly answerHeaders: Record<string, string>
}

export interface HttpEnv {
  Bindings: Exchange
}

const nobody: Principal = { kind: "anonymous", scopes: new Set() }

export function newExchange(requestId: string, arrival: Arrival | undefined, log: Logger): Exchange {
  return new OneExchange(requestId, arrival, log)
}

/** A class, since a getter in every single object would make each a kind of its own to the engine, which is dear. */
class OneExchange implements Exchange {
  readonly requestId: string
  readonly remoteAddress: string | undefined
  readonly breakOff: (() => void) | undefined
  readonly faults: Fault[] = []
  route: ApiRoute | undefined = undefined
  principal: Principal = nobody
  company = ""
  body: unknown = undefined
  raw: Uint8Array | undefined = undefined
  code: string | undefined = undefined
  readonly answerHeaders: Record<string, string> = {}
  readonly #house: Logger
  #own: Logger | undefined

  constructor(requestId: string, arrival: Arrival | undefined, log: Logger) {
    this.requestId = requestId
    this.remoteAddress = arrival?.remoteAddress
    this.breakOff = arrival?.breakOff
    this.#house = log
  }

  /** Most requests log one line, which names the id itself; a child logger is dear. */
  get log(): Logger {
    this.#own ??= this.#house.child({ requestId: this.requestId })
    return this.#own
  }
}

/**
 * The line that every request leaves: the route's template, never the path as it came, and in the place of a phone number
 * its mark, for whoever asks whether it is always the same recipient that is refused.
 */
export function accessFields(
  exchange: Exchange,
  request: Request,
  status: number,
  ms: number,
  mark?: PersonMark,
): KnownFields {
  // What went well is stored, and found by its id; a mark costs more than the rest of the line.
  const person = status < 400 || mark === undefined ? undefined : personIn(exchange, request)
  const marked = person === undefined ? undefined : mark?.(person)
  return {
    requestId: exchange.requestId,
    method: request.method,
    path: exchange.route?.spec.path ?? "(unknown)",
    status,
    ms: Math.round(ms * 10) / 10,
    ...(exchange.company === "" ? {} : { company: exchange.company }),
    ...(exchange.code === undefined ? {} : { code: exchange.code }),
    ...(marked === undefined ? {} : { person: marked }),
  }
}

/** The route and the company of a request, as far as they are known. */
export function whereIs({ route, company }: Exchange): KnownFields {
  return { path: route?.spec.path, ...(company !== "" && { company }) }
}

/** Whom a request is about: the fields in which a call names a person. */
function personIn({ body }: Exchange, { url }: Request): string | undefined {
  const named: { readonly to?: unknown; readonly phone?: unknown; readonly phoneNumber?: unknown } =
    typeof body === "object" && body !== null ? body : {}
  const found = named.to ?? named.phone ?? named.phoneNumber ?? queryOf(url).get("phone")
  return typeof found === "string" ? found : undefined
}

const queryOf = (url: string): URLSearchParams =>
  new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "")
