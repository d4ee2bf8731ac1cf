import { readdir, readFile, rm, writeFile } from "node:fs/promises"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { memoryLedger } from "../adapters/ledger/memory/index.ts"
import { createApp } from "../core/app.ts"
import type { Config } from "../core/config.ts"
import { coreErrors } from "../core/errors.ts"
import type { OwnedRoute } from "../core/http/table.ts"
import { CLIENT_FOLDER, clientFiles } from "./client.ts"
import { missingInManuals } from "./manuals.ts"
import standard from "./switchboard.config.ts"
import {
  enabling,
  envExample,
  errorsTable,
  ownPlugins,
  pluginsTable,
  routesTable,
  settingsTable,
  storesTable,
} from "./tables.ts"

/**
 * `npx tsx config/docs.ts` writes the tables of the README, between their markers, `.env.example`, and what the client
 * has of each route;
 * with `--check` it writes nothing and ends with 1 when one of them is not what the code says. Either way it ends with 1
 * when the README.md of a plugin does not name all that the plugin has.
 */

const root = fileURLToPath(new URL("../", import.meta.url))

/** The files as they should be, by path below the root; `routes`: when they are known already. */
export async function generate(routes?: readonly OwnedRoute[]): Promise<Readonly<Record<string, string>>> {
  const mounted = routes ?? (await mountedRoutes())
  const tables: Readonly<Record<string, string>> = {
    plugins: pluginsTable(standard),
    enabling: enabling(standard),
    settings: settingsTable(standard),
    routes: routesTable(mounted, standard),
    errors: errorsTable(standard),
    stores: storesTable(standard),
  }
  const readme = Object.entries(tables).reduce(
    (text, [name, table]) => between(text, name, table),
    await readFile(`${root}README.md`, "utf8"),
  )
  const errors = Object.assign({}, coreErrors, ...ownPlugins(standard).map((plugin) => plugin.errors))
  return { "README.md": readme, ".env.example": envExample(standard), ...clientFiles(mounted, errors) }
}

/** Files that were made of routes which are not there any more. */
async function leftOver(files: Readonly<Record<string, string>>): Promise<string[]> {
  const there = (await readdir(`${root}${CLIENT_FOLDER}`)).map((name) => `${CLIENT_FOLDER}${name}`)
  return there.filter((file) => files[file] === undefined)
}

function between(text: string, name: string, table: string): string {
  const [from, to] = [`<!-- generated:${name} -->`, `<!-- /generated:${name} -->`]
  const start = text.indexOf(from)
  const end = text.indexOf(to)
  if (start < 0 || end < start) throw new Error(`README.md has no ${from} … ${to}`)
  return `${text.slice(0, start)}${from}\n${table}\n${text.slice(end)}`
}

/** Routes are mounted when plugins are set up, so an app is started for it: in memory, without a port, leaving nothing. */
async function mountedRoutes(): Promise<readonly OwnedRoute[]> {
  const config: Config = { ...standard, ledger: memoryLedger }
  const system = {
    ...standard.system(),
    lockFolder: async () => ({ held: true, release: async () => undefined }) as const,
  }
  const app = createApp({ config, system, env: { WHATSAPP_STORAGE: "memory", WHATSAPP_LOG_LEVEL: "silent" } })
  await app.start()
  const routes = app.routes()
  await app.stop()
  return routes
}

/** What the READMEs of plugins do not tell, one line each. */
export async function untold(routes?: readonly OwnedRoute[]): Promise<string[]> {
  const read = (file: string): Promise<string | undefined> =>
    readFile(`${root}${file}`, "utf8").catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === "ENOENT") return undefined
      throw thrown
    })
  return missingInManuals(ownPlugins(standard), routes ?? (await mountedRoutes()), read)
}

/** Paths of the files that are not what they should be. */
export async function outdated(routes?: readonly OwnedRoute[]): Promise<string[]> {
  const files = await generate(routes)
  const found = await leftOver(files)
  for (const [file, text] of Object.entries(files)) {
    const now = await readFile(`${root}${file}`, "utf8").catch(() => "")
    if (now !== text) found.push(file)
  }
  return found
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url).startsWith(process.argv[1].replace(/\.ts$/, ""))) {
  const routes = await mountedRoutes()
  if (process.argv.includes("--check")) {
    const files = await outdated(routes)
    for (const file of files) console.error(`${file} is not what the code says; run: npx tsx config/docs.ts`)
    if (files.length > 0) process.exitCode = 1
  } else {
    const files = await generate(routes)
    for (const [file, text] of Object.entries(files)) await writeFile(`${root}${file}`, text)
    for (const file of await leftOver(files)) await rm(`${root}${file}`)
  }
  const missing = await untold(routes)
  for (const line of missing) console.error(line)
  if (missing.length > 0) process.exitCode = 1
}
