// Where a compiled entry is, compiled first when the sources are newer.
import { existsSync, readdirSync, statSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

/** The URL of `core/serve/<name>` as compiled. Ends the process when it cannot be run here. */
export function compiled(name) {
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `Switchboard needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer Node and try again.`,
    )
    process.exit(1)
  }
  const entry = join(root, "dist", "core", "serve", `${name}.js`)
  if (isStale(entry)) compile()
  return pathToFileURL(entry).href
}

function compile() {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc")
  if (!existsSync(compiler)) {
    console.error(
      "dist/ is missing or older than the sources, and the compiler is not installed. Run: npm ci && npm run build",
    )
    process.exit(1)
  }
  console.error("Compiling, since the sources are newer than dist/ …")
  // Whatever the compiler says goes beside the output, which may be a pipe that expects something else.
  const built = spawnSync(process.execPath, [compiler, "-p", join(root, "config", "tsconfig.build.json")], {
    stdio: ["ignore", 2, 2],
  })
  if (built.status !== 0) process.exit(1)
}

/** True when there is no compiled entry, or a source was changed after it was written. */
function isStale(entry) {
  if (!existsSync(entry)) return true
  const written = statSync(entry).mtimeMs
  return ["core", "plugins", "adapters", "config"].some((folder) => newest(join(root, folder)) > written)
}

function newest(folder) {
  if (!existsSync(folder)) return 0
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .reduce((latest, file) => Math.max(latest, statSync(join(file.parentPath ?? file.path, file.name)).mtimeMs), 0)
}
