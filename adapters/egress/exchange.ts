import { Agent, type IncomingMessage, request as openRequest } from "node:http"
import type { Socket } from "node:net"
import type { EgressAnswer } from "../../core/egress.ts"
import { toError } from "../../core/errors.ts"
import { ENCODINGS, readBody } from "./body.ts"
import { faults } from "./faults.ts"

export interface Ask {
  readonly url: URL
  readonly method: "GET" | "POST"
  readonly headers: Headers
  readonly body: Uint8Array | undefined
}

export interface Reply extends EgressAnswer {
  /** Where it redirects to, as it says; the body of such an answer is not read. */
  readonly location: string | undefined
}

/** No connection is shared, and proxies that the environment names have no say, which later runtimes would give them. */
const ALONE = { keepAlive: false, proxyEnv: {} }
const LARGEST_HEAD = 16_384
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** Set here from what is really sent, or spoken between two neighbours only. */
const OURS = [
  ...["host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect", "te", "trailer"],
  ...["upgrade", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate"],
]

/** One request and its answer over a way that is open, which is closed afterwards. Rejects with an AppError. */
export async function exchange(way: Socket, ask: Ask, limit: number, signal: AbortSignal): Promise<Reply> {
  const onAbort = (): void => void way.destroy(toError(signal.reason))
  signal.addEventListener("abort", onAbort, { once: true })
  try {
    signal.throwIfAborted()
    const answer = await send(way, ask)
    const status = answer.statusCode ?? 0
    const headers = headersOf(answer)
    const location = REDIRECTS.has(status) ? (headers.get("location") ?? undefined) : undefined
    const body = location === undefined ? await readBody(answer, limit) : new Uint8Array()
    // They told of the body as it travelled.
    for (const name of ["content-encoding", "content-length", "transfer-encoding"]) headers.delete(name)
    return { status, headers, body, location }
  } catch (thrown) {
    throw signal.aborted ? toError(signal.reason) : thrown
  } finally {
    signal.removeEventListener("abort", onAbort)
    way.destroy()
  }
}

function send(way: Socket, { url, method, headers, body }: Ask): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = openRequest({
      agent: Object.assign(new Agent(ALONE), { createConnection: () => way }),
      method,
      path: `${url.pathname}${url.search}`,
      headers: headersFor(url, headers, body),
      setHost: false,
      maxHeaderSize: LARGEST_HEAD,
    })
    request.once("response", resolve)
    request.on("error", (error) => reject(meaningOf(error)))
    request.once("close", () => reject(faults.broken()))
    request.end(body)
  })
}

function headersFor(url: URL, given: Headers, body: Uint8Array | undefined): Record<string, string> {
  const headers = new Headers(given)
  for (const name of OURS) headers.delete(name)
  return {
    ...Object.fromEntries(headers),
    host: url.host,
    connection: "close",
    "accept-encoding": ENCODINGS,
    ...(body !== undefined && { "content-length": String(body.length) }),
  }
}

function headersOf(answer: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  return headers
}

function meaningOf(error: Error): Error {
  const code = "code" in error ? String(error.code) : ""
  if (code === "HPE_HEADER_OVERFLOW") return faults.headers()
  return code.startsWith("HPE_") ? faults.protocol() : faults.broken()
}
