import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startPlatform } from "../support/platform.ts"
import { wait } from "./stage.ts"

/** Clients that send one byte a second, half of them of their headers and half of a body, and others that want an answer. */

export interface SlowClientsOptions {
  readonly clients: number
  /** How long they go on. */
  readonly forMs: number
  /** After this long a connection counts as held. */
  readonly limitMs: number
}

export interface SlowClientsVerdict {
  /** Connections that were still open after the limit. */
  readonly held: number
  /** How long the last one lasted, of those that ended. */
  readonly longestMs: number
  /** What they were told, by status. */
  readonly told: Readonly<Record<string, number>>
  /** Requests of others meanwhile, those of them that were not answered with 200, and the slowest answer. */
  readonly others: number
  readonly othersFailed: number
  readonly slowestOtherMs: number
}

const BYTE_MS = 1_000
const OTHERS_MS = 100
const FOR_AN_ANSWER_MS = 10_000

const HEAD = "POST /api/whatsapp/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
const kinds: readonly string[] = [
  `${HEAD}X-Slow: `,
  `${HEAD}Content-Length: 1000\r\n\r\n`,
  "",
  `${HEAD}Content-Length: 1000000\r\n\r\n`,
]

/** Against the server as a process: as users run it, or `impatient`, for tests that cannot wait. */
export async function slowClientsOnOurs(options: SlowClientsOptions & { readonly impatient: boolean }) {
  const folder = await mkdtemp(join(tmpdir(), "switchboard-"))
  const env = { WHATSAPP_SESSIONS_PATH: folder, WHATSAPP_LOG_LEVEL: "info" }
  try {
    const platform = await startPlatform({ env, ...(options.impatient ? { entry: "test/runtime/impatient.ts" } : {}) })
    try {
      return await runSlowClients(platform.url, "/api/whatsapp/health", options)
    } finally {
      await platform.kill()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The control: a server as Node makes it when nothing is said about slow clients. */
export async function slowClientsOnPlain(options: SlowClientsOptions): Promise<SlowClientsVerdict> {
  const server = createServer((incoming, outgoing) => incoming.resume().on("end", () => outgoing.end("served")))
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  try {
    return await runSlowClients(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, "/", options)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

async function runSlowClients(
  url: string,
  path: string,
  { clients, forMs, limitMs }: SlowClientsOptions,
): Promise<SlowClientsVerdict> {
  const peers = Array.from({ length: clients }, (_, index) => slowClient(url, kinds[index % kinds.length] ?? ""))
  const others: Promise<number | undefined>[] = []
  const end = performance.now() + forMs
  while (performance.now() < end) {
    others.push(other(new URL(path, url)))
    await wait(OTHERS_MS)
  }
  const lasted = peers.map((peer) => peer.end())
  const told: Record<string, number> = {}
  for (const { said } of peers) {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(said())?.[1] ?? "nothing"
    told[status] = (told[status] ?? 0) + 1
  }
  const answers = await Promise.all(others)
  const took = answers.filter((ms) => ms !== undefined)
  return {
    held: lasted.filter((ms) => ms > limitMs).length,
    longestMs: Math.round(Math.max(...lasted.filter((ms) => ms <= limitMs), 0)),
    told,
    others: answers.length,
    othersFailed: answers.length - took.length,
    slowestOtherMs: Math.round(Math.max(...took)),
  }
}

/** Sends `begin`, and then a byte a second until it is told off. `end` gives how long the connection lasted. */
function slowClient(url: string, begin: string) {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect(Number(port), hostname)
  let connected = Number.NaN
  let lasted: number | undefined
  let said = ""
  socket.once("connect", () => {
    connected = performance.now()
    if (begin !== "") socket.write(begin)
  })
  // One that begins with nothing stays silent.
  const timer = setInterval(() => begin !== "" && socket.writable && socket.write("x"), BYTE_MS)
  socket.on("data", (chunk) => (said += chunk.toString("latin1")))
  // Whoever writes into a connection that is closed is told so by an error.
  socket.on("error", () => undefined)
  socket.once("close", () => {
    clearInterval(timer)
    lasted ??= performance.now() - connected
  })
  return {
    said: () => said,
    end(): number {
      clearInterval(timer)
      const ms = lasted ?? performance.now() - connected
      if (Number.isNaN(ms)) throw new Error("a slow client never got a connection")
      socket.destroy()
      return ms
    },
  }
}

/** How long an answer of 200 took, or undefined for any other outcome. */
async function other(url: URL): Promise<number | undefined> {
  const begun = performance.now()
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(FOR_AN_ANSWER_MS) })
    await answer.text()
    return answer.status === 200 ? performance.now() - begun : undefined
  } catch {
    // Refused, reset or too late: counted as not served.
    return undefined
  }
}
