import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { root } from "../support/platform.ts"

/** What is done as soon as a text is on the terminal, behind that of the step before. */
export interface Step {
  readonly wait: string
  readonly send?: string
  readonly signal?: number
  /** Columns and rows. */
  readonly size?: readonly [number, number]
}

export interface Shown {
  /** All that was written to the terminal. */
  readonly output: string
  /** The exit code; below 0 the signal. */
  readonly code: number
  /** At the last step the terminal gave every key at once, and showed none. */
  readonly raw: boolean
  /** The terminal's modes are at the end what they were in the beginning. */
  readonly restored: boolean
}

const script = fileURLToPath(new URL("./on-terminal.py", import.meta.url))
const SECONDS = 60

/** Runs a command on a terminal; rejects when a step is waited for in vain. */
export async function onTerminal(
  command: readonly string[],
  {
    steps,
    env,
    size: [columns, rows] = [80, 24],
  }: {
    readonly steps: readonly Step[]
    readonly env: Readonly<Record<string, string>>
    readonly size?: readonly [number, number]
  },
): Promise<Shown> {
  const args = [script, String(columns), String(rows), String(SECONDS), JSON.stringify(steps), ...command]
  const { stdout } = await promisify(execFile)("python3", args, {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: "xterm-256color", ...env },
    maxBuffer: 1 << 24,
  })
  return JSON.parse(stdout) as Shown
}
