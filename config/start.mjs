// Runs the compiled server in this process, so that signals reach it, and compiles first when the sources are newer.
import { existsSync, readdirSync, statSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const [major, minor] = process.versions.node.split(".").map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Switchboard needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer Node and try again.`,
  )
  process.exit(1)
}

const root = fileURLToPath(new URL("..", import.meta.url))
const entry = join(root, "dist", "core", "serve", "node.js")

if (isStale()) {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc")
  if (!existsSync(compiler)) {
    console.error(
      "dist/ is missing or older than the sources, and the compiler is not installed. Run: npm ci && npm run build",
    )
    process.exit(1)
  }
  console.error("Compiling, since the sources are newer than dist/ …")
  const built = spawnSync(process.execPath, [compiler, "-p", join(root, "config", "tsconfig.build.json")], {
    stdio: "inherit",
  })
  if (built.status !== 0) process.exit(1)
}

await import(pathToFileURL(entry).href)

/** True when there is no compiled entry, or a source was changed after it was written. */
function isStale() {
  if (!existsSync(entry)) return true
  const compiled = statSync(entry).mtimeMs
  return ["core", "plugins", "adapters", "config"].some((folder) => newest(join(root, folder)) > compiled)
}

function newest(folder) {
  if (!existsSync(folder)) return 0
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .reduce((latest, file) => Math.max(latest, statSync(join(file.parentPath ?? file.path, file.name)).mtimeMs), 0)
}
