import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { until } from "../support/platform.ts"

/** A server that was started as an operator would, and answers. */
export interface Served {
  readonly url: string
  /** Sends the signal; resolves with how the process ended. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  kill(): Promise<void>
}

export interface ServeOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Where it will answer. */
  readonly url: string
}

const PATIENCE_MS = 60_000

/** Starts a program with its arguments and waits until `/healthz` answers. Rejects with its output when it ends before. */
export async function serve([program = "", ...args]: readonly string[], options: ServeOptions): Promise<Served> {
  const { cwd, env, url } = options
  const { PATH, HOME } = process.env
  const child = spawn(program, args, { cwd, env: { PATH, HOME, ...env }, stdio: ["ignore", "pipe", "pipe"] })
  // A server must not outlive whoever started it.
  const orphan = (): void => void child.kill("SIGKILL")
  process.once("exit", orphan)
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(child, "exit").then(([code, signal]) => {
    process.removeListener("exit", orphan)
    return { code: code as number | null, signal: signal as NodeJS.Signals | null }
  })
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL")
    await ended
  }
  try {
    await until(`an answer of ${program} ${args.join(" ")}`, PATIENCE_MS, async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${program} has ended:\n${output}`)
      const answer = await fetch(`${url}/healthz`).catch(() => undefined)
      return answer?.status === 200 ? true : undefined
    })
  } catch (fault) {
    await kill()
    throw fault
  }
  return {
    url,
    end(signal) {
      child.kill(signal)
      return ended
    },
    kill,
  }
}

/** A port that nobody has; somebody may take it before it is used, which then says so. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("No port")
  return address.port
}
