import { spawn } from "node:child_process"
import { once } from "node:events"
import process from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export interface LaunchOptions {
  /** Flags of Node, then the script below the root and its own arguments. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A client process that has said where it listens. */
export interface Launched {
  readonly pid: number
  readonly url: string
  /** Where its debugger listens, when it was started with `--inspect`. */
  readonly inspector: string | undefined
  stop(): Promise<void>
}

const LINES_KEPT = 100

/** Starts Node and waits for a line with `"url":"http…"`. Rejects with its last output when it ends before that. */
export async function launch({ args, env = {} }: LaunchOptions): Promise<Launched> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH, HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  // However this process ends, it leaves no client behind.
  const kill = (): void => void child.kill("SIGKILL")
  process.once("exit", kill)
  const lines: string[] = []
  let inspector: string | undefined
  let state: "starting" | "running" | "stopping" = "starting"
  const url = await new Promise<string>((resolve, reject) => {
    const read = (line: string): void => {
      lines.push(line)
      if (lines.length > LINES_KEPT) lines.shift()
      inspector ??= /Debugger listening on (ws:\S+)/.exec(line)?.[1]
      const found = /"url":"(http:[^"]+)"/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    }
    createInterface({ input: child.stdout }).on("line", read)
    createInterface({ input: child.stderr }).on("line", read)
    child.once("error", reject)
    child.once("exit", (code, signal) => {
      process.off("exit", kill)
      const ended = new Error(`${args.join(" ")} ended with ${code ?? signal}:\n${lines.join("\n")}`)
      if (state === "starting") reject(ended)
      // Nobody awaits the start any more, and a client that vanished must not leave a figure behind.
      if (state === "running") throw ended
    })
  })
  state = "running"
  return {
    pid: child.pid ?? -1,
    url,
    inspector,
    async stop() {
      state = "stopping"
      child.kill("SIGTERM")
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    },
  }
}
