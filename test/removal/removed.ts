import { execFile } from "node:child_process"
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { listFiles, root } from "../house/source.ts"
import { temporaryFolder } from "../support/folder.ts"

/** A copy of this checkout as it is when somebody has removed a plugin: its folder, its tests, its line in the config. */

const run = promisify(execFile)
const CONFIG = "config/switchboard.config.ts"

export interface Step {
  readonly what: string
  readonly ms: number
}

/**
 * Removes the plugin and does what must still work: type check, docs, start, a message out and one in. Rejects with the
 * first step that fails, and what it said.
 */
export async function removeAndRun(plugin: string, tell: (step: Step) => void): Promise<void> {
  const folder = await temporaryFolder()
  const step = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const begun = performance.now()
    await work().catch((thrown: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`${what} fails without ${plugin}:\n${thrown.stdout ?? ""}${thrown.stderr ?? thrown.message}`)
    })
    tell({ what, ms: performance.now() - begun })
  }
  const node = (...args: string[]): Promise<unknown> =>
    run(process.execPath, args, { cwd: folder.path, env: { PATH: process.env.PATH, HOME: process.env.HOME } })
  try {
    await step("copying", () => copyWithout(plugin, folder.path))
    await step("the type check", () => node("node_modules/typescript/bin/tsc", "-p", "."))
    await step("the docs", () => node("--import", "tsx", "config/docs.ts"))
    await step("a message out and one in", () => node("--import", "tsx", "test/removal/trip.ts", plugin))
  } finally {
    await folder.remove()
  }
}

async function copyWithout(plugin: string, to: string): Promise<void> {
  const files = listFiles().filter((file) => !belongsTo(plugin, file))
  for (const folder of new Set(files.map((file) => dirname(file)))) await mkdir(join(to, folder), { recursive: true })
  await Promise.all(files.map((file) => copyFile(join(root, file), join(to, file))))
  await symlink(join(root, "node_modules"), join(to, "node_modules"), "dir")
  await writeFile(join(to, CONFIG), withoutLines(plugin, await readFile(join(root, CONFIG), "utf8")))
}

/** Its folder, and tests that are called after it: `test/plugins/<name>.test.ts`, `test/plugins/<name>-*.ts`. */
export function belongsTo(plugin: string, file: string): boolean {
  if (file.startsWith(`plugins/${plugin}/`)) return true
  return ["-", "."].some((next) => file.startsWith(`test/plugins/${plugin}${next}`))
}

/** The config without the line that imports the plugin and the one that lists it. */
export function withoutLines(plugin: string, config: string): string {
  const lines = config.split("\n")
  const importing = lines.find((line) => line.includes(`"../plugins/${plugin}/index.ts"`))
  const name = /^import (\w+) from/.exec(importing ?? "")?.[1]
  if (name === undefined) throw new Error(`${CONFIG} does not import the plugin ${plugin}`)
  const kept = lines.filter((line) => line !== importing && !new RegExp(`^\\s+${name},`).test(line))
  if (kept.length !== lines.length - 2)
    throw new Error(`${CONFIG} does not have the plugin ${plugin} on a line of its own`)
  return kept.join("\n")
}
