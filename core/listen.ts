/** How an app gets its port. Each runtime's entry brings its own. */

/** What is known of a request beside itself. */
export interface Arrival {
  /** The peer's, as the socket gives it. */
  readonly remoteAddress?: string | undefined
  /** Ends the connection at once, in the middle of an answer. */
  readonly breakOff?: () => void
}

export interface ListenInput {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  fetch(request: Request, arrival: Arrival): Promise<Response>
}

export interface Listener {
  /** Where it can be reached from this machine, without a slash at the end. */
  readonly url: string
  /** Accepts no more connections, lets answers under way finish for a moment, and then ends those left. */
  close(): Promise<void>
}

/** Takes the port, or rejects with a StartError that names PORT and HOST. Requests may come in before it resolves. */
export type Listen = (input: ListenInput) => Promise<Listener>

/** What is said when the port cannot be taken; `code` is the operating system's. */
export function portProblem(code: string | undefined, host: string, port: number): string {
  if (code === "EADDRINUSE")
    return `PORT: ${port} on ${host} is taken; stop the program that uses it or set another PORT`
  if (code === "EACCES") return `PORT: ${port} may not be used by this user; set a PORT from 1024`
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `HOST: ${host} is no address of this machine`
  return `PORT: ${port} on ${host} cannot be listened on (${code ?? "unknown reason"})`
}

/** The address to use in a URL on this machine: where everything is listened on, loopback reaches it. */
export function urlOf(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" || host === "" ? "127.0.0.1" : host
  return `http://${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${port}`
}
