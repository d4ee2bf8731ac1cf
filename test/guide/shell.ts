import { execFile, spawnSync } from "node:child_process"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The variables that a shell has for its children after these lines, beyond those it had before. */
export async function exportsOf(lines: string, before: Readonly<Record<string, string>> = {}) {
  const { stdout } = await run("bash", ["-c", `${lines}\nenv -0`], { env: { PATH: process.env.PATH, ...before } })
  const all = stdout.split("\0").map((line): [string, string] => {
    const [name = ""] = line.split("=", 1)
    return [name, line.slice(name.length + 1)]
  })
  return Object.fromEntries(all.filter(([name]) => /^(?:WHATSAPP_|DEFAULT_)/.test(name)))
}

/** What each line that does something prints. Rejects when one fails. */
export async function printed(lines: string, folder?: string): Promise<readonly string[]> {
  const commands = lines.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  const outputs: string[] = []
  for (const command of commands) {
    const { stdout } = await run("bash", ["-o", "pipefail", "-c", command], { cwd: folder, maxBuffer: 1 << 26 })
    outputs.push(stdout)
  }
  return outputs
}

/** Runs the lines as one script. */
export async function runIn(folder: string, lines: string): Promise<void> {
  await run("bash", ["-e", "-c", lines], { cwd: folder })
}

export const hasJq = (): boolean => spawnSync("jq", ["--version"]).status === 0
