import { parseArgs } from "node:util"
import { toError } from "../../errors.ts"
import type { Command, Given } from "./command.ts"
import { erase } from "./commands/erase.ts"
import { exportCompany } from "./commands/export.ts"
import { importCompany } from "./commands/import.ts"
import { list } from "./commands/list.ts"
import { migrate } from "./commands/migrate.ts"
import { move } from "./commands/move.ts"
import { reseal } from "./commands/reseal.ts"
import { wrongUse } from "./failure.ts"
import { createOutput, type Output } from "./output.ts"
import type { Reached } from "./server.ts"
import { tell } from "./tell.ts"

const commands: readonly Command[] = [list, move, exportCompany, importCompany, migrate, erase, reseal]
const PROGRAM = "npm run companies --"
const COMMON = { url: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const
const COMMON_HELP: Readonly<Record<string, string>> = {
  "url <url>": "Talk to the server at this address; its key comes from WHATSAPP_API_KEY",
  json: "The result as JSON, and nothing else on standard output",
  help: "This text",
}

/** Runs one command; the exit code is 0 when it did what it was asked, 1 when it failed, 2 when it was asked wrongly. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = argv
  if (name === "--help" || name === "-h" || name === "help") {
    console.log(overview())
    return argv.length === 0 ? 2 : 0
  }
  const command = commands.find((one) => one.name === name)
  let out = createOutput(rest.includes("--json"))
  try {
    if (command === undefined) throw wrongUse(`There is no command ${name}`, `\`${PROGRAM} --help\` shows them`)
    const given = parse(command, rest)
    if (given.flag("help")) {
      console.log(help(command))
      return 0
    }
    if (given.words.length !== command.words.length)
      throw wrongUse(`Usage: ${PROGRAM} ${command.name} ${command.usage}`)
    command.check?.(given)
    out = createOutput(given.flag("json"))
    return await perform(command, given, out)
  } catch (thrown) {
    return tell(out, thrown)
  }
}

async function perform(command: Command, given: Given, out: Output): Promise<number> {
  let reached: Promise<Reached> | undefined
  try {
    return await command.run({
      ...given,
      out,
      reach() {
        // The house is loaded only for those who need it: help is there at once.
        reached ??= import("./server.ts").then(({ reach }) => reach(given.text("url")))
        return reached
      },
    })
  } finally {
    // One that was never reached has told so already.
    const open = await reached?.catch(() => undefined)
    await open?.server.close()
  }
}

function parse(command: Command, args: readonly string[]): Given {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...COMMON, ...command.options },
      allowPositionals: true,
      strict: true,
    })
    const all: Readonly<Record<string, unknown>> = values
    return {
      words: positionals,
      text(option) {
        const value = all[option]
        return typeof value === "string" ? value : undefined
      },
      flag: (option) => all[option] === true,
    }
  } catch (thrown) {
    throw wrongUse(toError(thrown).message, `\`${PROGRAM} ${command.name} --help\` shows what it takes`)
  }
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    "Companies from the command line. Works on the data folder, or through the server that has it.",
    "",
    `Usage: ${PROGRAM} <command> [options]`,
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    `\`${PROGRAM} <command> --help\` shows the options of each.`,
  ].join("\n")
}

function help({ name, summary, usage, optionHelp, more }: Command): string {
  const options = Object.entries({ ...optionHelp, ...COMMON_HELP })
  const width = Math.max(...options.map(([option]) => option.length))
  return [
    summary,
    "",
    `Usage: ${PROGRAM} ${name} ${usage}`.trimEnd(),
    "",
    ...options.map(([option, text]) => `  --${option.padEnd(width)}  ${text}`),
    ...(more === undefined ? [] : ["", more]),
  ].join("\n")
}
