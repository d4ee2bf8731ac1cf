import { open, rename, rm } from "node:fs/promises"
import process from "node:process"
import { refuseFailure, one } from "../api.ts"
import { type Command, word } from "../command.ts"
import { checkExport, type ExportEnd } from "../export-stream.ts"
import { CommandFailure } from "../failure.ts"

export const exportCompany: Command = {
  name: "export",
  summary: "Write everything a company has into a file",
  usage: "<company> [--credentials] [--out <file>]",
  words: ["company"],
  options: { credentials: { type: "boolean" }, out: { type: "string" } },
  optionHelp: {
    credentials: "With the auth state and the secrets: whoever has the file can be this line",
    "out <file>": "Where to; standard output without it",
  },
  more: "JSON lines; `import` makes the company anew out of them, here or on another server.",
  async run(context) {
    const { out, reach } = context
    const company = word(context, 0)
    const file = context.text("out")
    const { server } = await reach()
    const query = context.flag("credentials") ? "?credentials=true" : ""
    const response = await server.fetch(one(company, `/export${query}`))
    await refuseFailure(response)
    if (response.body === null) throw new CommandFailure("The server sent nothing")
    if (file === undefined) {
      await pass(response.body, async (chunk) => {
        if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once("drain", resolve))
      })
      return 0
    }
    const { lines, counts } = await writeFile(file, response.body)
    const messages = counts["row message"] ?? 0
    out.line(`${company}: ${lines} lines, ${messages} messages, in ${file}`)
    if (context.flag("credentials")) out.note("The file holds credentials: keep it as safe as the phone itself")
    out.result({ company, file, lines, counts })
    return 0
  },
}

/** In a file of its own until it is whole, so that half an export never stands where a whole one did. */
async function writeFile(path: string, body: ReadableStream<Uint8Array>): Promise<ExportEnd> {
  const part = `${path}.part`
  const file = await open(part, "w", 0o600).catch((cause: unknown) => {
    throw new CommandFailure(`${path} cannot be written (${String((cause as { readonly code?: unknown }).code)})`)
  })
  try {
    const end = await pass(body, async (chunk) => void (await file.write(chunk)))
    await file.sync()
    await file.close()
    await rename(part, path)
    return end
  } catch (thrown) {
    await file.close()
    await rm(part, { force: true })
    throw thrown
  }
}

async function pass(body: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => Promise<void>): Promise<ExportEnd> {
  const check = checkExport()
  try {
    for await (const chunk of body) {
      check.see(chunk)
      await take(chunk)
    }
  } catch (cause) {
    if (cause instanceof CommandFailure) throw cause
    throw new CommandFailure("The export broke off", { details: [String(cause)], remedy: "The server's log says why" })
  }
  return check.end()
}
