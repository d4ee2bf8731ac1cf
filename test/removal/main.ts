import { createHash } from "node:crypto"
import process from "node:process"
import standard from "../../config/switchboard.config.ts"
import { removeAndRun } from "./removed.ts"

/**
 * `npm run test:plugins` removes each plugin of the config from a copy of the checkout, and sees whether the rest still
 * works. With names, those; with `--drawn <text>`, two that the text decides.
 */

const DRAWN = 2

const all = standard.plugins.filter((plugin) => typeof plugin !== "string").map(({ name }) => name)

function wanted(args: readonly string[]): readonly string[] {
  const [first, text] = args
  if (first === undefined) return all
  if (first !== "--drawn") {
    const unknown = args.filter((name) => !all.includes(name))
    if (unknown.length > 0) throw new Error(`The config has no plugin ${unknown.join(", ")}; it has ${all.join(", ")}`)
    return args
  }
  if (text === undefined || text === "") throw new Error("--drawn takes a text, such as the hash of a commit")
  const weight = (name: string): string => createHash("sha256").update(`${text} ${name}`).digest("hex")
  return [...all].sort((a, b) => (weight(a) < weight(b) ? -1 : 1)).slice(0, DRAWN)
}

let failed = 0
for (const plugin of wanted(process.argv.slice(2))) {
  const steps: string[] = []
  try {
    await removeAndRun(plugin, ({ what, ms }) => void steps.push(`${what} ${(ms / 1000).toFixed(1)} s`))
    console.log(`ok      without ${plugin}: ${steps.join(", ")}`)
  } catch (thrown) {
    failed++
    console.log(`FAILED  ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}
process.exitCode = failed === 0 ? 0 : 1
