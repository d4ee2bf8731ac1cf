import { spawn, type ChildProcess } from "node:child_process"
import type { Socket } from "node:net"
import process from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { connectSandbox, type SandboxClient } from "./client.ts"

export { connectSandbox, SandboxError } from "./client.ts"
export type {
  ArmedFault,
  GroupSpec,
  LinkedDevice,
  MessageFilter,
  SandboxClient,
  SandboxLine,
  SandboxPhone,
  SentMessage,
} from "./client.ts"
export type { MessageKind } from "./content.ts"
export type { Fault, FaultKind, FaultSpec } from "./faults.ts"
export type { HandsetCounts, HandsetSettings } from "./handset.ts"
export type { Received } from "./inbox.ts"
export type { PhoneSpec } from "./phones.ts"
export type { LoginRecord, SentRecord } from "./stats.ts"
export type { LineView, PhoneView, Totals } from "./views.ts"

export interface SandboxOptions {
  /** Ports; free ones when left out. */
  readonly port?: number
  readonly controlPort?: number
}

export interface Sandbox extends SandboxClient {
  readonly pid: number
  /** Environment that points Switchboard at this sandbox. */
  readonly env: { readonly WHATSAPP_SOCKET_URL: string; readonly WHATSAPP_SOCKET_ROOT_KEY: string }
  stop(): Promise<void>
}

/**
 * Starts a sandbox in a process of its own. It ends with `stop()`, and by itself when the caller's process ends, however
 * that happens. Rejects when it cannot start, for instance because a port is taken.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  // From this folder, since loaders named on the command line are looked up from the working directory.
  const cwd = fileURLToPath(new URL(".", import.meta.url))
  const child = spawn(process.execPath, argumentsFor(options), { stdio: ["pipe", "pipe", "pipe"], cwd })
  const control = await firstLine(child)
  // It has nothing to say unless it breaks, and then nobody should have to guess why.
  child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk))
  const client = await connectSandbox(control)
  const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()))
  // A caller that has nothing else to do may end; the sandbox then does too.
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Partial<Socket> | null)?.unref?.()
  return {
    ...client,
    pid: child.pid ?? 0,
    env: { WHATSAPP_SOCKET_URL: client.url, WHATSAPP_SOCKET_ROOT_KEY: client.rootKey },
    async stop() {
      // Whoever waits for the end must live to see it.
      child.ref()
      child.kill("SIGTERM")
      await ended
    },
  }
}

const DENO_PERMISSIONS = ["--allow-net=127.0.0.1", "--allow-env", "--allow-read"]

function argumentsFor({ port = 0, controlPort = 0 }: SandboxOptions): string[] {
  const typescript = import.meta.url.endsWith(".ts")
  const main = fileURLToPath(new URL(typescript ? "./main.ts" : "./main.js", import.meta.url))
  const flags = ["--json", "--with-parent", "--port", String(port), "--control-port", String(controlPort)]
  if ("Deno" in globalThis) return ["run", "--no-prompt", ...DENO_PERMISSIONS, main, ...flags]
  return typescript ? ["--import", "tsx", main, ...flags] : [main, ...flags]
}

/** The control URL from the first line of output; rejects with what was said on standard error when there is none. */
function firstLine(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child
  if (!stdout || !stderr) return Promise.reject(new Error("the sandbox has no output"))
  return new Promise((resolve, reject) => {
    let errors = ""
    stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000)
    })
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`the sandbox ended with code ${code}: ${errors.trim()}`)))
    createInterface({ input: stdout }).once("line", (line) => {
      const { control } = JSON.parse(line) as { control: string }
      resolve(control)
    })
  })
}
