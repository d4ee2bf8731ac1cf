import { spawn } from "node:child_process"
import { once } from "node:events"
import { INSTALLED, root } from "../support/platform.ts"

/** How a start that was not to succeed has ended. */
export interface Ended {
  readonly code: number | null
  readonly ms: number
  /** Lines of both outputs that are not empty, as they were written. */
  readonly lines: readonly string[]
}

const GIVEN_UP_MS = 20_000

/**
 * Starts the server, or the one that is installed in a folder, and waits for its end; one that still runs after 20 s is
 * ended and has no code.
 */
export async function startInVain(env: Readonly<Record<string, string>>, installedIn?: string): Promise<Ended> {
  const begun = performance.now()
  const entry = installedIn === undefined ? ["--import", "tsx", "core/serve/node.ts"] : [INSTALLED]
  const child = spawn(process.execPath, entry, {
    cwd: installedIn ?? root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
  const late = setTimeout(() => child.kill("SIGKILL"), GIVEN_UP_MS)
  await once(child, "close")
  clearTimeout(late)
  return {
    code: child.exitCode,
    ms: performance.now() - begun,
    lines: output.split("\n").filter((line) => line.trim() !== ""),
  }
}
