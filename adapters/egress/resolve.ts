import { promises as dns } from "node:dns"
import { abortable } from "./deadline.ts"

/** Addresses of a host name; none when there are none. Rejects when nobody can tell. */
export type Resolve = (host: string, options: ResolveOptions) => Promise<readonly string[]>

export interface ResolveOptions {
  /** The name may be one of the inside: also those of the hosts file count. */
  readonly inside: boolean
  readonly signal: AbortSignal
}

const TRY_MS = 2_000
const TRIES = 2

/**
 * Asks as this machine does. Names that companies give are asked for without the machine's own lookup: that one takes a
 * thread for as long as a hostile name server pleases, of which there are two for all lookups of the process, WhatsApp's
 * among them. `servers`: addresses with ports of name servers, instead of the machine's.
 */
export function createResolve(servers?: readonly string[]): Resolve {
  return (host, { inside, signal }) =>
    inside && servers === undefined ? lookUp(host, signal) : askServers(host, servers, signal)
}

function lookUp(host: string, signal: AbortSignal): Promise<readonly string[]> {
  return abortable(signal, (resolve, reject) => {
    dns.lookup(host, { all: true }).then((found) => resolve(found.map(({ address }) => address)), reject)
    return () => undefined
  })
}

function askServers(
  host: string,
  servers: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const resolver = new dns.Resolver({ timeout: TRY_MS, tries: TRIES })
  if (servers !== undefined) resolver.setServers(servers)
  return abortable(signal, (resolve, reject) => {
    const questions = [resolver.resolve4(host), resolver.resolve6(host)]
    void Promise.allSettled(questions).then((answers) => {
      const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
      if (found.length > 0) resolve(found)
      else reject(new Error("No name server knows the name"))
    })
    return () => resolver.cancel()
  })
}
