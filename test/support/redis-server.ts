import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { createServer } from "node:net"
import { delimiter, join } from "node:path"
import { createInterface } from "node:readline"
import { Redis } from "ioredis"
import { temporaryFolder } from "./folder.ts"

/** A server of one's own on loopback, so that nobody else notices its faults. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Where its files are. */
  readonly folder: string
  /** Starts it again on the same port with what it kept; `more` arguments this time. `loading` does not wait for its data. */
  start(more?: readonly string[], loading?: "loading"): Promise<void>
  /** Resolves once the process has ended. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>
  /** It answers nothing, while its connections stay open. */
  freeze(): void
  thaw(): void
  /** A client for whoever looks on; closed with the server. */
  client(): Redis
  remove(): Promise<void>
}

export interface RedisServerOptions {
  /** Default `always`: what was acknowledged is on the disk. `none` keeps nothing. */
  readonly keep?: "always" | "everysec" | "none"
  /** Further arguments, such as `--maxmemory 10mb`. */
  readonly args?: readonly string[]
  /** For the clients of `client()` and the url, when `args` ask for one. */
  readonly password?: string
  /** Takes TLS only; `args` name the files. */
  readonly tls?: boolean
}

/** The program, or undefined where neither package is installed. */
export function findRedis(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter)
  const names = ["redis-server", "valkey-server"]
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path))
}

/** What a test says that cannot run; empty when it can. */
export const redisMissing: string =
  findRedis() === undefined ? " (skipped: the Debian package redis-server is not installed)" : ""

const PATIENCE_MS = 30_000

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = findRedis()
  if (program === undefined) throw new Error("Install the Debian package redis-server")
  const folder = await temporaryFolder()
  const { keep = "always", args = [], password, tls = false } = options
  const clients: Redis[] = []
  let port = 0
  let child: ChildProcess | undefined

  const durable = keep === "none" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", keep]
  const spawned = async (more: readonly string[] = [], line = "Ready to accept connections"): Promise<boolean> => {
    const ports = tls
      ? ["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no"]
      : ["--port", String(port)]
    const base = [...ports, "--bind", "127.0.0.1", "--dir", folder.path, "--save", ""]
    const started = spawn(program, [...base, ...durable, ...args, ...more], { stdio: ["ignore", "pipe", "inherit"] })
    child = started
    const ended = once(started, "exit").then(() => false)
    const ready = new Promise<boolean>((resolve) => {
      createInterface({ input: started.stdout }).on("line", (said) => {
        if (said.includes(line)) resolve(true)
      })
    })
    return Promise.race([ready, ended])
  }
  const start = async (more?: readonly string[], loading?: "loading"): Promise<void> => {
    if (!(await spawned(more, loading && "Server initialized")))
      throw new Error(`redis-server does not start on port ${port}`)
  }
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, "exit")
    running.kill(signal)
    // A stopped process hears only this.
    running.kill("SIGCONT")
    const late = setTimeout(() => running.kill("SIGKILL"), PATIENCE_MS)
    await ended
    clearTimeout(late)
  }

  // Somebody may take the port between the look and the start.
  for (let attempt = 0; ; attempt++) {
    port = await freePort()
    if (await spawned()) break
    if (attempt === 5) throw new Error("redis-server does not start")
  }
  const at = password === undefined ? "" : `:${password}@`
  const url = `redis://${at}127.0.0.1:${port}`
  return {
    url,
    port,
    get pid() {
      return child?.pid ?? 0
    },
    folder: folder.path,
    start,
    stop,
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    client() {
      const client = new Redis(url, { maxRetriesPerRequest: null })
      client.on("error", () => {
        // The server is stopped on purpose in many tests.
      })
      clients.push(client)
      return client
    },
    async remove() {
      for (const client of clients) client.disconnect()
      await stop("SIGKILL")
      await folder.remove()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("No port")
  return address.port
}
