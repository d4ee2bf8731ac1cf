import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { toError } from "../../errors.ts"
import { isStartError } from "../../settings/start-error.ts"
import { describe, type Described } from "./describe.ts"
import { asMarkdown } from "./markdown.ts"
import { asText } from "./text.ts"

const HELP = `What is loaded, in which order, and what belongs to whom. Nothing is started, and a server may be running.

Usage: npm run plugins -- [options]

  --json      The same for programs
  --markdown  A table of each plugin's own, for your documentation
  --help      This text`

/** Prints the plugins; the exit code is 0, 1 when a start would fail, 2 when it was asked wrongly. */
export async function main(argv: readonly string[]): Promise<number> {
  const wanted = parse(argv)
  if ("fault" in wanted) {
    console.error(`${wanted.fault}\n\n${HELP}`)
    return 2
  }
  if (wanted.help) {
    console.log(HELP)
    return 0
  }
  try {
    const described = await survey()
    for (const warning of described.warnings) console.error(warning)
    if (wanted.json) console.log(JSON.stringify(described, undefined, 2))
    else console.log(wanted.markdown ? asMarkdown(described) : asText(described))
    return 0
  } catch (thrown) {
    const error = toError(thrown)
    if (wanted.json) console.log(JSON.stringify({ problems: isStartError(thrown) ? thrown.problems : [error.message] }))
    console.error(isStartError(thrown) ? error.message : (error.stack ?? error.message))
    return 1
  }
}

type Wanted =
  | { readonly json: boolean; readonly markdown: boolean; readonly help: boolean }
  | { readonly fault: string }

function parse(argv: readonly string[]): Wanted {
  const flag = { type: "boolean", default: false } as const
  try {
    const options = { json: flag, markdown: flag, help: { ...flag, short: "h" } }
    return parseArgs({ args: [...argv], options, strict: true }).values
  } catch (thrown) {
    return { fault: toError(thrown).message }
  }
}

async function survey(): Promise<Described> {
  const folder = await mkdtemp(join(tmpdir(), "switchboard-plugins-"))
  try {
    // The house is loaded only for those who need it: help is there at once.
    const [{ loadConfig }, { surveyHouse }] = await Promise.all([
      import("../load-config.ts"),
      import("../../start/survey.ts"),
    ])
    return describe(await surveyHouse({ config: await loadConfig(), folder }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
