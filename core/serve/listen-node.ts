import { createServer, type Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { getRequestListener, type HttpBindings } from "@hono/node-server"
import { type AppError, appError } from "../errors.ts"
import { failureAnswer } from "../http/answer.ts"
import { type Listen, portProblem, urlOf } from "../listen.ts"
import { StartError } from "../settings/start-error.ts"

/** Deadlines for slow clients, which would otherwise hold a connection for ever. */
const LIMITS = {
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  // Left to us, so that its refusal has the same shape as every other.
  requireHostHeader: false,
}
/** For answers that are being written when the server closes. */
const LAST_ANSWERS_MS = 1_000

export const listenNode: Listen = async ({ host, port, fetch }) => {
  const listener = getRequestListener(
    (request, env) => fetch(request, { remoteAddress: (env as HttpBindings).incoming.socket.remoteAddress }),
    { errorHandler: () => failureAnswer(malformed(undefined), crypto.randomUUID()) },
  )
  const server = createServer(LIMITS, (incoming, outgoing) => void listener(incoming, outgoing))
  server.on("checkExpectation", (incoming, outgoing) => void listener(incoming, outgoing))
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => void refuse(error.code, socket))

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new StartError([portProblem(error.code, host, port)])),
    )
    server.listen(port, host.replace(/^\[(.*)\]$/, "$1"), resolve)
  })
  return { url: urlOf(host, (server.address() as AddressInfo).port), close: () => close(server) }
}

/** What Node's parser refuses never becomes a request; the answer has the house's shape all the same. */
async function refuse(code: string | undefined, socket: Socket): Promise<void> {
  if (!socket.writable || code === "ECONNRESET") return void socket.destroy()
  const answer = failureAnswer(malformed(code), crypto.randomUUID())
  const body = await answer.text()
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("")
  socket.end(
    `HTTP/1.1 ${answer.status} Refused\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
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
