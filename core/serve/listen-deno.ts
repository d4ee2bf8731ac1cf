import { type Listen, portProblem, urlOf } from "../listen.ts"
import { StartError } from "../settings/start-error.ts"

/** The part of Deno that is used here; its own types are not there when Node checks this file. */
interface DenoRuntime {
  serve(
    options: {
      readonly hostname: string
      readonly port: number
      readonly signal: AbortSignal
      readonly onListen: () => void
    },
    handler: (request: Request, info: { readonly remoteAddr: { readonly hostname?: string } }) => Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> }
}
/** For answers that are being written when the server closes. */
const LAST_ANSWERS_MS = 1_000

export const listenDeno: Listen = async ({ host, port, fetch }) => {
  const runtime = (globalThis as unknown as { readonly Deno: DenoRuntime }).Deno
  const ended = new AbortController()
  const bare = host.replace(/^\[(.*)\]$/, "$1")
  try {
    const server = runtime.serve(
      { hostname: bare, port, signal: ended.signal, onListen: () => undefined },
      (request, info) => fetch(request, { remoteAddress: info.remoteAddr.hostname }),
    )
    return {
      url: urlOf(host, server.addr.port),
      async close() {
        const rest = setTimeout(() => ended.abort(), LAST_ANSWERS_MS)
        await server.shutdown()
        clearTimeout(rest)
      },
    }
  } catch (thrown) {
    const { code, name } = thrown as { readonly code?: string; readonly name?: string }
    const reason = name === "AddrInUse" ? "EADDRINUSE" : name === "PermissionDenied" ? "EACCES" : code
    throw new StartError([portProblem(reason, host, port)])
  }
}
