import { once } from "node:events"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"

/** A server in front of an S3 server: counts what passes, and answers 503 for it when told to. */
export interface S3Front {
  readonly endpoint: string
  /** Requests that came since the last call of `reset`, and how long their answers took together, ms. */
  counts(): { readonly requests: number; readonly ms: number; readonly methods: Readonly<Record<string, number>> }
  reset(): void
  /** From now on every request is answered with 503 SlowDown. */
  refuse(): void
  admit(): void
  close(): Promise<void>
}

const SLOW_DOWN =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>'

export async function openS3Front(endpoint: string): Promise<S3Front> {
  const { hostname, port } = new URL(endpoint)
  let refusing = false
  let methods: Record<string, number> = {}
  let ms = 0
  const server = createServer((asked, answered) => {
    const method = asked.method ?? ""
    methods[method] = (methods[method] ?? 0) + 1
    if (refusing) {
      asked.resume()
      answered.writeHead(503, { "content-type": "application/xml" }).end(SLOW_DOWN)
      return
    }
    const begun = performance.now()
    // The host is part of what is signed, so that it goes on as it came.
    const onward = request({ hostname, port, method, path: asked.url, headers: asked.headers }, (reply) => {
      answered.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(answered)
      reply.once("end", () => {
        ms += performance.now() - begun
      })
    })
    // Whichever end breaks, the other has nobody to talk to.
    onward.on("error", () => answered.destroy())
    answered.on("close", () => onward.destroy())
    asked.pipe(onward)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => ({ requests: Object.values(methods).reduce((sum, count) => sum + count, 0), ms, methods }),
    reset() {
      methods = {}
      ms = 0
    },
    refuse: () => {
      refusing = true
    },
    admit: () => {
      refusing = false
    },
    async close() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
