import { execFile } from "node:child_process"
import { cp, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { temporaryFolder } from "../support/folder.ts"
import { root } from "../support/platform.ts"

/** A project of somebody who has installed the packed server, and packages beside it. */
export interface Project {
  readonly path: string
  /** Compiles a TypeScript project, with the types that are installed here. Rejects with what the compiler says. */
  compile(folder: string): Promise<void>
  /** Packs a folder and installs the package. */
  install(folder: string): Promise<void>
  remove(): Promise<void>
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

const run = promisify(execFile)
const COMPILER = join(root, "node_modules/typescript/bin/tsc")

/**
 * Packs the server as `npm run build` left it and installs it with npm, offline: what it depends on is there already, as
 * copies from this checkout.
 */
export async function openProject(): Promise<Project> {
  const folder = await temporaryFolder()
  const { path } = folder
  await writeFile(join(path, "package.json"), JSON.stringify({ name: "salon", private: true, type: "module" }))
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as LockFile
  // npm looks for the commands of what is there, and takes what has none for damaged.
  await copy("node_modules/.bin", path)
  for (const [place, { dev }] of Object.entries(packages)) {
    if (place.startsWith("node_modules/") && place.split("node_modules/").length === 2 && dev !== true)
      await copy(place, path)
  }
  const project: Project = {
    path,
    async compile(sources) {
      await run(process.execPath, [COMPILER, "-p", sources]).catch((thrown: Error & { stdout?: string }) => {
        throw new Error(thrown.stdout ?? thrown.message)
      })
    },
    async install(sources) {
      const packed = await npm(["pack", "--ignore-scripts", "--json", "--pack-destination", path, sources], path)
      const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
      await npm(["install", "--offline", "--ignore-scripts", `./${filename}`], path)
    },
    remove: () => folder.remove(),
  }
  await project.install(root)
  return project
}

/** With what is nested in it. An optional package for another machine is not there. */
async function copy(place: string, to: string): Promise<void> {
  const from = join(root, place)
  if ((await readdir(from).catch(() => undefined)) === undefined) return
  await cp(from, join(to, place), { recursive: true, verbatimSymlinks: true })
}

async function npm(args: readonly string[], path: string): Promise<string> {
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--cache", join(path, ".npm")]
  const env = { PATH: process.env.PATH, HOME: path }
  const { stdout } = await run("npm", [...args, ...quiet], { cwd: path, env })
  return stdout
}
