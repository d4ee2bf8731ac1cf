import type { Clock } from "../../core/clock.ts"
import type { EgressAnswer, EgressRequest } from "../../core/egress.ts"
import { openDeadline, type Deadline } from "./deadline.ts"
import { dial, type DialDeps, secure } from "./dial.ts"
import { exchange, type Reply } from "./exchange.ts"
import type { Judge } from "./judgement.ts"
import { type Hop, nextHop } from "./redirect.ts"
import { refuse } from "./refusals.ts"
import { PROXY_SCHEMES, tunnel } from "./tunnel.ts"

export interface FetchDeps extends DialDeps {
  readonly judge: Judge
  readonly clock: Clock
}

const LIMIT = 1_048_576
const TIMEOUT_MS = 15_000

/** Fetches what a URL leads to, every address on the way judged. Rejects with a `UrlRefused`, an AppError or the signal's reason. */
export async function fetchUrl(deps: FetchDeps, url: string, request: EgressRequest): Promise<EgressAnswer> {
  const deadline = openDeadline(deps.clock, request.timeoutMs ?? TIMEOUT_MS, request.signal)
  const { method = "GET", body } = request
  try {
    let hop: Hop = { url, trusted: request.trusted === true, method, headers: new Headers(request.headers), body }
    for (let left = request.redirects ?? 0; ; left--) {
      const { location, ...answer } = await one(deps, hop, request, deadline)
      if (location === undefined) return answer
      if (left === 0) throw refuse("redirects")
      hop = nextHop(hop, answer.status, location)
    }
  } finally {
    deadline.end()
  }
}

async function one(deps: FetchDeps, hop: Hop, request: EgressRequest, deadline: Deadline): Promise<Reply> {
  const { schemes, anyPort, proxy, trustedProxy = false } = request
  const rules = { trusted: hop.trusted, ...(schemes && { schemes }), ...(anyPort !== undefined && { anyPort }) }
  const target = await deps.judge.place(hop.url, rules, deadline.signal)
  const through = proxy === undefined ? undefined : await proxyPlace(deps, proxy, trustedProxy, deadline)
  const way =
    through === undefined
      ? await dial(deps, target, hop.trusted, deadline)
      : await tunnel(deps, { ...through, trusted: trustedProxy }, target.addresses[0], target.port, deadline)
  const socket = target.url.protocol === "https:" ? await secure(deps, way, target.host, deadline) : way
  return exchange(socket, { ...hop, url: target.url }, request.limit ?? LIMIT, deadline.signal)
}

function proxyPlace(deps: FetchDeps, proxy: string, trusted: boolean, { signal }: Deadline) {
  const rules = { schemes: PROXY_SCHEMES, credentials: true, trusted, anyPort: trusted }
  return deps.judge.place(proxy, rules, signal)
}
