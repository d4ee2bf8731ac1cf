import { promises as dns } from "node:dns"
import { isIP } from "node:net"
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
 * Names that companies give are asked for without the machine's own lookup: that one takes a thread for as long as a
 * hostile name server pleases, of which there are two for all lookups of the process, WhatsApp's among them.
 */
export const systemResolve: Resolve = (host, { inside, signal }) =>
  inside ? lookUp(host, signal) : askServers(host, signal)

function lookUp(host: string, signal: AbortSignal): Promise<readonly string[]> {
  return abortable(signal, (resolve, reject) => {
    dns.lookup(host, { all: true }).then((found) => resolve(found.map(({ address }) => address)), reject)
    return () => undefined
  })
}

function askServers(host: string, signal: AbortSignal): Promise<readonly string[]> {
  const resolver = new dns.Resolver({ timeout: TRY_MS, tries: TRIES })
  return abortable(signal, (resolve, reject) => {
    const questions = [resolver.resolve4(host), resolver.resolve6(host)]
    void Promise.allSettled(questions).then((answers) => {
      const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
      if (found.length > 0) return resolve(found.filter((address) => isIP(address) !== 0))
      reject(new Error("No name server knows the name"))
    })
    return () => resolver.cancel()
  })
}
