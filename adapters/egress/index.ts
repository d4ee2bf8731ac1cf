import { type Egress, type EgressOptions, isUrlRefused, type UrlFault } from "../../core/egress.ts"
import { isAppError } from "../../core/errors.ts"
import { openDeadline } from "./deadline.ts"
import { type DialDeps, type OpenSocket, openSocket } from "./dial.ts"
import { fetchUrl } from "./fetch.ts"
import { createJudge, type Judge, type Place } from "./judgement.ts"
import { refuse } from "./refusals.ts"
import { createResolve, type Resolve } from "./resolve.ts"

/** What only tests set. */
export interface EgressParts extends EgressOptions {
  /** Answers for name servers. */
  readonly resolve?: Resolve
  readonly open?: OpenSocket
  /** False: nothing is judged, to show what would come through. */
  readonly guard?: boolean
  /** Certificates of authorities to trust, as PEM, instead of the machine's. */
  readonly authorities?: string
}

/** For a judgement alone: a hook that asks for one has 2 s. */
const JUDGE_MS = 1_500
/** To find where something is that is going to be connected to. */
const RESOLVE_MS = 5_000

/** Outgoing connections to URLs that users gave, over `node:` modules, on Node and Deno. */
export function createEgress(parts: EgressParts): Egress {
  const { clock, log, allowPrivate, guard = true } = parts
  const judge = createJudge({ allowPrivate, guard, resolve: parts.resolve ?? createResolve() })
  const dialling: DialDeps = {
    isPeer: judge.isPeer,
    open: parts.open ?? openSocket,
    authorities: parts.authorities,
  }

  /** A refusal stands in the log without anything of its URL. */
  const noted = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (thrown) {
      if (isUrlRefused(thrown)) log.debug({ reason: thrown.fault.reason }, "A URL was refused")
      throw thrown
    }
  }

  const place = async (url: string, rules: Parameters<Judge["place"]>[1], ms: number): Promise<Place> => {
    const deadline = openDeadline(clock, ms)
    try {
      return await judge.place(url, rules, deadline.signal)
    } catch (thrown) {
      throw isAppError(thrown) && thrown.code === "URL_TIMEOUT" ? refuse("unresolved") : thrown
    } finally {
      deadline.end()
    }
  }

  return {
    async judge(url, rules = {}): Promise<UrlFault | undefined> {
      try {
        await noted(place(url, rules, JUDGE_MS))
        return undefined
      } catch (thrown) {
        if (isUrlRefused(thrown)) return thrown.fault
        throw thrown
      }
    },
    fetch: (url, request = {}) => noted(fetchUrl({ ...dialling, judge, clock }, url, request)),
    async resolve(url, rules = {}) {
      const { host, port, addresses } = await noted(place(url, { ...rules, credentials: true }, RESOLVE_MS))
      return { host, port, address: addresses[0] }
    },
  }
}
