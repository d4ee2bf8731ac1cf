import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { createInterface } from "node:readline"
import { WebSocket } from "ws"

/** A real browser, steered by its own protocol. */
export interface Browser {
  /** Opens a page and keeps what it does; resolves once it has loaded. */
  open(url: string): Promise<Page>
  close(): Promise<void>
}

export interface Page {
  /** Every URL the page has asked for. */
  readonly requests: readonly string[]
  /** What the console says: errors, and what the page's policy has refused. */
  readonly complaints: readonly string[]
  evaluate(script: string): Promise<unknown>
  /** Asks every 50 ms until the script gives something true; for at most a minute. */
  until(script: string): Promise<void>
}

interface Event {
  readonly method: string
  readonly params: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** The browser's program, or undefined where the Debian package chromium is not installed. */
export function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter)
  return folders.map((folder) => join(folder, "chromium")).find((path) => existsSync(path))
}

export async function startBrowser(program: string): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), "switchboard-browser-"))
  // Root may not use the sandbox, and the page is our own.
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
  // Without these it asks for hosts of its maker's at every start, and waits for them where there is no network.
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
  const args = [...flags, ...quiet, "--remote-debugging-port=0", `--user-data-dir=${profile}`]
  const child = spawn(program, [...args, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] })
  const protocol = await connect(await inTime("the browser's start", addressOf(child)))
  return {
    open: (url) => openPage(protocol, url),
    async close() {
      await protocol.send("Browser.close").catch(() => undefined)
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** The first start on a machine reads the whole program from a cold disk. */
const PATIENCE_MS = 60_000

async function inTime<T>(what: string, waiting: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not within ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS)
  })
  return Promise.race([waiting, late]).finally(() => clearTimeout(timer))
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines: string[] = []
    child.once("error", reject)
    child.once("exit", () => reject(new Error(`The browser ended before it could be reached:\n${lines.join("\n")}`)))
    if (child.stderr === null) return
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line)
      const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1]
      if (address !== undefined) resolve(address)
    })
  })
}

interface Protocol {
  send(method: string, params?: object, sessionId?: string): Promise<Record<string, unknown>>
  on(listener: (event: Event) => void): void
}

async function connect(address: string): Promise<Protocol> {
  const socket = new WebSocket(address)
  await once(socket, "open")
  const waiting = new Map<number, { resolve(value: Record<string, unknown>): void; reject(error: Error): void }>()
  const listeners: ((event: Event) => void)[] = []
  let last = 0
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Event & { id?: number; result?: object; error?: { message: string } }
    const asked = message.id === undefined ? undefined : waiting.get(message.id)
    if (asked === undefined) {
      for (const listener of listeners) listener(message)
    } else if (message.error !== undefined) asked.reject(new Error(message.error.message))
    else asked.resolve((message.result ?? {}) as Record<string, unknown>)
  })
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("The browser has gone"))
  })
  return {
    send: (method, params = {}, sessionId) =>
      inTime(
        method,
        new Promise((resolve, reject) => {
          const id = ++last
          waiting.set(id, { resolve, reject })
          socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
        }),
      ),
    on: (listener) => void listeners.push(listener),
  }
}

async function openPage(protocol: Protocol, url: string): Promise<Page> {
  const requests: string[] = []
  const complaints: string[] = []
  const { targetId } = await protocol.send("Target.createTarget", { url: "about:blank" })
  const { sessionId } = await protocol.send("Target.attachToTarget", { targetId, flatten: true })
  const send = (method: string, params?: object) => protocol.send(method, params, String(sessionId))
  const loaded = new Promise<void>((resolve) => {
    protocol.on(({ method, params }) => {
      if (method === "Network.requestWillBeSent") requests.push(String(params.request?.url))
      if (method === "Log.entryAdded") complaints.push(String(params.entry?.text))
      if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(params.exceptionDetails))
      if (method === "Page.loadEventFired") resolve()
    })
  })
  for (const part of ["Network", "Log", "Runtime", "Page"]) await send(`${part}.enable`)
  await send("Page.navigate", { url })
  await inTime(`the load of ${url}`, loaded)

  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await send("Runtime.evaluate", { expression, returnByValue: true })
    return (result as { readonly value?: unknown }).value
  }
  return {
    requests,
    complaints,
    evaluate,
    async until(script) {
      const end = performance.now() + PATIENCE_MS
      while ((await evaluate(script)) !== true) {
        if (performance.now() > end)
          throw new Error(`Not so within ${PATIENCE_MS} ms: ${script}\n${complaints.join("\n")}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}
