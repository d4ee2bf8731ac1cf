import { createServer, type RequestListener } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { type AddressInfo, connect, type Server } from "node:net"
import process from "node:process"
import { gzipSync } from "node:zlib"
import { createClock } from "../../adapters/system/clock.ts"
import { isUrlRefused } from "../../core/egress.ts"
import { isAppError } from "../../core/errors.ts"
import { createResolve } from "../../adapters/egress/resolve.ts"
import { selfSigned } from "../support/certificate.ts"
import { createTestEgress, type TestEgressOptions } from "../support/egress.ts"
import { startHttpProxy, startSocksProxy } from "../support/proxies.ts"
import { startNameServer } from "./name-server.ts"
import { elsewhere, loopback, names } from "./spellings.ts"

/** What ways out do on this runtime, as one line of JSON: the same on each. */

const listener: RequestListener = (request, response) => {
  switch (request.url ?? "") {
    case "/gzip":
      return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("zipped"))
    case "/bomb":
      return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(32 * 1_048_576)))
    case "/away":
      return void response.writeHead(302, { location: "http://169.254.169.254/" }).end()
    case "/round":
      return void response.writeHead(302, { location: "/gzip" }).end()
    case "/long":
      return void response.writeHead(200, { "x-long": "a".repeat(20_000) }).end()
    case "/cut":
      response.writeHead(200, { "content-length": "10" }).write("half")
      return void setTimeout(() => response.destroy(), 20)
    case "/slow":
      return void response.writeHead(200).write("a")
    default:
      return void request.on("data", () => undefined).on("end", () => response.end(`${request.method} here`))
  }
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}
const plain = createServer({ maxHeaderSize: 1_048_576 }, listener)
const tls = createTlsServer(selfSigned, listener)
const [port, tlsPort] = [await listen(plain), await listen(tls)]
const [httpProxy, socksProxy] = [await startHttpProxy(), await startSocksProxy()]
const server = await startNameServer({ "loop.example": [Uint8Array.of(127, 0, 0, 1)], "slow.example": "mute" })
const inside = (options: TestEgressOptions = {}) =>
  createTestEgress({ allowPrivate: true, clock: createClock(), authorities: selfSigned.cert, ...options })

const outcome = async (work: Promise<{ status: number; body: Uint8Array }>): Promise<string> => {
  try {
    const { status, body } = await work
    return `${status} ${new TextDecoder().decode(body)}`
  } catch (thrown) {
    if (isUrlRefused(thrown)) return `refused: ${thrown.fault.reason}`
    return isAppError(thrown) ? thrown.code : String(thrown)
  }
}
const at = (path: string): string => `http://127.0.0.1:${port}${path}`
const through = (proxy: string) => ({ proxy, trustedProxy: true })

const guarded = createTestEgress({ names, clock: createClock() })
const passed: string[] = []
for (const { url } of [...loopback, ...elsewhere]) {
  const filled = url.replace("{port}", String(port))
  if ((await guarded.judge(filled)) === undefined) passed.push(url)
  if (!(await outcome(guarded.fetch(filled))).startsWith("refused")) passed.push(url)
}
const unguarded = createTestEgress({ names, clock: createClock(), guard: false })
const reached: string[] = []
for (const { url, address } of loopback) {
  if (address !== "127.0.0.1") continue
  if ((await outcome(unguarded.fetch(url.replace("{port}", String(port))))) === "200 GET here") reached.push(url)
}

const mismatched = inside({ open: (_address, to) => connect(to, "127.0.0.1"), allowPrivate: false })
const asked = createTestEgress({ resolve: createResolve([server.address]), clock: createClock() })
const found = {
  passed,
  reached: reached.length,
  get: await outcome(inside().fetch(at("/"))),
  post: await outcome(inside().fetch(at("/"), { method: "POST", body: Uint8Array.of(1) })),
  gzip: await outcome(inside().fetch(at("/gzip"))),
  bomb: await outcome(inside().fetch(at("/bomb"))),
  away: await outcome(inside().fetch(at("/away"), { redirects: 3 })),
  round: [await outcome(inside().fetch(at("/round"), { redirects: 3 })), await outcome(inside().fetch(at("/round")))],
  long: await outcome(inside().fetch(at("/long"))),
  cut: await outcome(inside().fetch(at("/cut"))),
  slow: await outcome(inside().fetch(at("/slow"), { timeoutMs: 300 })),
  tls: await outcome(inside().fetch(`https://localhost:${tlsPort}/`)),
  tlsByAddress: await outcome(inside().fetch(`https://127.0.0.1:${tlsPort}/gzip`)),
  otherName: await outcome(
    inside({ names: { "other.example": ["127.0.0.1"] } }).fetch(`https://other.example:${tlsPort}/`),
  ),
  untrusted: await outcome(
    createTestEgress({ allowPrivate: true, clock: createClock() }).fetch(`https://localhost:${tlsPort}/`),
  ),
  peer: await outcome(mismatched.fetch(`http://public.example:${port}/`)),
  httpProxy: await outcome(inside().fetch(at("/gzip"), through(httpProxy.url))),
  httpProxyTls: await outcome(inside().fetch(`https://localhost:${tlsPort}/gzip`, through(httpProxy.url))),
  socksProxy: await outcome(inside().fetch(at("/gzip"), through(socksProxy.url))),
  socksProxyTls: await outcome(inside().fetch(`https://localhost:${tlsPort}/gzip`, through(socksProxy.url))),
  loopExample: (await asked.judge("http://loop.example/"))?.reason,
  slowExample: (await asked.judge("http://slow.example/"))?.reason,
}
process.stdout.write(`${JSON.stringify(found)}\n`)
process.exit(0)
