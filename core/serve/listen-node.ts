import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { getRequestListener, type HttpBindings } from "@hono/node-server"
import { type AppError, appError } from "../errors.ts"
import { failureAnswer } from "../http/answer.ts"
import { type Listen, portProblem, urlOf } from "../listen.ts"
import { StartError } from "../settings/start-error.ts"
import { PATIENCE, type Patience, watchConnections } from "./patience.ts"

/** An idle connection outlives the 60 s after which common proxies let go of it, so that none sends into a closing one. */
const KEEP_ALIVE_MS = 65_000
const MAX_HEADER_BYTES = 16_384
/** For answers that are being written when the server closes. */
const LAST_ANSWERS_MS = 1_000
/** For a client to take a refusal; one that keeps its end open does not keep ours. */
const REFUSAL_MS = 1_000

/** Takes the port on Node. `patience` is for tests that cannot wait as long as the server does. */
export function createNodeListen(patience: Patience = PATIENCE): Listen {
  return async ({ host, port, fetch }) => {
    const listener = getRequestListener(
      (request, env) => {
        const { incoming, outgoing } = env as HttpBindings
        return fetch(request, {
          remoteAddress: incoming.socket.remoteAddress,
          breakOff: () => void outgoing.destroy(),
        })
      },
      { errorHandler: () => failureAnswer(malformed(undefined), crypto.randomUUID()) },
    )
    const options = {
      headersTimeout: patience.headersMs,
      connectionsCheckingInterval: patience.checkMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Bodies are watched by what arrives, see `watchConnections`.
      requestTimeout: 0,
      // Left to us, so that its refusal has the same shape as every other.
      requireHostHeader: false,
    }
    const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
      watch.request(incoming, outgoing)
      void listener(incoming, outgoing)
    }
    const server = createServer(options, serve)
    const watch = watchConnections(server, patience, (socket) => end("ERR_HTTP_REQUEST_TIMEOUT", socket))
    const end = (code: string | undefined, socket: Socket): void => {
      if (!socket.writable || code === "ECONNRESET" || watch.isAnswering(socket)) socket.destroy()
      else void refuse(code, socket)
    }
    server.on("checkExpectation", serve)
    server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => end(error.code, socket))

    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        watch.end()
        reject(new StartError([portProblem(error.code, host, port)]))
      })
      server.listen(port, host.replace(/^\[(.*)\]$/, "$1"), resolve)
    })
    return {
      url: urlOf(host, (server.address() as AddressInfo).port),
      async close() {
        await close(server)
        watch.end()
      },
    }
  }
}

export const listenNode = createNodeListen()

/** What never becomes a request, or not in time; the answer has the house's shape all the same. */
async function refuse(code: string | undefined, socket: Socket): Promise<void> {
  const answer = failureAnswer(malformed(code), crypto.randomUUID())
  const body = await answer.text()
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("")
  socket.end(
    `HTTP/1.1 ${answer.status} Refused\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  setTimeout(() => socket.destroy(), REFUSAL_MS).unref()
}

function malformed(code: string | undefined): AppError {
  if (code === "HPE_HEADER_OVERFLOW") return appError("PAYLOAD_TOO_LARGE", { message: "The headers are too large" })
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return appError("VALIDATION_ERROR", { message: "The request took too long to arrive" })
  return appError("VALIDATION_ERROR", { message: "The request is malformed" })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const rest = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS)
    server.close(() => {
      clearTimeout(rest)
      resolve()
    })
    server.closeIdleConnections()
  })
}
