import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { ControlError } from "./control-error.ts"
import { listenOnLoopback } from "./listen.ts"
import { PairingError } from "./pairing.ts"
import { findRoute, type Call } from "./routes.ts"
import type { World } from "./world.ts"

const BODY_LIMIT = 1024 * 1024

/** The control surface: JSON over HTTP on loopback, the same operations as the TypeScript client. */
export async function listenForControl(
  world: World,
  port: number,
  about: Record<string, unknown>,
): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    void answer(world, about, request, response)
  })
  // Long polls may wait for minutes.
  server.requestTimeout = 0
  return { server, port: await listenOnLoopback(server, port) }
}

async function answer(
  world: World,
  about: Record<string, unknown>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    // A page in the user's browser must not be able to drive the sandbox.
    if (request.headers.origin !== undefined) throw new ControlError(403, "not for browsers")
    const url = new URL(request.url ?? "/", "http://sandbox")
    const found = findRoute(request.method ?? "GET", url.pathname)
    if (!found) throw new ControlError(404, "no such route; see the README of the sandbox")
    const call: Call = { world, about, params: found.params, query: url.searchParams, body: await readJson(request) }
    reply(response, 200, (await found.run(call)) ?? {})
  } catch (error) {
    if (error instanceof PairingError) return reply(response, 409, { error: error.message, code: error.code })
    const status = error instanceof ControlError ? error.status : 400
    reply(response, status, { error: error instanceof Error ? error.message : String(error) })
  }
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk as Uint8Array)
    size += bytes.length
    if (size > BODY_LIMIT) throw new ControlError(413, "the body is too large")
    chunks.push(bytes)
  }
  if (size === 0) return {}
  const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString())
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new ControlError(400, "the body must be a JSON object")
  }
  return parsed as Record<string, unknown>
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}
