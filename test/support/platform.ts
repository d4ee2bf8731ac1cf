import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** The server as a process of its own, as a user would run it, so that it can be killed. */

export interface PlatformOptions {
  /** Environment beside the defaults: a free port, the data folder given, plain logs, no limit that matters. */
  readonly env: Readonly<Record<string, string>>
  readonly runtime?: "node" | "deno"
  /** Run the compiled server instead of the sources, as `npm run build` left it. */
  readonly compiled?: boolean
  /** Run the server that is installed as a package in this folder. */
  readonly installedIn?: string
  /** In place of the server's own entry, on Node and from the sources. */
  readonly entry?: string
  /** Hears every line of both outputs. */
  readonly output?: (line: string) => void
  /** Extra flags for the runtime itself, such as `--expose-gc`. */
  readonly flags?: readonly string[]
}

export interface Platform {
  readonly url: string
  readonly pid: number
  /** Milliseconds from spawn to the line that names the URL. */
  readonly startedInMs: number
  readonly child: ChildProcess
  /** Last lines of its output, newest last. */
  tail(): readonly string[]
  /** kill -9. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** Calls the API, with the admin key if there is one; a body is sent as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint: tests read whatever the route answers
  readonly body: Record<string, unknown>
}

/** The top folder of the repository, with a slash at the end. */
export const root = fileURLToPath(new URL("../..", import.meta.url))
const inDeno = "Deno" in globalThis
/** Where a server is that has been installed as a package. */
export const INSTALLED = "node_modules/@switchboard/server/dist/core/serve/node.js"

/**
 * The permissions Deno needs: loopback, its environment, the sources and packages, the data folder, what the lock says about
 * processes, and native code for LMDB and the lock. No other host, no other file, no child process.
 */
export const denoPermissions = (folder: string): string[] => [
  "--allow-net=127.0.0.1,localhost",
  "--allow-env",
  `--allow-read=${root},${folder},/proc`,
  `--allow-write=${folder}`,
  "--allow-sys=cpus,hostname,networkInterfaces,statfs",
  "--allow-ffi",
]

function command(options: PlatformOptions): { readonly file: string; readonly args: string[] } {
  const runtime = options.runtime ?? (inDeno ? "deno" : "node")
  const flags = options.flags ?? []
  if (runtime === "deno") {
    const folder = options.env.WHATSAPP_SESSIONS_PATH ?? "./sessions"
    const binary = inDeno ? process.execPath : `${root}node_modules/.bin/deno`
    return { file: binary, args: ["run", "--quiet", ...denoPermissions(folder), ...flags, "core/serve/deno.ts"] }
  }
  if (options.installedIn !== undefined) return { file: process.execPath, args: [...flags, INSTALLED] }
  if (options.compiled) return { file: process.execPath, args: [...flags, "dist/core/serve/node.js"] }
  return { file: process.execPath, args: [...flags, "--import", "tsx", options.entry ?? "core/serve/node.ts"] }
}

/** Who watches what a server does under load does not want to be kept from it. */
const BUSY = { WHATSAPP_RATE_LIMIT_PER_COMPANY: "1000000" }

/** Starts the server and waits until it answers. Rejects with its output when it ends before that. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { file, args } = command(options)
  const lines: string[] = []
  const begun = performance.now()
  const { PATH, HOME } = process.env
  const child = spawn(file, args, {
    cwd: options.installedIn ?? root,
    env: { PATH, HOME, PORT: "0", ...BUSY, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  // A server must not outlive whoever started it.
  const orphan = (): void => void child.kill("SIGKILL")
  process.once("exit", orphan)
  child.once("exit", () => process.removeListener("exit", orphan))
  const url = await new Promise<string>((resolve, reject) => {
    const read = (line: string): void => {
      options.output?.(line)
      lines.push(line)
      if (lines.length > 200) lines.shift()
      const found = /"url":"(http:[^"]+)"/.exec(line)
      if (found?.[1]) resolve(found[1])
    }
    createInterface({ input: child.stdout }).on("line", read)
    createInterface({ input: child.stderr }).on("line", read)
    child.once("exit", (code) =>
      reject(new Error(`The server ended with ${code} before it answered:\n${lines.join("\n")}`)),
    )
    child.once("error", reject)
  })
  const startedInMs = performance.now() - begun
  const { WHATSAPP_API_KEY: admin } = options.env
  const key: Record<string, string> = admin === undefined ? {} : { "x-api-key": admin }
  const ended = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    return child.exitCode
  }
  return {
    url,
    pid: child.pid ?? -1,
    startedInMs,
    child,
    tail: () => lines,
    kill: async () => {
      child.kill("SIGKILL")
      await ended()
    },
    stop: async () => {
      child.kill("SIGTERM")
      return ended()
    },
    call: (method, path, body, headers) => call(url, method, path, body, { ...key, ...headers }),
  }
}

/** One request to the API; the answer's JSON, or its text under `text`. */
export async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : { text }
  return { status: response.status, headers: response.headers, body: json }
}

/** Asks again every 20 ms until `probe` gives something, for at most `timeoutMs`; the failure says what was waited for. */
export async function until<T>(
  what: string | (() => string),
  timeoutMs: number,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > end) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${typeof what === "string" ? what : what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
