import type { Egress, EgressAnswer, EgressRequest } from "../../core/egress.ts"
import { UrlRefused } from "../../core/egress.ts"
import { appError } from "../../core/errors.ts"
import type { Clock } from "../../core/clock.ts"

/** One call that went out. */
export interface Received {
  readonly url: string
  readonly at: number
  readonly headers: Headers
  readonly body: Uint8Array
  readonly request: EgressRequest
  /** Of the body. */
  readonly json: { readonly type?: string; readonly data: Record<string, unknown> }
}

/** What a receiver does with a call: a status, an answer, nothing for as long as the caller waits, or what is thrown. */
export type Reaction = number | EgressAnswer | "silence"

/** The way out, at whose end all receivers are in the test's hands. */
export interface Receivers {
  readonly egress: Egress
  /** Everything that arrived, in order. */
  readonly got: Received[]
  /** Calls that are waiting for their answer. */
  readonly open: number
  /** The most that have been open at once, by host. */
  readonly most: ReadonlyMap<string, number>
  /** Default: 204 to everybody. */
  react: (call: Received) => Reaction | Promise<Reaction>
}

export const answer = (status: number, headers: Record<string, string> = {}): EgressAnswer => ({
  status,
  headers: new Headers(headers),
  body: new Uint8Array(),
})

export const refused = (reason: "address" | "redirects"): never => {
  throw new UrlRefused({ reason, message: "refused" })
}

export const unreachable = (): never => {
  throw appError("URL_UNREACHABLE")
}

export function createReceivers(clock: Pick<Clock, "now" | "sleep">): Receivers {
  const got: Received[] = []
  const open = new Map<string, number>()
  const most = new Map<string, number>()

  const fetch = async (url: string, request: EgressRequest = {}): Promise<EgressAnswer> => {
    const { host } = new URL(url)
    const body = request.body ?? new Uint8Array()
    const call: Received = {
      url,
      at: clock.now(),
      headers: new Headers(request.headers),
      body,
      request,
      json: JSON.parse(new TextDecoder().decode(body)) as Received["json"],
    }
    got.push(call)
    open.set(host, (open.get(host) ?? 0) + 1)
    most.set(host, Math.max(most.get(host) ?? 0, open.get(host) ?? 0))
    try {
      const reaction = await receivers.react(call)
      if (reaction === "silence") {
        await clock.sleep(request.timeoutMs ?? 15_000, request.signal)
        throw appError("URL_TIMEOUT")
      }
      request.signal?.throwIfAborted()
      return typeof reaction === "number" ? answer(reaction) : reaction
    } finally {
      open.set(host, (open.get(host) ?? 0) - 1)
    }
  }

  const receivers: Receivers = {
    egress: {
      judge: async () => undefined,
      fetch,
      resolve: async () => {
        throw new Error("Nothing here goes through a proxy")
      },
    },
    got,
    most,
    get open() {
      return [...open.values()].reduce((sum, one) => sum + one, 0)
    },
    react: () => 204,
  }
  return receivers
}
